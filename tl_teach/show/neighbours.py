"""A picture, and those that are most like it."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..tasks import Split, TaskInfo, as_pixels, reads_texts, require_split
from .answers import in_words
from .examples import as_image
from .matrix import short
from .picture import ACCENT_SOFT, Picture, credit, grid, tile
from .text_rows import text_rows

_COLUMNS = 6


def show_neighbours(
    split: Split, query: Any, indices: Sequence[int], similarities: Sequence[float]
) -> Picture:
    """Show a picture, or a text, beside its nearest neighbours.

    Parameters
    ----------
    split : Split
        Where the neighbours are. A sealed test refuses.
    query : int, torch.Tensor, numpy.ndarray, PIL.Image.Image or str
        A position in `split`, or any picture with values 0..255 as uint8; any text for texts.
    indices : sequence of int
        Positions in `split`, nearest first.
    similarities : sequence of float
        How like the query each one is.

    Returns
    -------
    Picture
        The query in a frame, then its neighbours with their similarity.

    Raises
    ------
    TypeError
        If `split` is no part of a task.
    SealedError
        If the split is a sealed test.
    ValueError
        If there is not one similarity an index, or no such item.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=2)
    >>> print(tl.show_neighbours(task.train, 0, [3, 5], [0.9, 0.8]).alt)
    Item 0 of printed-digits, a picture of ..., and the 2 pictures most like it: ... (0.90), ...
    (0.80); ... of 2 have its class.
    """
    split = require_split(split)
    places, likeness = np.asarray(indices), np.asarray(similarities, dtype=float)
    _check(split, places, likeness)
    found = list(zip(places.tolist(), likeness.tolist(), strict=True))
    texts = reads_texts(split)
    item_of: Any = split.text if texts else split.pixels
    kind = "text" if texts else "picture"
    if isinstance(query, Integral):
        _check(split, np.array([query]), np.zeros(1))
        asked, name = item_of(int(query)), _name(split, int(query))
        about = f"Item {query} of {split.info.name}" + (f", a {kind} of {name}," if name else "")
    else:
        asked, name = _text(split, query) if texts else as_pixels(query), ""
        about = f"A {kind} beside those of {split.info.name}"
    tiles = [(asked, f"query\n{short(name, 14)}".strip())]
    names = [_name(split, item) for item, _ in found]
    for (item, similarity), label in zip(found, names, strict=True):
        tiles.append((item_of(item), f"{similarity:.2f}\n{short(label, 14)}".strip()))
    listed = ", ".join(
        f"{label or f'item {item}'} ({similarity:.2f})"
        for (item, similarity), label in zip(found, names, strict=True)
    )
    plural = "s" if len(found) > 1 else ""
    text = f"{about} and the {len(found)} {kind}{plural} most like it: {listed}"
    if name:
        text += f"; {names.count(name)} of {len(names)} have its class"
    if texts:
        contents, labels = zip(*tiles, strict=True)
        return text_rows(labels, contents, split.info, text + ".")
    return Picture(_tiles(tiles, split.info), text + ".")


def _tiles(tiles: list[tuple[torch.Tensor, str]], info: TaskInfo) -> Figure:
    figure, places = grid(len(tiles), min(_COLUMNS, len(tiles)), 0.4)
    for axes, (shown, label) in zip(places, tiles, strict=False):
        tile(axes, as_image(shown), label)
    _frame(places[0])
    credit(figure, info)
    return figure


def _text(split: Split, query: Any) -> str:
    if not isinstance(query, str):
        raise TypeError(
            f"{split.info.name!r} has texts, so the query must be a position in it or a text, but "
            f"got {type(query).__name__}."
        )
    return query


def _name(split: Split, item: int) -> str:
    return "" if split.labels is None else in_words(split.info, split.labels[item])


def _frame(axes: Any) -> None:
    whole = {"transform": axes.transAxes, "facecolor": "none", "clip_on": False}
    axes.add_patch(Rectangle((0, 0), 1, 1, edgecolor=ACCENT_SOFT, linewidth=4, **whole))


def _check(split: Split, indices: np.ndarray, similarities: np.ndarray) -> None:
    if indices.ndim != 1 or indices.shape != similarities.shape or not len(indices):
        raise ValueError(
            f"Expected one similarity for each index, at least one, but got {indices.shape} "
            f"indices and {similarities.shape} similarities."
        )
    if indices.dtype.kind not in "iu" or indices.min() < 0 or indices.max() >= len(split):
        raise ValueError(
            f"The indices must be positions from 0 to {len(split) - 1} in {split!r}, but got "
            f"{indices.tolist()}."
        )
