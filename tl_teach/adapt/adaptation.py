"""Adaptation: a copy of a network is fitted to pictures that have no labels."""

from __future__ import annotations

import copy
import inspect
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..learning.exam import candidate, seen_by
from ..networks import Network, StageChange, require_network, stage_change
from ..tasks import Split, Target, Task, require_split, require_task
from ..wording import require_count, unknown
from .adabn import adabn
from .coral import coral
from .dann import dann
from .pseudo_label import pseudo_label
from .signs import Signs, Watch

METHODS: dict[str, Callable[..., None]] = {
    "adabn": adabn,
    "coral": coral,
    "dann": dann,
    "pseudo-label": pseudo_label,
}
"""The methods by name. Each changes the copy that it is given, and takes signs on the way."""


@dataclass(frozen=True, repr=False, eq=False)
class Adaptation:
    """What came of an adaptation.

    Attributes
    ----------
    net : Network
        The adapted copy, in eval mode, with the freeze boundary of the original.
    method : str
        How it was adapted.
    signs : Signs
        What could be seen on the way, without labels of the target.
    changed : dict of str to StageChange
        For each stage, how far its parameters and its buffers have moved.
    pictures : int
        How many pictures of the target were used.
    seconds : float
        Wall time.
    """

    net: Network
    method: str
    signs: Signs
    changed: dict[str, StageChange]
    pictures: int
    seconds: float

    def __repr__(self) -> str:
        width = max(map(len, self.changed))
        rows = [
            f" {name:{width}}  {change.parameters or 0:10.1%}  {change.buffers or 0:7.1%}"
            for name, change in self.changed.items()
        ]
        return "\n".join(
            [
                f"<{self.method} on {self.pictures:,} unlabelled pictures, {self.seconds:.1f} s",
                f" {'changed':{width}}  parameters  buffers",
                *rows,
                f"{self.signs!r}>",
            ]
        )


def adapt(
    net: Network,
    unlabelled: Split,
    source: Task | None = None,
    method: str = "adabn",
    *,
    seed: int = 0,
    **settings: Any,
) -> Adaptation:
    """Adapt a copy of a network to a domain whose labels are not known.

    Parameters
    ----------
    net : Network
        Trained on the source; left as it is.
    unlabelled : Split
        The target's pictures: ``target.unlabelled``. Labels, if it has any, are not looked at.
    source : Task, optional
        Labelled pictures of the source. ``"adabn"`` does without; the others learn from them.
        Its validation part tells in the signs what is lost on the source.
    method : str
        ``"adabn"`` computes the running statistics of BatchNorm anew, also in frozen stages.
        ``"coral"`` gives the source's features the target's covariance and trains the last layer
        on them. ``"dann"`` trains the stages that are not frozen so that a second
        classifier cannot tell the domains apart. ``"pseudo-label"`` trains on what the network
        is already sure of.
    seed : int
        Fixes what a method does at random.
    **settings : Any
        Of the method; see the functions in `tl_teach.adapt.METHODS`.

    Returns
    -------
    Adaptation
        Its ``net`` is adapted; its ``signs`` are all that can be known without labels.

    Raises
    ------
    TypeError
        If `net` is no network, `unlabelled` no part of a task, or `source` no task.
    ValueError
        If there is no such method or setting, or the method cannot work on this network.
    SealedError
        If a sealed test is given.

    Notes
    -----
    If an exam of this task was taken and the adapted network was not in it, a warning says that
    the labels have been seen.

    References
    ----------
    Li, Wang, Shi, Hou, Liu (2018), "Adaptive batch normalization for practical domain
    adaptation", https://arxiv.org/abs/1603.04779

    Sun, Feng, Saenko (2016), "Return of frustratingly easy domain adaptation",
    https://arxiv.org/abs/1511.05547

    Ganin et al. (2016), "Domain-adversarial training of neural networks",
    https://arxiv.org/abs/1505.07818

    Lee (2013), "Pseudo-label: the simple and efficient semi-supervised learning method for deep
    neural networks", ICML workshop on challenges in representation learning.

    Examples
    --------
    >>> import tl_teach as tl
    >>> source, target = tl.load_domains("digits", source="printed", target="8x8")
    >>> net = tl.replace_head(tl.load_network("letters-resnet"), source)
    >>> result = tl.adapt(net, target.unlabelled, method="adabn")
    >>> result.changed["stem"].parameters, result.changed["stem"].buffers > 0.01
    (0.0, True)
    """
    started = time.perf_counter()
    net = require_network(net)
    if method not in METHODS:
        raise ValueError(unknown("method of adaptation", method, METHODS))
    _check_settings(method, settings)
    require_count("seed", seed, least=0)
    unlabelled = _blind(net, unlabelled)
    if source is not None:
        source = _fitting(net, source, unlabelled)
    adapted = copy.deepcopy(net).eval()
    watch = Watch(adapted, unlabelled, source)
    METHODS[method](adapted, unlabelled, source, watch, seed=seed, **settings)
    adapted.eval()
    _warn_of_seen_labels(adapted, unlabelled)
    changed = stage_change(net, adapted)
    seconds = time.perf_counter() - started
    return Adaptation(adapted, method, watch.signs, changed, len(unlabelled), seconds)


def _blind(net: Network, unlabelled: object) -> Split:
    """Give the pictures alone, whatever came with them."""
    if isinstance(unlabelled, Task):
        raise TypeError(
            f"adapt needs pictures, but got the whole of {unlabelled.name!r}; "
            "give its unlabelled part: tl.adapt(net, target.unlabelled)."
        )
    split = require_split(unlabelled)
    if split.info.kind != "classification":
        raise ValueError(
            f"adapt judges by class predictions, but {split.info.name!r} is a task of "
            f"{split.info.kind}; use a task whose kind is 'classification'."
        )
    if len(split) < 2:
        raise ValueError(
            f"adapt needs at least two pictures of the target, but got {len(split)}: "
            "one picture has no spread."
        )
    return replace(split, labels=None).for_network(net)


def _fitting(net: Network, source: object, unlabelled: Split) -> Task:
    task = require_task(source)
    if isinstance(task, Target):
        raise ValueError(
            f"The source must have labels, but {task.name!r} is a target; "
            "give the source of tl.load_domains."
        )
    if task.classes != unlabelled.classes or len(net.classes) != len(task.classes):
        raise ValueError(
            f"Adaptation needs one question on both sides, but the network gives "
            f"{len(net.classes)} outputs, {task.name!r} has {len(task.classes)} classes and "
            f"{unlabelled.info.name!r} has {len(unlabelled.classes)}; give the two domains of one "
            "task and a network with a head for it."
        )
    return task.for_network(net)


def _check_settings(method: str, settings: Mapping[str, Any]) -> None:
    parameters = inspect.signature(METHODS[method]).parameters.values()
    known = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.name != "seed"]
    for name in settings:
        if name not in known:
            raise ValueError(unknown(f"setting of {method!r}", name, known))


def _warn_of_seen_labels(adapted: Network, unlabelled: Split) -> None:
    seen = seen_by(unlabelled.info)
    if seen and candidate(adapted) not in seen:  # to run a notebook twice is harmless
        warnings.warn(
            f"The labels of {unlabelled.info.name!r} have been seen, and this network was not "
            "there: what you change from now on may follow from them, and no score on this "
            "target is a fair one any more.",
            stacklevel=3,
        )
