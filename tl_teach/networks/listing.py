"""A table of the networks: what each costs, what it can do, and whether it is here already."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn

from .families import FAMILIES, published_weights, weights_asset
from .load import NETWORKS, load_network, where

_HEADINGS = (
    "name", "year", "parameters (M)", "file (MB)", "ImageNet top-1 (%)", "input (px)", "stages",
    "weights", "licence", "images/s here",
)  # fmt: skip


@dataclass(frozen=True)
class NetworkFacts:
    """What is known of a network before it is loaded.

    Attributes
    ----------
    name : str
        For `load_network`.
    year : int
        When it was published.
    paper : str
        Where.
    parameters : int
        How many numbers it learned, auxiliary heads not counted.
    megabytes : float
        Size of its weights file, in 10^6 bytes.
    top1 : float or None
        Its publisher's figure for ImageNet, the share of correct first guesses in percent.
    size : int
        Height and width of its input, in pixels.
    stages : tuple of str
        Names of its stages.
    weights : str
        ``"shipped"``, ``"cached"`` or ``"download"``.
    licence : str
        Of the weights.
    speed : float or None
        Pictures a second on this machine, where it was measured.
    """

    name: str
    year: int
    paper: str
    parameters: int
    megabytes: float
    top1: float | None
    size: int
    stages: tuple[str, ...]
    weights: str
    licence: str
    speed: float | None = None

    def cells(self) -> tuple[str, ...]:
        """Give the facts as words, in the order of the table's columns."""
        return (
            self.name,
            str(self.year),
            f"{self.parameters / 1e6:.1f}",
            f"{self.megabytes:.1f}",
            "" if self.top1 is None else f"{self.top1:.1f}",
            str(self.size),
            str(len(self.stages)),
            self.weights,
            self.licence,
            "" if self.speed is None else f"{self.speed:.0f}",
        )


class NetworkTable(Sequence):
    """The facts of several networks, which show as a table.

    Parameters
    ----------
    rows : sequence of NetworkFacts
        One a network.
    """

    def __init__(self, rows: Sequence[NetworkFacts]):
        self._rows = tuple(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self._rows[index]

    def _columns(self) -> Iterator[tuple[str, ...]]:
        """Each column with its heading; one that nothing stands in is left out."""
        for heading, *cells in zip(_HEADINGS, *(row.cells() for row in self), strict=True):
            if any(cells):
                yield heading, *cells

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in self._columns()]
        rows = zip(*self._columns(), strict=True)
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )

    def _repr_html_(self) -> str:
        head, *rows = zip(*self._columns(), strict=True)
        body = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
        top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
        lines = "".join(f"<tr>{row}</tr>" for row in body)
        return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def list_networks(*, speed: bool = False) -> NetworkTable:
    """List the networks by name, with what each costs and what it can do.

    Any other classification network of torchvision, and of timm as ``"timm/..."``, loads by name
    too. Inception and GoogLeNet stand here without the auxiliary heads that they were trained with.

    Parameters
    ----------
    speed : bool
        Run each a few times on this machine, at its own input size. Takes about a minute.

    Returns
    -------
    NetworkTable
        A sequence of `NetworkFacts`. Nothing is fetched.

    Examples
    --------
    >>> import tl_teach as tl
    >>> facts = {row.name: row for row in tl.list_networks()}
    >>> facts["resnet18"].year, facts["resnet18"].stages[0], facts["letters-resnet"].weights
    (2015, 'stem', 'shipped')
    """
    return NetworkTable([_facts(name, speed) for name in NETWORKS])


def _facts(name: str, speed: bool) -> NetworkFacts:
    with torch.device("cpu" if speed else "meta"):  # meta: shapes without numbers
        net = load_network(name, "random")
    family = FAMILIES.get(name)
    asset = weights_asset(name) if family else None
    metrics = published_weights(name).meta["_metrics"]["ImageNet-1K"] if family else {}
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return NetworkFacts(
        name=name,
        year=family.year if family else 2026,
        paper=family.paper if family else "",
        parameters=parameters,
        megabytes=asset.size / 1e6 if asset else 4 * parameters / 1e6,
        top1=metrics.get("acc@1"),
        size=net.preprocess.size,
        stages=net.stage_names,
        weights=where(name),
        licence=asset.licence if asset else "Apache-2.0",
        speed=_speed(net, net.preprocess.shape) if speed else None,
    )


def _speed(net: nn.Module, shape: Sequence[int], batch: int = 4, passes: int = 3) -> float:
    pictures = torch.zeros(batch, *shape)
    seconds = []
    with torch.no_grad():
        for _ in range(1 + passes):  # the first warms up
            start = time.perf_counter()
            net(pictures)
            seconds.append(time.perf_counter() - start)
    return batch / median(seconds[1:])
