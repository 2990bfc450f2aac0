"""A picture that carries its own words."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ..files import replacing, require_folder
from ..tasks import TaskInfo

PAPER = "#fdfdfb"
INK = "#1c2126"
QUIET = "#5c6570"  # 5.7:1 on PAPER
FAINT = "#d5d9de"
ACCENT = "#5a4bb0"  # what is no role of a stage; 6.7:1 on PAPER
ACCENT_SOFT = "#8f83cf"
ACCENT_FAINT = "#b9b0e2"

_DPI = 200
_CSS_DPI = 100  # shown at half its pixels, sharp on a dense screen


class Picture:
    """A drawing, and the words that say what it shows.

    In a notebook it appears as an image whose alternative text are its words, so that a reader
    who does not see it learns the same.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The drawing.
    alt : str
        What the drawing shows, its finding included.
    scores : dict of str to list of float, optional
        The numbers that are drawn, where there is more to do with them.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        To change or to add to.
    alt : str
        The words.
    scores : dict of str to list of float
        The numbers; mostly empty.
    """

    def __init__(self, figure: Figure, alt: str, scores: dict[str, list[float]] | None = None):
        self.figure, self.alt, self.scores = figure, alt, scores or {}

    def png(self) -> bytes:
        """Draw the picture as a PNG file's bytes."""
        from PIL import Image

        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=_DPI, facecolor=PAPER)
        # 256 colours are enough for a drawing and weigh a third; no date, so equal runs give
        # equal bytes.
        drawn = Image.open(file).convert("RGB")
        small = io.BytesIO()
        drawn.quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
        return small.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file.

        Parameters
        ----------
        path : str or pathlib.Path
            Its suffix gives the format: ``.png``, ``.svg`` or ``.pdf``. Written whole or not at
            all.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        ValueError
            If the suffix names no format.
        FileNotFoundError
            If there is no such folder.
        """
        path = require_folder(path)
        if path.suffix[1:].lower() not in self.figure.canvas.get_supported_filetypes():
            raise ValueError(
                f"The suffix {path.suffix!r} of {path.name!r} names no format of a picture; "
                "expected '.png', '.svg' or '.pdf'."
            )
        with replacing(path) as part:
            if path.suffix.lower() == ".png":
                part.write_bytes(self.png())
            else:
                self.figure.savefig(part, facecolor=PAPER)
        return path

    def __repr__(self) -> str:
        return f"[Picture] {self.alt}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        width, height = (round(side * _CSS_DPI) for side in self.figure.get_size_inches())
        data = {
            "image/png": base64.b64encode(self.png()).decode(),
            "text/plain": repr(self),
        }
        return data, {"image/png": {"alt": self.alt, "width": width, "height": height}}


def blank(width: float, height: float, *, gap: float | None = None) -> Figure:
    """Make an empty figure in the book's style, independent of the reader's pyplot.

    Parameters
    ----------
    width, height : float
        In inches; a phone shows 6.4 inches at about half their size.
    gap : float, optional
        Between the parts of a grid, as a share of their size; Matplotlib's own by default.

    Returns
    -------
    matplotlib.figure.Figure
        With constrained layout.
    """
    layout = ConstrainedLayoutEngine(wspace=gap, hspace=gap)
    figure = Figure(figsize=(width, height), layout=layout, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def style(axes: Any, *, xlabel: str = "", ylabel: str = "", title: str = "") -> None:
    """Give axes the book's look: a light frame, a faint grid, labels in ink.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Changed in place.
    xlabel, ylabel, title : str
        With units.
    """
    axes.set_facecolor(PAPER)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=QUIET, labelsize=10)
    axes.set_xlabel(xlabel, color=INK, fontsize=11)
    axes.set_ylabel(ylabel, color=INK, fontsize=11)
    axes.set_title(title, color=INK, fontsize=11, loc="left")


def grid(
    count: int, columns: int, extra: float = 0, *, rest: float = 0.25, gap: float | None = None
) -> tuple[Figure, list[Any]]:
    """Make a figure for square tiles side by side, row under row.

    Parameters
    ----------
    count : int
        How many tiles.
    columns : int
        How many stand in a row.
    extra : float
        Inches a row for labels.
    rest : float
        Inches below or above all rows.
    gap : float, optional
        See `blank`.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Of the usual width.
    tiles : list of matplotlib.axes.Axes
        At least `count`, row by row, without a frame.
    """
    rows = -(-count // columns)
    figure = blank(6.4, rows * (6.4 / columns + extra) + rest, gap=gap)
    tiles = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in tiles:
        axes.set_axis_off()
    return figure, tiles


def tile(axes: Any, pixels: Any, label: str = "") -> None:
    """Show one small picture without axes, with an optional label above it.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Changed in place.
    pixels : numpy.ndarray
        (H, W) or (H, W, 3), values 0..1: 0 is black and 1 is white, whatever the picture holds.
    label : str
        Stands above the picture.
    """
    grey = pixels.ndim == 2
    whole = {"cmap": "gray", "vmin": 0, "vmax": 1} if grey else {}
    axes.imshow(pixels, interpolation="nearest", **whole)
    axes.set_axis_off()
    if label:
        axes.set_title(label, color=INK, fontsize=9, pad=2)


def credit(figure: Figure, info: TaskInfo) -> None:
    """Name the source and the licence of a data set below its pictures.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Changed in place.
    info : TaskInfo
        Whose pictures are shown.
    """
    authors = info.citation.split(",")[0] if "http" in info.citation else ""
    source = f"{authors} et al., " if authors else ""
    figure.supxlabel(
        f"{info.name}: {source}{info.licence}", fontsize=9, color=QUIET, x=0.01, ha="left"
    )
