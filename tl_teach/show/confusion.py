"""Which classes a network takes for which."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import PowerNorm

from ..learning import Evaluation
from ..learning.evaluation import require_evaluation
from .change import percent
from .matrix import DEEP_SHADES, matrix, short, write
from .picture import INK, QUIET, Picture, blank

_MOST_WRITTEN = 12  # classes whose cells have room for numbers


def show_confusion(evaluation: Evaluation) -> Picture:
    """Draw the confusion matrix of a score: what was right against what was answered.

    Parameters
    ----------
    evaluation : Evaluation
        Of a classification, from ``tl.evaluate(net, task.validation)``.

    Returns
    -------
    Picture
        A row for each true class, a column for each answer; the diagonal is right. A cell has
        the number of items and their share of the row; an empty one has none. With more than
        12 classes the shares are shades only, and the commonest confusions are listed.

    Raises
    ------
    TypeError
        If it is no score of a network.
    ValueError
        If the task is not a classification.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=10)
    >>> net = tl.freeze(tl.replace_head(tl.load_network("letters-resnet"), task))
    >>> history = tl.fit(net, task, epochs=5, lr=1e-2)
    >>> print(tl.show_confusion(tl.evaluate(net, task.validation)).alt)
    Confusion matrix of 350 validation items of printed-digits in 10 classes: accuracy ..., where a
    constant guess gets 0.10. The commonest confusion: ...
    """
    counts = _counts(evaluation)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    classes = evaluation.info.classes
    few = len(classes) <= _MOST_WRITTEN
    figure = blank(6.4, 0.47 * len(classes) + 1.5 if few else 6.6)
    axes = figure.add_subplot()
    look: dict[str, Any] = {} if few else {"cmap": DEEP_SHADES}
    # The root lets a rare confusion be seen beside a full diagonal.
    look |= {"norm": PowerNorm(0.5, vmin=0, vmax=1), "xlabel": "answer", "ylabel": "true class"}
    shown = matrix(axes, shares, classes, classes, **look)
    confusions = _commonest(counts)
    lines = [f"accuracy {evaluation.score:.2f}, constant guess {evaluation.constant_guess:.2f}"]
    if few:
        for row, column in zip(*np.nonzero(counts), strict=True):
            text = f"{counts[row, column]:,}\n{percent(_rounded(shares[row, column]))}"
            write(axes, row, column, text, bold=row == column)
    else:
        lines += [f"commonest confusion{'s' if len(confusions) > 1 else ''}:"] if confusions else []
        lines += [_confusion(evaluation, counts, *cell) for cell in confusions[:3]]
        scale = figure.colorbar(shown, ax=axes, aspect=35, fraction=0.03, pad=0.02)
        scale.set_ticks([0, 0.05, 0.25, 0.5, 1], labels=["0", "5 %", "25 %", "50 %", "100 %"])
        scale.set_label("share of the true class", color=INK, fontsize=10)
        scale.ax.tick_params(colors=QUIET, labelsize=9)
        scale.outline.set_visible(False)
    figure.suptitle("\n".join(lines), fontsize=10, color=INK, x=0.01, ha="left")
    return Picture(figure, _words(evaluation, counts, confusions))


def _counts(evaluation: Evaluation) -> np.ndarray:
    """How many items of each true class (row) got each answer (column)."""
    info = require_evaluation(evaluation).info
    if info.kind != "classification":
        raise ValueError(
            f"Only a classification has classes to confuse, but {info.name!r} is a task of "
            f"{info.kind}; look at its largest mistakes with tl.show_errors(net, split)."
        )
    return evaluation.confusion


def _commonest(counts: np.ndarray) -> list[tuple[int, int]]:
    """The cells off the diagonal that are not empty, fullest first."""
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[: np.count_nonzero(wrong)]
    rows, columns = np.unravel_index(order, wrong.shape)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _rounded(share: float) -> float:
    return round(share, 2) or share


def _confusion(evaluation: Evaluation, counts: np.ndarray, row: int, column: int) -> str:
    true, answer = (short(evaluation.info.classes[place], 24) for place in (row, column))
    found, total = counts[row, column], counts[row].sum()
    return f"{true} taken for {answer}, {found:,} of {total:,} ({percent(_rounded(found / total))})"


def _words(evaluation: Evaluation, counts: np.ndarray, confusions: list[tuple[int, int]]) -> str:
    info, total, per_class = evaluation.info, counts.sum(), counts.sum(1)
    text = (
        f"Confusion matrix of {total:,} {evaluation.role} items of {info.name} in "
        f"{len(info.classes)} classes: accuracy {evaluation.score:.2f}, where a constant "
        f"guess gets {evaluation.constant_guess:.2f}."
    )
    if not confusions:
        return text + " No item is taken for another class."
    text += f" The commonest confusion: {_confusion(evaluation, counts, *confusions[0])}."
    found = {
        info.classes[row]: counts[row, row] / per_class[row] for row in np.flatnonzero(per_class)
    }
    weakest = sorted(found, key=lambda name: found[name])
    if len(found) > _MOST_WRITTEN:
        weakest = weakest[:5]
    listed = ", ".join(f"{name} {found[name]:.2f}" for name in weakest)
    return text + f" Share found of each class, weakest first: {listed}."
