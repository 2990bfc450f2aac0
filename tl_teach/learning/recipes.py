"""Recipes: how a network is taken over, written down so that it can be repeated."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any

from ..networks import (
    Network,
    fingerprint,
    freeze,
    load_network,
    replace_head,
    require_network,
    unfreeze,
)
from ..tasks import Task, require_task
from ..wording import unknown
from .fit import fit
from .history import History
from .progress import without_bars

_OF_THE_RUN = {"net", "task", "seed", "checkpoint", "progress"}


class Phase:
    """One stretch of training: where the boundary stands, and how what follows it learns.

    Parameters
    ----------
    freeze : bool or str
        False: every stage learns. True: the head alone does. A stage: it and those before it
        are frozen.
    **options
        As of `fit`: ``epochs``, ``lr``, ``batch_size`` and so on.

    Raises
    ------
    ValueError
        If `fit` has no such option.

    Examples
    --------
    >>> Phase(freeze="block2", epochs=5, lr=1e-2)
    Phase('block2', epochs=5, lr=0.01)
    """

    def __init__(self, freeze: bool | str = False, **options: Any):
        known = [name for name in inspect.signature(fit).parameters if name not in _OF_THE_RUN]
        for name in options:
            if name not in known:
                raise ValueError(unknown("option of tl.fit for a phase", name, known))
        self.freeze, self.options = freeze, options

    def run(self, net: Network, task: Task, seed: int = 0) -> History:
        """Move the boundary, then train.

        Parameters
        ----------
        net : Network
            Changed in place.
        task : Task
            Learns from ``task.train``.
        seed : int
            Fixes the order of the items.
        """
        unfreeze(net)
        if self.freeze:
            freeze(net, through=None if self.freeze is True else self.freeze)
        with without_bars("training"):  # one a phase would be many; the frozen part has its own
            return fit(net, task, seed=seed, **self.options)

    def __repr__(self) -> str:
        options = "".join(f", {name}={_plain(value)}" for name, value in self.options.items())
        return f"Phase({self.freeze!r}{options})"


class Recipe:
    """A network, what is done to its head, and the phases of its training.

    Parameters
    ----------
    network : str or Network
        A name for `load_network`, or a network of your own; it is copied.
    *phases : Phase
        One after the other.
    weights : str
        ``"pretrained"`` copies, ``"random"`` starts anew; for a network by name.
    image_size : int, optional
        See `load_network`; for a network by name.
    head : dict, optional
        Options of `replace_head`, such as ``{"hidden": 64}``.

    Raises
    ------
    TypeError
        If there is no phase.
    ValueError
        If `weights` or `image_size` is given for a network of your own.

    Examples
    --------
    >>> import tl_teach as tl
    >>> recipe = tl.Recipe("letters-resnet", tl.Phase(True, epochs=2, lr=1e-2))
    >>> net, histories = recipe.train(tl.load_task("printed-digits", labels_per_class=2))
    >>> net.frozen_through, len(histories)
    ('block3', 1)
    """

    def __init__(
        self,
        network: str | Network,
        *phases: Phase,
        weights: str = "pretrained",
        image_size: int | None = None,
        head: Mapping[str, Any] | None = None,
    ):
        wrong = [phase for phase in phases if not isinstance(phase, Phase)]
        if wrong or not phases:
            raise TypeError(
                f"A recipe needs phases, but got {wrong[0] if wrong else None!r}; give one or "
                "several tl.Phase(freeze, epochs=..., lr=...)."
            )
        for option, given, usual in (
            ("weights", weights, "pretrained"),
            ("image_size", image_size, None),
        ):
            if given != usual and not isinstance(network, str):
                raise ValueError(
                    f"{option}={given!r} does nothing for a network of your own, which is copied "
                    f"as it is; leave {option} out, or give the name of a network."
                )
        self.network, self.phases, self.weights = network, phases, weights
        self.image_size, self.head = image_size, dict(head or {})

    def build(self, task: Task, seed: int = 0) -> Network:
        """Take the network over, with a new head for the task.

        Parameters
        ----------
        task : Task
            Decides the head.
        seed : int
            Fixes what is random: the head, or all weights.
        """
        if isinstance(self.network, str):
            net = load_network(self.network, self.weights, seed=seed, image_size=self.image_size)
        else:
            net = copy.deepcopy(require_network(self.network))
        return replace_head(net, require_task(task), seed=seed, **self.head)

    def train(self, task: Task, seed: int = 0) -> tuple[Network, tuple[History, ...]]:
        """Build the network and run every phase.

        Parameters
        ----------
        task : Task
            Learns from ``task.train``.
        seed : int
            Fixes everything that is random.

        Returns
        -------
        net : Network
            In eval mode.
        histories : tuple of History
            One a phase.
        """
        net = self.build(task, seed)
        histories: list[History] = []
        for phase in self.phases:
            histories.append(phase.run(net, task, seed))
            if histories[-1].interrupted:
                break
        return net, tuple(histories)

    def __repr__(self) -> str:
        name = self.network if isinstance(self.network, str) else fingerprint(self.network)
        text = f"Recipe({name!r}, {', '.join(map(repr, self.phases))}, weights={self.weights!r}"
        text += f", image_size={self.image_size}" if self.image_size else ""
        return text + (f", head={self.head})" if self.head else ")")


def gradual_unfreezing(
    network: str, *, epochs: int, lr: float, lr_decay: float = 0.5, **options: Any
) -> Recipe:
    """Let the head learn first, then one more stage at a time, from the last to the first.

    Parameters
    ----------
    network : str
        A name for `load_network`.
    epochs : int
        Of each phase.
    lr : float
        Learning rate of the head.
    lr_decay : float
        Each stage learns at this share of the rate of the stage after it.
    **options
        As of `fit`, for every phase.

    Returns
    -------
    Recipe
        As many phases as there are stages.

    References
    ----------
    Howard, Ruder (2018), "Universal language model fine-tuning for text classification",
    https://arxiv.org/abs/1801.06146

    Examples
    --------
    >>> recipe = gradual_unfreezing("letters-resnet", epochs=2, lr=1e-2)
    >>> [phase.freeze for phase in recipe.phases]
    ['block3', 'block2', 'block1', 'stem', False]
    """
    body = load_network(network, weights="random").stage_names[:-1]
    settings: dict[str, Any] = {"epochs": epochs, "lr": lr, "lr_decay": lr_decay, **options}
    boundaries: list[bool | str] = [*body[::-1], False]
    return Recipe(network, *(Phase(boundary, **settings) for boundary in boundaries))


def probe_then_fine_tune(
    network: str, *, epochs: int, probe_lr: float, lr: float, **options: Any
) -> Recipe:
    """Train the head on frozen features, then everything, gently.

    A random head sends large, random gradients into good features. After a probe it does not.

    Parameters
    ----------
    network : str
        A name for `load_network`.
    epochs : int
        Of each of the two phases.
    probe_lr, lr : float
        Learning rate of the head alone, then of all stages.
    **options
        As of `fit`, for both phases.

    Returns
    -------
    Recipe
        Two phases.

    References
    ----------
    Kumar, Raghunathan, Jones, Ma, Liang (2022), "Fine-tuning can distort pretrained features and
    underperform out-of-distribution", https://arxiv.org/abs/2202.10054

    Examples
    --------
    >>> recipe = probe_then_fine_tune("letters-resnet", epochs=5, probe_lr=1e-2, lr=1e-4)
    >>> recipe.phases
    (Phase(True, epochs=5, lr=0.01), Phase(False, epochs=5, lr=0.0001))
    """
    probe = Phase(True, epochs=epochs, lr=probe_lr, **options)
    return Recipe(network, probe, Phase(False, epochs=epochs, lr=lr, **options))


def _plain(value: object) -> str:
    """A function by its name: its address differs from run to run."""
    return getattr(value, "__qualname__", None) or repr(value)
