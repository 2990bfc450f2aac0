"""Whether a network is right as often as it says it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..learning import Evaluation
from ..learning.calibration import Calibration, calibration
from ..learning.intervals import wilson
from .picture import ACCENT_FAINT, INK, QUIET, Picture, blank, style


def show_calibration(evaluation: Evaluation, bins: int = 10) -> Picture:
    """Draw a reliability diagram: how often answers of each confidence are right.

    Parameters
    ----------
    evaluation : Evaluation
        Of a task with classes, from ``tl.evaluate(net, task.validation)``.
    bins : int
        How many bins of equal width the confidences are sorted into.

    Returns
    -------
    Picture
        Above, the share that is right in each bin with its 95 % interval, beside the line where
        a calibrated network would lie; below, how many answers each bin holds.

    Raises
    ------
    TypeError
        If it is no score of a network.
    ValueError
        If the task is a regression, or `bins` is no count.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger (2017), "On calibration of modern neural networks",
    https://arxiv.org/abs/1706.04599

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-letters")
    >>> net = tl.load_network("letters-resnet")
    >>> print(tl.show_calibration(tl.evaluate(net, task.validation)).alt)
    Reliability diagram of 1,295 answers on the validation items of printed-letters, ...
    """
    result = calibration(evaluation, bins)
    figure = blank(6.4, 5.2)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.25])
    title = f"expected calibration error {result.error:.3f}"
    style(above, ylabel="share that is right", title=title)
    above.set_title("dashed: calibrated", fontsize=10, color=QUIET, loc="right")
    style(below, xlabel="confidence", ylabel="answers")
    above.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1.4)
    used = np.flatnonzero(result.counts)
    for place in used:
        count, share, sure = result.counts[place], result.accuracy[place], result.confidence[place]
        gap = [share, sure]
        above.plot([sure] * 2, gap, color=ACCENT_FAINT, linewidth=7, solid_capstyle="butt")
        ends = wilson(round(share * count), int(count))
        above.plot([sure, sure], ends, color=INK, linewidth=1.4)
    above.plot(result.confidence[used], result.accuracy[used], "o", color=INK, markersize=6)
    above.set(xlim=(0, 1), ylim=(-0.03, 1.03), yticks=np.linspace(0, 1, 6))
    _counts(below, result)
    return Picture(figure, _words(evaluation, result))


def _counts(axes: Any, result: Calibration) -> None:
    width = result.edges[1]
    middles = result.edges[:-1] + width / 2
    wide = width * 0.9
    axes.bar(middles, result.counts, wide, color=ACCENT_FAINT, edgecolor=QUIET, linewidth=0.8)
    axes.set_ylim(0, 1.3 * result.counts.max())
    axes.grid(visible=False, axis="x")
    if len(middles) <= 12:  # room to write the counts, instead of reading them off a scale
        axes.set_yticks([])
        for x, count in zip(middles, result.counts, strict=True):
            axes.text(x, count, f"{count:,}", ha="center", va="bottom", fontsize=9, color=INK)


def _words(evaluation: Evaluation, result: Calibration) -> str:
    total, used = result.counts.sum(), np.flatnonzero(result.counts)
    sure = float((result.counts[used] * result.confidence[used]).sum() / total)
    right = float((result.counts[used] * result.accuracy[used]).sum() / total)
    gap = abs(sure - right)
    verdict = f"{'over' if sure > right else 'under'}confident by {gap:.2f}"
    gaps = result.counts[used] * np.abs(result.accuracy - result.confidence)[used]
    worst = int(used[gaps.argmax()])
    fullest = int(result.counts.argmax())
    text = (
        f"Reliability diagram of {total:,} answers on the {evaluation.role} items of "
        f"{evaluation.info.name}, in {len(result.counts)} bins of equal width: mean confidence "
        f"{sure:.2f}, {right:.2f} are right, so on the whole "
        f"{verdict if gap >= 0.005 else 'neither over- nor underconfident'}; expected calibration "
        f"error {result.error:.3f}. The fullest bin, {_bin(result, fullest)}, holds "
        f"{result.counts[fullest]:,}."
    )
    if result.error < 0.0005:
        return text
    return (
        f"{text} Most of the error comes from confidences of {_bin(result, worst)}, where "
        f"{result.accuracy[worst]:.2f} of {result.counts[worst]:,} are right."
    )


def _bin(result: Calibration, place: int) -> str:
    return f"{result.edges[place]:.2g} to {result.edges[place + 1]:.2g}"
