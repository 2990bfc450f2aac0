"""How far training has moved each stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..networks import Network, stage_change
from .picture import INK, Picture, blank, style
from .roles import ROLES, bar, name_stages


def show_change(before: Network, after: Network) -> Picture:
    """Draw how far each stage's weights moved, its parameters and its buffers apart.

    A buffer is a number that a stage keeps without learning it by gradient: the mean and the
    variance that BatchNorm has seen. Freezing the parameters alone lets the buffers move.

    Parameters
    ----------
    before, after : Network
        Two states of one architecture, such as a copy made before training
        (``copy.deepcopy(net)``) and the trained network. Both are left as they are.

    Returns
    -------
    Picture
        One bar a stage, in the look of its role in `after`; see
        `tl_teach.networks.stage_change` for the numbers. A head that was replaced is new:
        there is nothing to compare it with.

    Raises
    ------
    ValueError
        If the two are not rows of the same stages.

    Examples
    --------
    >>> import copy
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=2)
    >>> before = tl.load_network("letters-resnet")
    >>> after = tl.freeze(tl.replace_head(before, task), through="block2")
    >>> history = tl.fit(after, task, epochs=1, lr=1e-3)
    >>> print(tl.show_change(before, after).alt)
    How far the weights of letters-resnet moved, relative to their size before. Parameters: block3
    by ... %; stem, block1, block2 by exactly 0 (frozen); new: head. Buffers (BatchNorm's
    statistics): block3 by ... %; stem, block1, block2 by exactly 0 (frozen).
    """
    changes = stage_change(before, after)
    roles = {name: after.role(name) for name in changes}
    parts = {"parameters": {name: change.parameters for name, change in changes.items()}}
    buffers = {name: change.buffers for name, change in changes.items()}
    if any(value is not None for value in buffers.values()):
        parts["buffers (BatchNorm's statistics)"] = buffers
    new = [name for name, change in changes.items() if change.new]
    figure = blank(max(6.4, 0.8 * len(roles)), 1.75 * len(parts) + 0.3)
    panels = figure.subplots(len(parts), 1, squeeze=False)[:, 0]
    for axes, (part, moved) in zip(panels, parts.items(), strict=True):
        _bars(axes, moved, roles, new)
        style(axes, ylabel="moved (%)", title=part)
        name_stages(axes, roles, signs=axes is panels[-1])
    words = [
        f"{part[0].upper() + part[1:]}: {_words(moved, after)}" for part, moved in parts.items()
    ]
    if new:
        words[0] += f"; new: {', '.join(new)}"
    return Picture(
        figure,
        f"How far the weights of {after.name} moved, relative to their size before. "
        + ". ".join(words)
        + ".",
    )


def _bars(
    axes: Any, moved: Mapping[str, float | None], roles: Mapping[str, str], new: list[str]
) -> None:
    heights = [100 * value for value in moved.values() if value is not None and value < math.inf]
    top = max(heights, default=0) or 1
    for place, (name, value) in enumerate(moved.items()):
        if value is not None:
            bar(axes, roles[name], place, min(100 * value, top))
        note = "new" if name in new else "none" if value is None else percent(value)
        height = min(100 * (value or 0), top) + 0.04 * top
        text: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 10}
        axes.text(place, height, note, color=ROLES[roles[name]].ink if value else INK, **text)
    axes.set_ylim(0, 1.25 * top)


def _words(moved: Mapping[str, float | None], after: Network) -> str:
    parts = []
    for frozen in (False, True):
        here = {name: value for name, value in moved.items() if after.is_frozen(name) is frozen}
        by = [f"{name} by {percent(value)}" for name, value in here.items() if value]
        still = [name for name, value in here.items() if value == 0]
        if by:
            parts.append(("frozen and yet moved: " if frozen else "") + ", ".join(by))
        if still:
            parts.append(f"{', '.join(still)} by exactly 0" + (" (frozen)" if frozen else ""))
    return "; ".join(parts) or "none"


def percent(share: float) -> str:
    """Write a share in percent, so that what is not 0 never reads as 0.

    Parameters
    ----------
    share : float
        From 0; 1 is 100 %.

    Returns
    -------
    str
        Such as ``"12 %"``, ``"0.34 %"`` or ``"0"``.

    Examples
    --------
    >>> percent(0.1234), percent(0.0034), percent(0.0)
    ('12 %', '0.34 %', '0')
    """
    if not share:
        return "0"
    if math.isinf(share):
        return "∞ %"
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.2g} %"
