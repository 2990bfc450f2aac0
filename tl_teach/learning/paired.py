"""Two networks on the same items, and what the cheaper mistake is worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..wording import is_number, require_share, unknown
from . import measures
from .evaluation import Evaluation, require_evaluation, scored
from .intervals import Interval


def paired_difference(
    first: Evaluation, second: Evaluation, measure: str | None = None
) -> Interval:
    """Compare two networks on the same items.

    Two intervals that overlap do not say that two networks are equally good: both networks find
    the same items hard. Drawing the *items* again, and scoring both networks on each draw, takes
    that out.

    Parameters
    ----------
    first, second : Evaluation
        Of the same split.
    measure : str, optional
        A name from ``first.measures()``; the task's usual score by default.

    Returns
    -------
    Interval
        Of ``first - second``. If it holds 0, these items cannot tell the two apart.

    Raises
    ------
    TypeError
        If one of them is no score of a network.
    ValueError
        If the two were scored on different items, or there is no such measure.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-letters")
    >>> good = tl.evaluate(tl.load_network("letters-resnet"), task.validation)
    >>> poor = tl.evaluate(tl.load_network("letters-resnet", weights="random"), task.validation)
    >>> tl.paired_difference(good, poor).low > 0.5
    True
    """
    if require_evaluation(first).items != require_evaluation(second).items:
        raise ValueError(
            "The two evaluations are of different items, so they cannot be paired; "
            "score both networks on the same split."
        )
    name = measure or first.info.metric
    if name not in measures.names(first):
        raise ValueError(unknown("measure", name, measures.names(first)))
    return measures.paired(first, second, name)


def choose_threshold(evaluation: Evaluation, *, miss: float, false_alarm: float = 1.0) -> float:
    """Choose when to call an item positive, if the two mistakes cost differently.

    Parameters
    ----------
    evaluation : Evaluation
        Of validation items, with two classes of which one is named positive.
    miss, false_alarm : float
        What overlooking a positive item costs, and what calling another one positive does.

    Returns
    -------
    float
        Probability of the positive class from which on to say so: the one with the least mean
        cost on these items. Use it as ``evaluation.at(threshold)``.

    Raises
    ------
    TypeError
        If it is no score of a network.
    ValueError
        If the task has no positive class, an answer is no number, or a cost is not positive.

    References
    ----------
    Elkan (2001), "The foundations of cost-sensitive learning", IJCAI,
    https://cseweb.ucsd.edu/~elkan/rescale.pdf

    Examples
    --------
    >>> import tl_teach as tl
    >>> from tl_teach.learning.evaluation import score_outputs
    >>> import torch
    >>> cells = tl.load_task("solar-cells").validation  # of which no picture is read here
    >>> logits = torch.stack([torch.zeros(len(cells)), torch.linspace(-2, 2, len(cells))], 1)
    >>> guesses = score_outputs(logits, cells)
    >>> sooner = tl.choose_threshold(guesses, miss=20)
    >>> sooner < tl.choose_threshold(guesses, miss=1)
    True
    """
    evaluation = require_evaluation(evaluation)
    for name, cost in (("miss", miss), ("false_alarm", false_alarm)):
        if not is_number(cost) or not 0 < cost < float("inf"):
            raise ValueError(f"{name}={cost!r} does not work: expected a positive cost.")
    _require_two_classes(evaluation)
    evaluation.require_answers()
    scores = evaluation.positive_probability.numpy()
    positive = evaluation.is_positive
    order = np.argsort(-scores, kind="stable")
    found = np.r_[0, np.cumsum(positive[order])]
    alarms = np.r_[0, np.cumsum(~positive[order])]
    cost = miss * (positive.sum() - found) + false_alarm * alarms
    ranked = scores[order]
    possible = np.r_[True, ranked[1:] < ranked[:-1], True]  # no threshold parts equal scores
    count = int(np.flatnonzero(possible)[cost[possible].argmin()])
    above = ranked[count - 1] if count else 1.0
    below = ranked[count] if count < len(ranked) else 0.0
    return float((above + below) / 2)


def _require_two_classes(evaluation: Evaluation) -> None:
    if evaluation.info.positive is None or len(evaluation.info.classes) != 2:
        raise ValueError(
            f"A threshold needs two classes, one of them named positive, and "
            f"{evaluation.info.name!r} has none such."
        )


def at_threshold(evaluation: Evaluation, threshold: float) -> Evaluation:
    """Score the same outputs, calling an item positive from another probability on.

    Parameters
    ----------
    evaluation : Evaluation
        With two classes of which one is named positive.
    threshold : float
        From 0 (always positive) to 1 (never).
    """
    _require_two_classes(evaluation)
    require_share("threshold", threshold)
    place = evaluation.info.classes.index(str(evaluation.info.positive))
    outputs = evaluation.probabilities.double().clamp(1e-12).log()
    inside = np.clip(threshold, 1e-300, 1 - 2**-53)  # outweighs every probability, and is finite
    shift = np.full(2, np.log1p(-inside))
    shift[place] = np.log(inside)
    again = scored(evaluation, outputs - outputs.new_tensor(shift))
    said = f"{evaluation.info.positive!r} is said from {threshold:.3f} on."
    return replace(again, note=f"{said} {again.note}".rstrip())
