"""Scores that never stand alone: an interval, and what a constant guess would get."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..networks import Network, require_network
from ..tasks import Split, Task, TaskInfo, require_split, require_task
from ..wording import require_kind, unknown
from . import looks, measures
from .feed import feed
from .intervals import Interval, wilson
from .predicting import evaluating, predict, require_fit, shares


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
    outputs : torch.Tensor
        What the network gave, shape (N, outputs).
    targets : torch.Tensor
        What was right: class numbers of shape (N,); 0 and 1 of shape (N, classes) for several
        labels an item; values of shape (N,) or (N, outputs) for regression. The pictures are not
        here: an exam must not leak its test.
    info : TaskInfo
        What the task is about.
    role : str
        Which split was scored.
    items : str
        Changes with the items that were scored.
    note : str
        What a reader of the score must know.
    """

    score: float
    interval: tuple[float, float]
    constant_guess: float
    outputs: torch.Tensor
    targets: torch.Tensor
    info: TaskInfo
    role: str
    items: str
    note: str = ""

    @property
    def predictions(self) -> torch.Tensor:
        """Class numbers, or values for regression."""
        if self.info.kind == "classification":
            return self.outputs.argmax(1)
        if self.info.kind == "multilabel":
            return (self.outputs > 0).long()
        return self.outputs.squeeze(1)

    @property
    def answered(self) -> torch.Tensor:
        """Which items have an answer, shape (N,), bool: NaN is none, and counts as wrong."""
        values = self.outputs if self.info.kind == "regression" else self.probabilities
        return ~values.isnan().any(1)

    def require_answers(self) -> None:
        """Refuse outputs that are no numbers where an answer of each item is needed.

        Raises
        ------
        ValueError
            If an item has no answer.
        """
        if missing := int((~self.answered).sum()):
            raise ValueError(
                f"Of {len(self.outputs):,} answers {missing:,} are no numbers; the training "
                "diverged: try a smaller learning rate."
            )

    @property
    def probabilities(self) -> torch.Tensor:
        """How sure the network says it is, shape (N, classes); 0..1."""
        if self.info.kind == "regression":
            raise ValueError(
                f"{self.info.name!r} is a regression: its outputs are values, not shares."
            )
        return shares(self.outputs, self.info.kind)

    @property
    def is_positive(self) -> np.ndarray:
        """Which items are of the positive class, shape (N,), bool."""
        return (self.targets == self._positive).numpy()

    @property
    def positive_probability(self) -> torch.Tensor:
        """How sure the network is that an item is of the positive class, shape (N,)."""
        return self.probabilities[:, self._positive]

    @property
    def _positive(self) -> int:
        if self.info.positive is None:
            raise ValueError(f"{self.info.name!r} names no class whose misses matter more.")
        return self.info.classes.index(self.info.positive)

    @property
    def confusion(self) -> np.ndarray:
        """How often each class (row) was taken for each (column), shape (classes, classes)."""
        if self.info.kind != "classification":
            raise ValueError(f"{self.info.name!r} has no classes to confuse: {self.info.kind}.")
        self.require_answers()
        counts = np.zeros((len(self.info.classes),) * 2, dtype=np.int64)
        np.add.at(counts, (self.targets.numpy(), self.predictions.numpy()), 1)
        return counts

    @property
    def sensitivity(self) -> float | None:
        """Share of the positive class that is found; None where the task names none."""
        return None if self.info.positive is None else measures.point(self, "sensitivity")

    @property
    def specificity(self) -> float | None:
        """Share of all others that are left alone; None where the task names no positive class."""
        return None if self.info.positive is None else measures.point(self, "specificity")

    def measure(self, name: str) -> Interval:
        """Take one measure with its 95 % interval.

        Parameters
        ----------
        name : str
            One of those that `measures` gives.

        Returns
        -------
        Interval
            From drawing the items 1,000 times with replacement.

        Raises
        ------
        ValueError
            If the task has no such measure.
        """
        if name not in measures.names(self):
            raise ValueError(unknown("measure", name, measures.names(self)))
        return measures.measure(self, name)

    def measures(self) -> dict[str, Interval]:
        """Take every measure that makes sense for the task, each with its 95 % interval."""
        return {name: self.measure(name) for name in measures.names(self)}

    def at(self, threshold: float) -> Evaluation:
        """Score the same outputs, calling an item positive from another probability on.

        Parameters
        ----------
        threshold : float
            Between 0 and 1; see `choose_threshold`.

        Returns
        -------
        Evaluation
            Of the same items.

        Raises
        ------
        ValueError
            If the task names no positive class among two, or `threshold` makes no sense.
        """
        from .paired import at_threshold

        return at_threshold(self, threshold)

    def __repr__(self) -> str:
        info = self.info
        text = (
            f"{info.metric} {self.score:.3f} "
            f"(95 % interval {self.interval[0]:.3f} to {self.interval[1]:.3f})\n"
            f"on {len(self.targets):,} {self.role} items; "
            f"a constant guess gets {self.constant_guess:.3f}"
        )
        if info.kind == "regression":
            error = measures.point(self, "mean absolute error")
            text += f"\nmean absolute error {error:.3g} {info.unit}".rstrip()
        if self.sensitivity is not None:
            text += (
                f"\nsensitivity for {info.positive!r} {self.sensitivity:.3f}, "
                f"specificity {self.specificity:.3f}"
            )
        return text + (f"\n{self.note}" if self.note else "")


def require_evaluation(given: object) -> Evaluation:
    """Refuse what is not the score of a network, in one sentence."""
    return require_kind(
        given, Evaluation, "a score of a network", "give tl.evaluate(net, task.validation)"
    )


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
    TypeError
        If `net` is no network, or `split` no part of a task.
    SealedError
        If the split is a sealed test, or has no labels.

    Notes
    -----
    The interval of an accuracy is Wilson's, which stays honest near 0 and 1; that of R2, and of
    the accuracy of several labels an item, comes from resampling the items 1,000 times.

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
    looks.record(split, "score")
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

    Raises
    ------
    TypeError
        If it is no task.

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
    items = split.fingerprint()[:16]
    return scored(_unscored(outputs, split, items), outputs)


def score_only(outputs: torch.Tensor, split: Split) -> float:
    """Give the usual score of given outputs, without intervals.

    Parameters
    ----------
    outputs : torch.Tensor
        Shape (N, outputs).
    split : Split
        The items, in the same order.
    """
    return measures.point(_unscored(outputs, split, ""), split.info.metric)


def _unscored(outputs: torch.Tensor, split: Split, items: str) -> Evaluation:
    nothing = (0.0, 0.0)
    return Evaluation(0.0, nothing, 0.0, outputs, split.targets, split.info, split.role, items)


def scored(evaluation: Evaluation, outputs: torch.Tensor) -> Evaluation:
    """Score other outputs on the items of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        Whose items and targets are used.
    outputs : torch.Tensor
        Shape (N, outputs).

    Returns
    -------
    Evaluation
        Without a note, unless outputs are no numbers.
    """
    new = replace(evaluation, outputs=outputs, note="")
    missing = int((~new.answered).sum())
    if missing:
        note = (
            f"{missing:,} of {len(outputs):,} answers are no numbers and count as wrong: the "
            "training diverged; try a smaller learning rate."
        )
        new = replace(new, note=note)
    if new.info.kind == "regression":
        score, low, high = measures.measure(new, "R2")
        return replace(new, score=score, interval=(low, high), constant_guess=0.0)
    if new.info.kind == "multilabel":  # the labels of one item are no independent draws
        score, low, high = measures.measure(new, "accuracy")
        return replace(new, score=score, interval=(low, high), constant_guess=_constant(new))
    right = int(((new.predictions == new.targets) & new.answered).sum())
    interval = wilson(right, len(new.targets))
    score = right / len(new.targets)
    return replace(new, score=score, interval=interval, constant_guess=_constant(new))


def _constant(evaluation: Evaluation) -> float:
    targets = evaluation.targets
    if evaluation.info.kind == "multilabel":
        share = targets.float().mean(0)
        return float(torch.maximum(share, 1 - share).mean())
    return float(torch.bincount(targets).max() / len(targets))
