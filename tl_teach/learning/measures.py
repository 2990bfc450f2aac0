"""Measures of how good outputs are, each with its interval.

Every measure is written for *weighted* items. One row of ones gives the measure itself; a row of
how often each item was drawn gives it for one resample, and a thousand such rows its interval
(Efron 1979, "Bootstrap methods", https://doi.org/10.1214/aos/1176344552).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from .intervals import Interval

if TYPE_CHECKING:
    from .evaluation import Evaluation

Measure = Callable[["Evaluation", np.ndarray], np.ndarray]

_RESAMPLES = 1000


def measure(evaluation: Evaluation, name: str) -> Interval:
    """Take one measure with its 95 % interval.

    Parameters
    ----------
    evaluation : Evaluation
        Outputs and targets.
    name : str
        A name that `names` gives.

    Returns
    -------
    Interval
        The measure, and the ends of its interval for new items of the same kind.
    """
    values = MEASURES[name](evaluation, _weights(len(evaluation.targets)))
    return _with_ends(values)


def point(evaluation: Evaluation, name: str) -> float:
    """Take one measure without its interval.

    Parameters
    ----------
    evaluation : Evaluation
        Outputs and targets.
    name : str
        A name that `names` gives.
    """
    return float(MEASURES[name](evaluation, np.ones((1, len(evaluation.targets))))[0])


def paired(first: Evaluation, second: Evaluation, name: str) -> Interval:
    """Take the difference of one measure between two networks, on the same drawn items.

    Parameters
    ----------
    first, second : Evaluation
        Of the same items.
    name : str
        A name that `names` gives.
    """
    weights = _weights(len(first.targets))
    values = MEASURES[name](first, weights) - MEASURES[name](second, weights)
    return _with_ends(values)


def _with_ends(values: np.ndarray) -> Interval:
    """The first value, and the interval that the others leave."""
    drawn = values[1:][~np.isnan(values[1:])]
    if not len(drawn):
        return Interval(float(values[0]), float("nan"), float("nan"))
    ends = [0.025, 0.975]
    if np.isfinite(drawn).all():
        low, high = np.quantile(drawn, ends)
    else:  # between infinite values there is nothing to interpolate
        low, high = np.quantile(drawn, ends, method="inverted_cdf")
    return Interval(float(values[0]), float(low), float(high))


def names(evaluation: Evaluation) -> tuple[str, ...]:
    """Give the measures that make sense for a task.

    Parameters
    ----------
    evaluation : Evaluation
        Of that task.
    """
    kind, positive = evaluation.info.kind, evaluation.info.positive
    if kind == "regression":
        return "R2", "mean absolute error"
    if kind == "multilabel":
        return "accuracy", "AUC"
    both = ("sensitivity", "specificity") if positive is not None else ()
    return "accuracy", "balanced accuracy", "AUC", *both


def _weights(count: int) -> np.ndarray:
    """One row of ones, then how often each item stands in each resample."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(count, size=(_RESAMPLES, count))
    rows = np.zeros((_RESAMPLES + 1, count), dtype=np.float32)
    rows[0] = 1
    places = drawn + np.arange(_RESAMPLES)[:, None] * count
    rows[1:] = np.bincount(places.ravel(), minlength=_RESAMPLES * count).reshape(-1, count)
    return rows


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # a resample without the class counts as missing
        return weights @ values / weights.sum(1)


def _right(evaluation: Evaluation) -> np.ndarray:
    right = evaluation.predictions == evaluation.targets.reshape(evaluation.predictions.shape)
    share = right.double().reshape(len(right), -1).mean(1)
    return (share * evaluation.answered).numpy()


def _recall(evaluation: Evaluation, members: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return _mean(_right(evaluation)[members], weights[:, members])


def accuracy(evaluation: Evaluation, weights: np.ndarray) -> np.ndarray:
    """Share of right answers."""
    return _mean(_right(evaluation), weights)


def balanced_accuracy(evaluation: Evaluation, weights: np.ndarray) -> np.ndarray:
    """Share of right answers in each class, averaged over the classes."""
    targets = evaluation.targets.numpy()
    recalls = [_recall(evaluation, targets == one, weights) for one in np.unique(targets)]
    return np.nanmean(recalls, axis=0)


def sensitivity(evaluation: Evaluation, weights: np.ndarray) -> np.ndarray:
    """Share of the positive class that is found."""
    return _recall(evaluation, evaluation.is_positive, weights)


def specificity(evaluation: Evaluation, weights: np.ndarray) -> np.ndarray:
    """Share of all others that are left alone."""
    return _recall(evaluation, ~evaluation.is_positive, weights)


def auc(evaluation: Evaluation, weights: np.ndarray) -> np.ndarray:
    """Chance that an item of a class gets a higher score for it than one of another class.

    The area under the ROC curve; of more than two classes the mean over them.
    """
    scores = evaluation.probabilities.double().nan_to_num(-1).numpy()  # no answer: the lowest
    targets = evaluation.targets
    if evaluation.info.kind == "multilabel":
        member = targets.bool().numpy()
    else:
        member = torch.nn.functional.one_hot(targets, scores.shape[1]).bool().numpy()
    columns: Sequence[int] = range(scores.shape[1])
    if evaluation.info.kind == "classification" and scores.shape[1] == 2:
        columns = [1]  # the other column says the same
    areas = [
        _area(scores[:, one], member[:, one], weights)
        for one in columns
        if 0 < member[:, one].sum() < len(member)
    ]
    return np.nanmean(areas, axis=0) if areas else np.full(len(weights), np.nan)


def _area(scores: np.ndarray, member: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])  # equal scores are ties
    inside = np.add.reduceat((weights * member)[:, order], starts, axis=1).astype(np.float64)
    outside = np.add.reduceat((weights * ~member)[:, order], starts, axis=1).astype(np.float64)
    below = np.cumsum(outside, axis=1) - outside / 2
    with np.errstate(invalid="ignore"):
        return (inside * below).sum(1) / (inside.sum(1) * outside.sum(1))


def r2(evaluation: Evaluation, weights: np.ndarray) -> np.ndarray:
    """Share of the spread that is explained, averaged over the outputs; at most 1.

    0 where all targets are equal, minus infinity where an output is no number.
    """
    truth, guess = _values(evaluation)
    shares = []
    for one in range(truth.shape[1]):
        far = truth[:, one] - truth[:, one].mean()
        spread = _mean(far**2, weights) - _mean(far, weights) ** 2
        missed = _mean((truth[:, one] - guess[:, one]) ** 2, weights)
        missed = np.where(np.isfinite(missed), missed, np.inf)
        shares.append(1 - missed / np.where(spread > 1e-12 * far.var(), spread, np.nan))
    return np.nan_to_num(np.mean(shares, axis=0), nan=0.0, neginf=-np.inf)


def mean_absolute_error(evaluation: Evaluation, weights: np.ndarray) -> np.ndarray:
    """How far an answer is from the truth on average, in the task's unit."""
    truth, guess = _values(evaluation)
    return _mean(np.abs(truth - guess).mean(1), weights)


def _values(evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    count = len(evaluation.targets)
    truth = evaluation.targets.double().reshape(count, -1).numpy()
    return truth, evaluation.outputs.double().reshape(count, -1).numpy()


MEASURES: dict[str, Measure] = {
    "accuracy": accuracy,
    "balanced accuracy": balanced_accuracy,
    "AUC": auc,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "R2": r2,
    "mean absolute error": mean_absolute_error,
}
