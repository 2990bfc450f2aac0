"""A table of numbers whose cells are shaded by size, with the numbers readable on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from .picture import ACCENT_SOFT, INK, PAPER

# Ink on the darkest shade has a contrast of 5.2:1; the hue is that of no role.
SHADES = LinearSegmentedColormap.from_list("shades", [PAPER, ACCENT_SOFT])
DEEP_SHADES = LinearSegmentedColormap.from_list("deep shades", [PAPER, ACCENT_SOFT, "#2b1d63"])
"""For cells that are not written on."""


def matrix(
    axes: Any,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    xlabel: str,
    ylabel: str,
    **shades: Any,
) -> Any:
    """Draw a table of shaded cells, its first row at the top.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Changed in place.
    values : numpy.ndarray
        Shape (rows, columns); NaN for a cell without a value.
    rows, columns : sequence of str
        Their names. Where they are many, only every so many-th is written.
    xlabel, ylabel : str
        What the columns and the rows are.
    **shades
        ``vmin`` and ``vmax``, or ``norm``; ``cmap`` if not `SHADES`.

    Returns
    -------
    matplotlib.image.AxesImage
        The shaded cells.
    """
    shades = {"cmap": SHADES, "aspect": "auto", "interpolation": "nearest"} | shades
    shown = axes.imshow(values, **shades)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=INK, labelsize=10 if max(values.shape) <= 12 else 9)
    names = [short(name) for name in columns]
    upright = sum(map(len, names)) > 55
    most = 28 if upright else 40
    axes.set_xticks(*_ticks(names, most), rotation=90 if upright else 0)
    axes.set_yticks(*_ticks([short(name, 22) for name in rows], most))
    axes.set_xlabel(xlabel, color=INK, fontsize=11)
    axes.set_ylabel(ylabel, color=INK, fontsize=11)
    return shown


def write(axes: Any, row: int, column: int, text: str, *, bold: bool = False) -> None:
    """Write into a cell of a `matrix`.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Changed in place.
    row, column : int
        The cell.
    text : str
        Up to two short lines.
    bold : bool
        Whether it stands out.
    """
    look: dict[str, Any] = {"ha": "center", "va": "center", "linespacing": 1.1}
    weight = "bold" if bold else "normal"
    axes.text(column, row, text, fontsize=9, color=INK, weight=weight, **look)


def short(name: str, most: int = 16) -> str:
    """Cut a name that is too long to stand beside a picture.

    Parameters
    ----------
    name : str
        The whole name.
    most : int
        Characters to keep at most.

    Returns
    -------
    str
        The name, or its beginning and an ellipsis.

    Examples
    --------
    >>> short("American Staffordshire terrier")
    'American Staffor…'
    """
    return name if len(name) <= most + 1 else name[:most].rstrip() + "…"


def _ticks(names: Sequence[str], most: int) -> tuple[list[int], list[str]]:
    places = list(range(0, len(names), -(-len(names) // most)))
    return places, [names[place] for place in places]
