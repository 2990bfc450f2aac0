"""Pieces of drawings: charts, rows of stages, small pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from ..networks import Network

Point = tuple[float, float]


class Chart(NamedTuple):
    """The frame of a chart: x and y from 0 to 1 become places in an SVG of 440 x 260."""

    left: float = 56
    right: float = 424
    top: float = 12
    bottom: float = 214

    def at(self, x: float, y: float) -> str:
        """Give the place of a point whose coordinates are shares, 0..1."""
        across = self.left + x * (self.right - self.left)
        return f"{across:.0f},{self.bottom - y * (self.bottom - self.top):.0f}"

    def line(self, points: Sequence[Point], look: str) -> str:
        """Draw a line through points."""
        places = " ".join(self.at(*point) for point in points)
        return f'<polyline class="{look}" points="{places}"/>'

    def mark(self, point: Point, look: str) -> str:
        """Draw a round mark."""
        x, y = self.at(*point).split(",")
        return f'<circle class="{look}" cx="{x}" cy="{y}" r="7"/>'

    def axes(self, ticks: Mapping[float, str], label: str) -> str:
        """Draw a grid from 0 to 100 per cent, and the names along the x axis."""
        parts = []
        for share in (0, 0.25, 0.5, 0.75, 1):
            place = self.at(0, share).split(",")[1]
            parts.append(
                f'<path class="grid" d="M{self.left},{place}H{self.right}"/><text class="end" '
                f'x="{self.left - 8}" y="{int(place) + 5}">{share:.0%}</text>'
            )
        for x, name in ticks.items():
            place = self.at(x, 0).split(",")[0]
            parts.append(f'<text class="middle" x="{place}" y="{self.bottom + 20}">{name}</text>')
        middle = (self.left + self.right) / 2
        return "".join(parts) + (
            f'<text class="middle" x="{middle}" y="{self.bottom + 40}">{escape(label)}</text>'
        )


def svg(inside: str, words: str, height: int = 260) -> str:
    """Wrap SVG elements, with words for those who do not see them."""
    return f'<svg viewBox="0 0 440 {height}" role="img" aria-label="{escape(words)}">{inside}</svg>'


def stage_row(net: Network, frozen: int, below: Mapping[str, str] | None = None) -> str:
    """Draw the row of stages, the first `frozen` of them before the boundary."""
    parts = []
    for place, name in enumerate(net.stage_names):
        copied = net.copied[name]
        if place < frozen:
            role = "frozen" if copied else "idle"
        else:
            role = "fine-tuned" if copied else "new"
        if place == frozen and frozen:
            parts.append('<i class="bar"></i>')
        note = f"<small>{escape(below[name])}</small>" if below else ""
        parts.append(f'<span class="stage {role}">{escape(name)}{note}</span>')
    return f'<div class="row">{"".join(parts)}</div>'


def table(rows: Mapping[str, str]) -> str:
    """Draw names and values, a row each."""
    lines = (
        f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in rows.items()
    )
    return f"<table>{''.join(lines)}</table>"


def figure(pixels: np.ndarray, words: str, label: str = "", palette: str = "gray") -> str:
    """Draw a small picture of shape (H, W), values 0..1, or (H, W, 3), with a label below it."""
    caption = f"<figcaption>{escape(label)}</figcaption>" if label else ""
    return f'<figure><img src="{as_png(pixels, palette)}" alt="{escape(words)}">{caption}</figure>'


def as_png(pixels: np.ndarray, palette: str = "gray") -> str:
    """Give a small picture as an address that holds it, in sixteen colours."""
    import matplotlib
    from PIL import Image

    file = io.BytesIO()
    if pixels.ndim == 3:
        image = Image.fromarray(np.uint8(np.clip(pixels, 0, 1) * 255)).quantize(16)
    else:
        levels = np.uint8(np.round(np.clip(pixels, 0, 1) * 15))
        height, width = pixels.shape
        image = Image.frombytes("P", (width, height), levels.tobytes())
        colours = matplotlib.colormaps[palette](np.linspace(0, 1, 16))[:, :3]
        image.putpalette(np.uint8(colours * 255).flatten().tolist())
    image.save(file, "png", optimize=True, bits=4)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def tiles(parts: Iterable[str], *, small: bool = False) -> str:
    """Draw small pictures side by side."""
    return f'<div class="tiles{" small" * small}">{"".join(parts)}</div>'


def share(value: Any) -> str:
    """Write a share as a percentage."""
    return f"{float(value):.0%}"
