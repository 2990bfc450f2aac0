"""Move between stages and methods, and look at each item."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import cache
from html import escape

import numpy as np

from ..discover.embedding import embed
from ..learning import extract_features
from ..networks import Network, require_network
from ..show.examples import as_image
from ..tasks import Split, require_pictures, require_split
from ..wording import require_count
from .frame import Control, Explorer, View
from .parts import as_png, share, svg

_NAMES = {"pca": "PCA", "tsne": "t-SNE"}


def explore_embedding(
    net: Network | Mapping[str, Network], split: Split, *, items: int = 50, seed: int = 0
) -> Explorer:
    """See items of a split as points, stage by stage.

    Parameters
    ----------
    net : Network or mapping of str to Network
        One network, or several by name, such as ``{"before": net, "after": adapted}``.
    split : Split
        With labels: they are drawn, and not used to place the points.
    items : int
        How many; the first of the split.
    seed : int
        Fixes what is random in t-SNE.

    Returns
    -------
    Explorer
        A number in each point tells its class. Hovering over a point, or going to it with Tab,
        shows the picture. The words count how often the nearest neighbour, among the features,
        has the same class.

    Raises
    ------
    TypeError
        If `net` is no network, `split` no part of a task, or its items are texts.
    ValueError
        If there is no network, there are fewer than ten items, or the split has no classes.

    Examples
    --------
    >>> import tl_teach as tl
    >>> split = tl.load_task("printed-digits").validation
    >>> explorer = tl.explore_embedding(tl.load_network("letters-resnet"), split, items=12)
    >>> [control.label for control in explorer.controls]
    ['network', 'stage', 'method']
    """
    nets = dict(net) if isinstance(net, Mapping) else {"as it is": net}
    nets = {name: require_network(one) for name, one in nets.items()}
    if not nets:
        raise ValueError(
            "There is no network to explore; give one, or several by name: {'before': net}."
        )
    split = require_split(split)
    require_pictures(split)
    if split.info.kind != "classification":
        raise ValueError(
            f"explore_embedding shows classes, but {split.info.name!r} is {split.info.kind}."
        )
    require_count("items", items, least=10)
    part = split[:items]
    classes = part.info.classes
    labels = part.targets.numpy()
    first = next(iter(nets.values()))
    stages = first.stage_names[:-1]
    thumbs = [as_image(part.pixels(i)) for i in range(len(part))]
    key = f"{zlib.crc32(b''.join(thumb.tobytes() for thumb in thumbs)):x}"
    common = _thumbnails(thumbs, key)

    @cache
    def features(name: str, stage: str) -> np.ndarray:
        return extract_features(nets[name], part, stage).values

    def draw(which: int, stage: int, method: int) -> View:
        name = list(nets)[which]
        values = features(name, stages[stage])
        points = embed(values, list(_NAMES)[method], seed=seed)
        same = _agreement(values, labels)
        prefix = f"{name}, " if len(nets) > 1 else ""
        words = (
            f"{prefix}{stages[stage]}, {list(_NAMES.values())[method]}: the nearest neighbour in "
            f"the features has the same class for {share(same)} of {len(labels)} items."
        )
        return View(svg(_points(points, labels, classes, key), words, 330), words)

    controls = [
        Control("network", tuple(nets), slides=False),
        Control("stage", stages, len(stages) - 1),
        Control("method", tuple(_NAMES.values()), slides=False),
    ]
    return Explorer("items as points", controls, draw, common)


def _agreement(values: np.ndarray, labels: np.ndarray) -> float:
    away = ((values[:, None] - values[None]) ** 2).sum(-1)
    np.fill_diagonal(away, np.inf)
    return float((labels[away.argmin(1)] == labels).mean())


def _thumbnails(thumbs: list[np.ndarray], key: str) -> str:
    images = "".join(
        f'<image id="{key}-{i}" width="84" height="84" href="{as_png(_small(thumb))}" '
        f'style="image-rendering:pixelated"/>'
        for i, thumb in enumerate(thumbs)
    )
    return (
        f'<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>{images}'
        "</defs></svg>"
    )


def _small(pixels: np.ndarray) -> np.ndarray:
    step = max(1, max(pixels.shape[:2]) // 28)
    return pixels[::step, ::step]


def _points(points: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], key: str) -> str:
    low, high = points.min(0), points.max(0)
    places = (points - low) / np.maximum(high - low, 1e-9) * [400, 290] + [20, 20]
    parts = []
    for item, (x, y) in enumerate(places.round().astype(int)):
        name = escape(classes[labels[item]])
        left, top = min(x + 12, 352), max(4, min(y - 90, 240))
        short = name if len(name) < 3 else name[:1]
        parts.append(
            f'<g class="point" tabindex="0" role="img" aria-label="{name}, item {item + 1}">'
            f'<circle class="dot" cx="{x}" cy="{y}" r="9" fill="{_COLOURS[labels[item] % 10]}"/>'
            f'<text class="number" x="{x}" y="{y + 4}">{short}</text>'
            f'<use class="thumb" href="#{key}-{item}" x="{left}" y="{top}"/></g>'
        )
    return "".join(parts)


# Dark enough for white numbers (4.5:1), apart in lightness or in hue.
_COLOURS = (
    "#1f5fa8",
    "#a84b00",
    "#1b7340",
    "#9b2d6f",
    "#5a4bb0",
    "#8a6100",
    "#00707a",
    "#b3261e",
    "#4a5568",
    "#6b4a2b",
)
