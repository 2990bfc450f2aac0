"""Scores that never stand alone: an interval, and what a constant guess would get."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..networks import Network, require_network
from ..tasks import Split, Task, TaskInfo, require_split, require_task
from .feed import Feed, chunks, feed
from .intervals import bootstrap_r2, r2, wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

METRICS = {"classification": "accuracy", "multilabel": "accuracy", "regression": "R2"}


@dataclass(frozen=True, repr=False, eq=False)
class Evaluation:
    """How well a network does on one split.

    Attributes
    ----------
    score : float
        Accuracy, 0..1, for classification; R2, at most 1, for regression.
    interval : tuple of float
        95 % interval of `score` for new items of the same kind.
    constant_guess : float
        The score of the best constant answer on the same items.
    sensitivity, specificity : float or None
        Share of the positive class that is found, and of all others that are left alone; None
        where the task names no positive class.
    outputs : torch.Tensor
        What the network gave, shape (N, outputs).
    targets : torch.Tensor
        What was right, shape (N,). The pictures are not here: an exam must not leak its test.
    info : TaskInfo
        What the task is about.
    role : str
        Which split was scored.
    note : str
        What a reader of the score must know.
    """

    score: float
    interval: tuple[float, float]
    constant_guess: float
    sensitivity: float | None
    specificity: float | None
    outputs: torch.Tensor
    targets: torch.Tensor
    info: TaskInfo
    role: str
    note: str = ""

    @property
    def predictions(self) -> torch.Tensor:
        """Class numbers, or values for regression."""
        if self.info.kind == "classification":
            return self.outputs.argmax(1)
        if self.info.kind == "multilabel":
            return (self.outputs > 0).long()
        return self.outputs.squeeze(1)

    def __repr__(self) -> str:
        info = self.info
        text = (
            f"{METRICS[info.kind]} {self.score:.3f} "
            f"(95 % interval {self.interval[0]:.3f} to {self.interval[1]:.3f})\n"
            f"on {len(self.targets):,} {self.role} items; "
            f"a constant guess gets {self.constant_guess:.3f}"
        )
        if self.sensitivity is not None:
            text += (
                f"\nsensitivity for {info.positive!r} {self.sensitivity:.3f}, "
                f"specificity {self.specificity:.3f}"
            )
        return text + (f"\n{self.note}" if self.note else "")


def evaluate(net: Network, split: Split) -> Evaluation:
    """Score a network on a split.

    Parameters
    ----------
    net : Network
        Left as it is, train or eval mode included.
    split : Split
        Usually ``task.validation``. A sealed test split refuses.

    Returns
    -------
    Evaluation
        The score with a 95 % interval, beside what a constant guess gets on the same items.

    Raises
    ------
    SealedError
        If the split is a sealed test, or has no labels.

    Notes
    -----
    The interval of an accuracy is Wilson's, which stays honest near 0 and 1; that of R2 comes
    from resampling the items 1,000 times.

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-letters")
    >>> result = tl.evaluate(tl.load_network("letters-resnet"), task.validation)
    >>> result.score > 0.9 and result.constant_guess < 0.1
    True
    """
    net = require_network(net)
    split = require_split(split).for_network(net)
    require_fit(net, split)
    with evaluating(net):
        outputs = predict(net, feed(net, split))
    return score_outputs(outputs, split)


def baseline(task: Task) -> Evaluation:
    """Score the best constant answer: what a score must beat to mean anything.

    Parameters
    ----------
    task : Task
        The constant is chosen on ``task.train`` and scored on ``task.validation``.

    Returns
    -------
    Evaluation
        For classification, of always answering the commonest class.

    Examples
    --------
    >>> import tl_teach as tl
    >>> round(tl.baseline(tl.load_task("printed-digits")).score, 2)
    0.1
    """
    targets = require_task(task).train.targets
    if task.kind == "regression":
        constant = targets.float().mean(0).reshape(1, -1)
    elif task.kind == "multilabel":
        constant = targets.float().mean(0, keepdim=True) - 0.5
    else:
        constant = torch.bincount(targets, minlength=task.outputs)[None].float()
    return score_outputs(constant.expand(len(task.validation), -1), task.validation)


@contextmanager
def evaluating(net: Network) -> Iterator[None]:
    """Put a network into eval mode without gradients, and each part back into its mode after.

    Parameters
    ----------
    net : Network
        The network.
    """
    modes = {module: module.training for module in net.modules()}
    net.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():  # a reader may have set some of them by hand
            module.training = training


def predict(net: Network, feed: Feed, size: int = 32) -> torch.Tensor:
    """Give a network's outputs for all items of a feed.

    Parameters
    ----------
    net : Network
        Runs from its freeze boundary on, in eval mode.
    feed : Feed
        Gives what crosses the boundary.
    size : int
        Items at a time.

    Returns
    -------
    torch.Tensor
        Shape (N, outputs).
    """
    with evaluating(net):
        parts = [feed.prefix.rest(feed(items)) for items in chunks(len(feed), size)]
    return torch.cat(parts)


def score_outputs(outputs: torch.Tensor, split: Split) -> Evaluation:
    """Score given outputs on a split.

    Parameters
    ----------
    outputs : torch.Tensor
        Shape (N, outputs): logits, or values for regression.
    split : Split
        The items, in the same order.

    Returns
    -------
    Evaluation
        See `evaluate`.
    """
    targets = split.targets
    if split.info.kind == "regression":
        truth, guess = targets.double().flatten().numpy(), outputs.double().flatten().numpy()
        score, interval, constant = r2(truth, guess), bootstrap_r2(truth, guess), 0.0
        return Evaluation(
            score, interval, constant, None, None, outputs, targets, split.info, split.role
        )
    if split.info.kind == "multilabel":
        right = ((outputs > 0).long() == targets.long()).flatten()
        share = targets.float().mean(0)
        constant = float(torch.maximum(share, 1 - share).mean())
    else:
        right = outputs.argmax(1) == targets
        constant = float(torch.bincount(targets).max() / len(targets))
    sensitivity, specificity = _two_mistakes(right, split)
    return Evaluation(
        float(right.float().mean()),
        wilson(int(right.sum()), len(right)),
        constant,
        sensitivity,
        specificity,
        outputs,
        targets,
        split.info,
        split.role,
    )


def require_fit(net: Network, split: Split) -> None:
    """Refuse a network whose outputs do not fit a task, before anything is computed.

    Parameters
    ----------
    net : Network
        The network.
    split : Split
        Any part of the task.

    Raises
    ------
    ValueError
        If the number of outputs differs from what the task asks for.
    """
    if len(net.classes) != len(split.info.classes):
        raise ValueError(
            f"The network {net.name!r} gives {len(net.classes)} outputs, but the task "
            f"{split.info.name!r} needs {len(split.info.classes)}; "
            "give it a new head first: net = tl.replace_head(net, task)."
        )


def _two_mistakes(right: torch.Tensor, split: Split) -> tuple[float | None, float | None]:
    if split.info.positive is None:
        return None, None
    positive = split.targets == split.info.classes.index(split.info.positive)
    return float(right[positive].float().mean()), float(right[~positive].float().mean())
