"""The one picture of the book: a row of stages, frozen, fine-tuned or new."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from ..learning.predicting import evaluating
from ..networks import Network, require_network
from .picture import INK, QUIET, Picture, blank
from .roles import ROLES, box, sign


def show_network(net: Network) -> Picture:
    """Draw a network as a row of stages, each in the colour and pattern of its role.

    Parameters
    ----------
    net : Network
        Left as it is.

    Returns
    -------
    Picture
        Below each stage: what comes out of it (channels x height x width) and how many
        parameters it has.

    Raises
    ------
    TypeError
        If it is no network.

    Examples
    --------
    >>> import tl_teach as tl
    >>> print(tl.show_network(tl.freeze(tl.load_network("letters-resnet"))).alt)
    The network letters-resnet as a row of 5 stages. Frozen: stem, block1, block2, block3.
    Fine-tuned: head. 2,405 of 79,509 parameters learn.
    """
    net = require_network(net)
    names, shapes = net.stage_names, _shapes(net)
    counts = {name: sum(p.numel() for p in net.stages[name].parameters()) for name in names}
    figure = blank(max(6.4, 0.86 * (len(names) + 2)), 2.35)
    axes = figure.add_subplot()
    pitch, wide, tall = 1.0, 0.88, 0.95
    for place, name in enumerate(names):
        role, x = net.role(name), place * pitch
        box(axes, role, x, 0, wide, tall)
        sign(axes, role, x + wide / 2, 0.68, 0.3)
        text: dict[str, Any] = {"ha": "center", "va": "center"}
        size = min(10, 78 / len(name))  # "embeddings" must fit into its box
        axes.text(
            x + wide / 2, 0.27, name, color=ROLES[role].ink, weight="bold", fontsize=size, **text
        )
        axes.text(x + wide / 2, -0.17, shapes[name], color=INK, fontsize=8.5, **text)
        axes.text(x + wide / 2, -0.38, _short(counts[name]), color=QUIET, fontsize=8.5, **text)
    _input_and_output(axes, net, len(names) * pitch)
    _boundary(axes, net, pitch, wide)
    _legend(axes, dict.fromkeys(net.role(name) for name in names), len(names) * pitch)
    axes.set(xlim=(-0.95, len(names) * pitch + 0.85), ylim=(-0.85, 1.32))
    axes.set_aspect("equal")
    axes.set_axis_off()
    return Picture(figure, _words(net, counts))


def _shapes(net: Network) -> dict[str, str]:
    """What comes out of each stage, in words."""
    nothing = torch.zeros(1, *net.preprocess.shape, dtype=net.preprocess.dtype)
    with evaluating(net):
        return {name: "×".join(map(str, out.shape[1:])) for name, out in net.walk(nothing)}


def _input_and_output(axes, net: Network, right: float) -> None:  # type: ignore[no-untyped-def]
    arrow = {"arrowstyle": "-|>", "color": QUIET, "linewidth": 1.2}
    for x, label, below in (
        (-0.55, "input", "×".join(map(str, net.preprocess.shape))),
        (right + 0.42, "output", ""),
    ):
        axes.text(x, 0.48, label, ha="center", va="center", fontsize=9.5, color=INK)
        axes.text(x, -0.17, below, ha="center", va="center", fontsize=8.5, color=INK)
    axes.annotate("", (-0.02, 0.48), (-0.3, 0.48), arrowprops=arrow)
    axes.annotate("", (right + 0.14, 0.48), (right - 0.12, 0.48), arrowprops=arrow)


def _boundary(axes, net: Network, pitch: float, wide: float) -> None:  # type: ignore[no-untyped-def]
    if net.frozen_through is None:
        return
    x = net.position(net.frozen_through) * pitch + (wide + pitch) / 2
    axes.plot([x, x], [-0.08, 1.08], color=INK, linewidth=2.6, solid_capstyle="round")
    axes.text(x, 1.19, "freeze boundary", ha="center", va="center", fontsize=9.5, color=INK)


def _legend(axes, roles: Iterable[str], width: float) -> None:  # type: ignore[no-untyped-def]
    x = -0.6
    for role in roles:
        sign(axes, role, x + 0.1, -0.69, 0.24)
        axes.text(x + 0.3, -0.7, ROLES[role].words, va="center", fontsize=9, color=ROLES[role].ink)
        x += 0.45 + 0.078 * len(ROLES[role].words)


def _short(count: int) -> str:
    if count >= 1_000_000:
        return f"{count / 1e6:.1f} M"
    return f"{count / 1000:.1f} k" if count >= 1000 else str(count)


def _words(net: Network, counts: dict[str, int]) -> str:
    text = f"The network {net.name} as a row of {len(net.stages)} stages."
    for role in dict.fromkeys(net.role(name) for name in net.stages):
        members = [name for name in net.stages if net.role(name) == role]
        text += f" {role.capitalize()}: {', '.join(members)}."
    learning = sum(counts[name] for name in net.learning)
    return text + f" {learning:,} of {sum(counts.values()):,} parameters learn."
