"""Texts below each other, where pictures would stand in a grid."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from textwrap import fill
from typing import Any

from ..tasks import TaskInfo
from .matrix import short
from .picture import INK, Picture, blank, credit


def text_rows(labels: Sequence[str], texts: Sequence[str], info: TaskInfo, alt: str) -> Picture:
    """Show texts below each other, each behind its label.

    Parameters
    ----------
    labels : sequence of str
        What stands before each text, in one or more lines.
    texts : sequence of str
        As many; a long one is cut off.
    info : TaskInfo
        Whose texts they are; it is named below.
    alt : str
        What the drawing shows.

    Returns
    -------
    Picture
        Its words end with the beginnings of the texts.
    """
    heights = [max(2, len(label.splitlines())) for label in labels]
    figure = blank(6.4, 0.19 * sum(heights) + 0.4)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 1), ylim=(sum(heights), 0))
    axes.set_axis_off()
    look: dict[str, Any] = {"color": INK, "va": "center", "parse_math": False}
    bottoms = accumulate(heights)
    for label, text, bottom, height in zip(labels, texts, bottoms, heights, strict=True):
        middle = bottom - height / 2
        axes.text(0, middle, label, fontsize=9, weight="bold", **look)
        cut = short(" ".join(text.split()), 60 * height)
        axes.text(0.28, middle, fill(cut, 66), fontsize=9, **look)
    credit(figure, info)
    read = "; ".join(short(" ".join(text.split()), 60) for text in texts)
    return Picture(figure, f"{alt} They read: {read}.")
