"""The three roles of a stage, which look the same in every picture.

Colour never stands alone: hatching, outline and a small sign say the same to those who do not see
colours, or see the page in grey.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    "frozen": Role("frozen: copied, fixed", "#1f5fa8", "#e4eefa", "////", "solid"),
    "fine-tuned": Role("fine-tuned: copied, changes", "#a84b00", "#fdebdb", None, "solid"),
    "new": Role("new: random, learns", "#1b7340", "#e3f4e8", None, "dotted"),
    "random and frozen": Role("random and frozen", "#5c6570", "#eceef1", "////", "dotted"),
}

_HATCHING = {"frozen": "#c3d8f0", "random and frozen": "#d0d4d9"}


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
        hatched.set(hatch=look.hatch, edgecolor=_HATCHING[role])
        axes.add_patch(hatched)
    outline = FancyBboxPatch((x, y), width, height, facecolor="none", edgecolor=look.ink, **shape)
    outline.set(linestyle=look.line, linewidth=1.8)
    axes.add_patch(outline)


def bar(axes: Any, role: str, x: float, height: float) -> None:
    """Draw an upright bar in the look of a role.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Changed in place.
    role : str
        A key of `ROLES`.
    x, height : float
        Middle, and height from 0, in data units.
    """
    look, width = ROLES[role], 0.62
    axes.bar(x, height, width, color=look.fill, hatch=look.hatch, edgecolor=_HATCHING.get(role))
    outline = axes.bar(x, height, width, facecolor="none", edgecolor=look.ink, linewidth=1.8)
    outline[0].set_linestyle(look.line)


def name_stages(axes: Any, roles: Mapping[str, str], *, signs: bool = True) -> None:
    """Write the stages along the x axis, at 0, 1, 2, ..., each in its role's colour.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Changed in place.
    roles : mapping of str to str
        The role of each stage, in order.
    signs : bool
        Whether the role's sign stands below the name.
    """
    axes.set_xticks(range(len(roles)), list(roles), fontsize=10, weight="bold")
    axes.set_xlim(-0.6, len(roles) - 0.4)
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False, axis="x")
    along = axes.get_xaxis_transform()  # x in stages, y in heights of the axes
    for place, (label, role) in enumerate(zip(axes.get_xticklabels(), roles.values(), strict=True)):
        label.set_color(ROLES[role].ink)
        if signs:
            below = axes.inset_axes([place - 0.3, -0.44, 0.6, 0.19], transform=along)
            below.set(xlim=(-0.6, 0.6), ylim=(-0.6, 0.6), aspect="equal")
            below.set_axis_off()
            sign(below, role, 0, 0, 1)


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
        arms = [(fork, fork + (along + side * across) * radius * 0.3) for side in (1, -1)]
        for arm in [(centre, centre + along * radius), *arms]:
            axes.plot(*zip(*arm, strict=True), color=ink, linewidth=1.2, solid_capstyle="round")


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
