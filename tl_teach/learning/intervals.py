"""Intervals: how far a number would move if the experiment were repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """A mean and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float

    def __repr__(self) -> str:
        return f"{self.mean:.3f} (95 % interval {self.low:.3f} to {self.high:.3f})"


def mean_interval(values: Sequence[float]) -> Interval:
    """Give the mean of a few repetitions, with its 95 % interval.

    Parameters
    ----------
    values : sequence of float
        One score a seed, at least two.

    Returns
    -------
    Interval
        Mean, low, high; from Student's t distribution.

    Raises
    ------
    ValueError
        If there are fewer than two values.

    Examples
    --------
    >>> tuple(round(float(end), 2) for end in mean_interval([0.8, 0.9]))
    (0.85, 0.21, 1.49)
    """
    from scipy import stats

    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(
            f"An interval needs at least two repetitions, but got {array.size}; "
            "repeat the experiment with more seeds."
        )
    mean, error = array.mean(), array.std(ddof=1) / np.sqrt(len(array))
    reach = error * stats.t.ppf(0.975, len(array) - 1)
    return Interval(float(mean), float(mean - reach), float(mean + reach))


def wilson(right: int, count: int) -> tuple[float, float]:
    """95 % interval of a share: `right` of `count` items."""
    from scipy import stats

    interval = stats.binomtest(right, count).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
