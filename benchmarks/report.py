"""Tables, and the judgement whether a target was met; all of it from runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .harness import Runs, pairwise, spread, value_of


@dataclass(frozen=True)
class Target:
    """A ratio that the project promises.

    Attributes
    ----------
    words : str
        What is promised.
    least : float
        The smallest ratio that keeps the promise.
    """

    words: str
    least: float

    def judge(self, ratios: Sequence[float]) -> str:
        """Say in one line whether the median of the ratios reaches the target."""
        if not ratios:
            return f"- {self.words}: **not measured** in this run."
        middle, low, high = spread(ratios)
        verdict = "met" if middle >= self.least else "not met"
        return (
            f"- {self.words}: at least {self.least:g} promised, "
            f"{_with_spread(middle, low, high, 2)} measured: **{verdict}**."
        )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a Markdown table; the first column is words, the others are numbers."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        parts = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        return "| " + " | ".join(parts) + " |"

    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])


def times(values: Sequence[float]) -> str:
    """Give the median with smallest and largest, in seconds."""
    middle, low, high = spread(values)
    digits = 0 if high >= 100 else 1 if high >= 10 else 2
    return _with_spread(middle, low, high, digits)


def cost(runs: Runs, name: str, ours: str) -> list[str]:
    """Give a row: the side, its training, that over ours, its whole process, its peak memory."""
    return [
        name,
        times(quantity(runs, name, "train")),
        ratios(pairwise(runs, name, ours, "train")),
        times(quantity(runs, name, "process")),
        f"{max(quantity(runs, name, 'peak_mb')):,.0f}",
    ]


def ratios(values: Sequence[float]) -> str:
    """Give the median of ratios with smallest and largest."""
    if not values:
        return "-"
    middle, low, high = spread(values)
    digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
    return _with_spread(middle, low, high, digits)


def _with_spread(middle: float, low: float, high: float, digits: int) -> str:
    alone = f"{middle:.{digits}f}"
    return alone if low == high else f"{alone} ({low:.{digits}f} to {high:.{digits}f})"


def quantity(runs: Runs, name: str, of: str) -> list[float]:
    """Collect one number of one side over its turns."""
    return [value_of(run, of) for run in runs[name]]


def training_table(runs: Runs, ours: str) -> str:
    """Compare sides that trained a network.

    Parameters
    ----------
    runs : dict of str to list of Run
        Each returned ``train``, ``accuracy`` and ``right``.
    ours : str
        Name of the side that all others are compared with.
    """
    rows = []
    for name in runs:
        middle = spread(quantity(runs, name, "accuracy"))[0]
        rows.append(
            [
                name,
                str(len(runs[name])),
                times(quantity(runs, name, "train")),
                ratios(pairwise(runs, name, ours, "train")),
                times(quantity(runs, name, "process")),
                ratios(pairwise(runs, name, ours, "process")),
                f"{max(quantity(runs, name, 'peak_mb')):,.0f}",
                f"{middle:.3f}",
                "-" if name == ours else accuracy_difference(runs, name, ours),
            ]
        )
    head = ["side", "turns", "training, s", "times ours", "whole process, s", "times ours"]
    return table([*head, "peak MB", "accuracy", "minus ours, points"], rows)


def accuracy_difference(runs: Runs, name: str, ours: str) -> str:
    """Write the difference in accuracy with its 95 % interval; see `difference_in_points`."""
    found = difference_in_points(runs, name, ours)
    return "-" if found is None else "{:+.1f} ({:+.1f} to {:+.1f})".format(*found)


def difference_in_points(runs: Runs, name: str, ours: str) -> tuple[float, float, float] | None:
    """Compare the accuracy of two sides, turn by turn and item by item.

    Both answered the same items in the same turns, so the differences are paired. Turns and items
    are drawn anew 10,000 times: the interval holds the luck of a training, as far as there are
    several turns to show it, and that of the items.

    Parameters
    ----------
    runs : dict of str to list of Run
        Each returned ``right``, with 1 for an item that was answered rightly.
    name, ours : str
        The two sides; the first minus the second is given.

    Returns
    -------
    tuple of float or None
        The mean and the ends of the 95 % interval (bootstrap), in points of 100; None where the
        two never took turns.
    """
    mine = {run.turn: run.result["right"] for run in runs[ours]}
    pairs = [(run.result["right"], mine[run.turn]) for run in runs[name] if run.turn in mine]
    if not pairs:
        return None
    difference = np.array([100.0 * np.subtract(*pair) for pair in pairs])
    rng = np.random.default_rng(0)
    turns, items = (rng.multinomial(n, [1 / n] * n, 10_000) / n for n in difference.shape)
    low, high = np.quantile((turns @ difference * items).sum(1), [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)
