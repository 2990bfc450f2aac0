"""The three roles of a stage, which look the same in every picture.

Colour never stands alone: hatching, outline and a small sign say the same to those who do not see
colours, or see the page in grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch
from matplotlib.path import Path


@dataclass(frozen=True)
class Role:
    """How a role looks.

    Attributes
    ----------
    words : str
        What the role means.
    ink : str
        Colour of outline, sign and text; at least 4.5:1 on paper and on `fill`.
    fill : str
        Colour of the area.
    hatch : str or None
        Pattern of the area.
    line : str
        Style of the outline.
    """

    words: str
    ink: str
    fill: str
    hatch: str | None
    line: str


ROLES = {
    "frozen": Role("frozen: copied, fixed", "#1f5fa8", "#e3eefa", "////", "solid"),
    "fine-tuned": Role("fine-tuned: copied, changes", "#a8480a", "#fde9d6", None, "solid"),
    "new": Role("new: random, learns", "#22703a", "#e6f5e9", None, "dotted"),
    "random and frozen": Role("random and frozen", "#5c6570", "#eceef1", "////", "dotted"),
}


def box(axes: Any, role: str, x: float, y: float, width: float, height: float) -> None:
    """Draw a box in the look of a role.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Changed in place.
    role : str
        A key of `ROLES`.
    x, y, width, height : float
        Lower left corner and size, in data units.
    """
    look = ROLES[role]
    shape: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.08", "mutation_aspect": 1}
    area = FancyBboxPatch((x, y), width, height, facecolor=look.fill, linewidth=0, **shape)
    axes.add_patch(area)
    if look.hatch:
        hatched = FancyBboxPatch((x, y), width, height, facecolor="none", linewidth=0, **shape)
        hatched.set(hatch=look.hatch, edgecolor="#c3d8f0" if role == "frozen" else "#d0d4d9")
        axes.add_patch(hatched)
    outline = FancyBboxPatch((x, y), width, height, facecolor="none", edgecolor=look.ink, **shape)
    outline.set(linestyle=look.line, linewidth=1.8)
    axes.add_patch(outline)


def sign(axes: Any, role: str, x: float, y: float, size: float) -> None:
    """Draw the small sign of a role: snowflake, flame or seedling.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With equal scales on both axes; changed in place.
    role : str
        A key of `ROLES`.
    x, y : float
        Centre.
    size : float
        Height, in data units.
    """
    ink = ROLES[role].ink
    draw = {"frozen": _snowflake, "fine-tuned": _flame, "new": _seedling}.get(role)
    if draw is None:
        axes.add_patch(Circle((x, y), size * 0.3, facecolor="none", edgecolor=ink, linewidth=1.3))
    else:
        draw(axes, np.array([x, y]), size / 2, ink)


def _snowflake(axes: Any, centre: np.ndarray, radius: float, ink: str) -> None:
    for turn in np.arange(6) * np.pi / 3 + np.pi / 2:
        along = np.array([np.cos(turn), np.sin(turn)])
        across = np.array([-along[1], along[0]])
        fork = centre + along * radius * 0.55
        for end in (
            centre + along * radius,
            *(fork + (along + s * across) * radius * 0.3 for s in (1, -1)),
        ):
            start = (
                centre if end is not None and np.allclose(end, centre + along * radius) else fork
            )
            axes.plot(
                *zip(start, end, strict=True), color=ink, linewidth=1.2, solid_capstyle="round"
            )


def _flame(axes: Any, centre: np.ndarray, radius: float, ink: str) -> None:
    outline = [
        (0.05, 1),
        (0.2, 0.45),
        (0.7, 0.25),
        (0.62, -0.35),
        (0.55, -0.85),
        (0.2, -1),
        (0, -1),
    ]
    back = [(-0.3, -1), (-0.65, -0.75), (-0.65, -0.3), (-0.62, 0.1), (-0.3, 0.3), (0.05, 1)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 12]
    points = np.array(outline + back) * radius + centre
    axes.add_patch(PathPatch(Path(points, codes), facecolor=ink, linewidth=0))


def _seedling(axes: Any, centre: np.ndarray, radius: float, ink: str) -> None:
    stem = Path(
        np.array([(0, -1), (0.05, -0.4), (0, 0), (0, 0.15)]) * radius + centre,
        [Path.MOVETO, *[Path.CURVE4] * 3],
    )
    axes.add_patch(PathPatch(stem, facecolor="none", edgecolor=ink, linewidth=1.4))
    for side in (1, -1):
        leaf = [(0, 0.1), (0.1, 0.8), (0.6, 0.95), (1, 0.85), (1, 0.3), (0.6, 0), (0, 0.1)]
        points = np.array(leaf) * (side, 1) * radius + centre
        axes.add_patch(
            PathPatch(Path(points, [Path.MOVETO, *[Path.CURVE4] * 6]), facecolor=ink, linewidth=0)
        )
