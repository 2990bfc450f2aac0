"""Calibration: whether a network is right as often as it says it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..wording import require_count
from .evaluation import Evaluation, require_evaluation


@dataclass(frozen=True, eq=False)
class Calibration:
    """Confidence against accuracy, in bins of equal width.

    Attributes
    ----------
    edges : numpy.ndarray
        Ends of the bins from 0 to 1, shape (bins + 1,). A bin contains its upper end.
    counts : numpy.ndarray
        Answers in each bin, shape (bins,).
    confidence : numpy.ndarray
        Their mean confidence; NaN for an empty bin.
    accuracy : numpy.ndarray
        Which share of them is right; NaN for an empty bin.
    error : float
        The expected calibration error: the gap between confidence and accuracy, averaged over
        the answers.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    error: float


def calibration(evaluation: Evaluation, bins: int = 10) -> Calibration:
    """Compare how sure a network is with how often it is right.

    Parameters
    ----------
    evaluation : Evaluation
        Of a classification, from ``evaluate(net, task.validation)``, or of a task with several
        labels an item, each of which counts as one answer.
    bins : int
        How many bins of equal width the confidences from 0 to 1 are sorted into.

    Returns
    -------
    Calibration
        The bins, and the expected calibration error.

    Raises
    ------
    TypeError
        If it is no score of a network.
    ValueError
        If the task is a regression, an answer is no number, or `bins` is no count.

    Notes
    -----
    The error depends on the bins and is biased upwards for few items: compare networks only with
    the same bins on the same items. Bins of equal width, as here, leave some of them nearly
    empty; bins of equal counts would give another number.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger (2017), "On calibration of modern neural networks",
    https://arxiv.org/abs/1706.04599

    Examples
    --------
    >>> import tl_teach as tl
    >>> from tl_teach.learning.calibration import calibration
    >>> task = tl.load_task("printed-letters")
    >>> result = calibration(tl.evaluate(tl.load_network("letters-resnet"), task.validation))
    >>> result.error < 0.1, int(result.counts.sum())
    (True, 1295)
    """
    require_count("bins", bins)
    if require_evaluation(evaluation).info.kind == "regression":
        raise ValueError(
            f"The task {evaluation.info.name!r} is a regression, whose answers come without a "
            "confidence; calibration needs classes."
        )
    evaluation.require_answers()
    confidence = confidences(evaluation).flatten().numpy()
    right = (evaluation.predictions == evaluation.targets).flatten().numpy()
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):  # an empty bin has neither
        sure = np.bincount(place, confidence, bins) / counts
        accuracy = np.bincount(place, right, bins) / counts
    error = float(np.nansum(counts * np.abs(accuracy - sure)) / counts.sum())
    return Calibration(edges, counts, sure, accuracy, error)


def confidences(evaluation: Evaluation) -> torch.Tensor:
    """Give the probability that a network gives to each of its answers.

    Parameters
    ----------
    evaluation : Evaluation
        Of a task with classes.

    Returns
    -------
    torch.Tensor
        float64, of the shape of ``evaluation.predictions``.
    """
    outputs = evaluation.outputs.double()
    if evaluation.info.kind == "multilabel":
        return outputs.abs().sigmoid()  # an answer of 0 or 1 is at least 1/2 likely
    return outputs.softmax(1).amax(1)
