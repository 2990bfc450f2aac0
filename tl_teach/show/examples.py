"""Pictures of a task, with their labels."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import torch

from ..tasks import Split, Task, reads_texts, require_split
from ..wording import require_count
from .answers import in_words
from .picture import Picture, credit, grid, tile
from .text_rows import text_rows


def show_examples(data: Task | Split, count: int = 16, *, columns: int = 8) -> Picture:
    """Show some pictures, or texts, of a split, evenly over its classes.

    Parameters
    ----------
    data : Task or Split
        A task shows its training part. A sealed test refuses.
    count : int
        How many.
    columns : int
        Pictures a row; a text has a row of its own.

    Returns
    -------
    Picture
        Each picture with its class, its classes or its value; source and licence below.

    Raises
    ------
    TypeError
        If it is no part of a task.
    SealedError
        If it is a sealed test.
    ValueError
        If a number is no count, or the split is empty.

    Examples
    --------
    >>> import tl_teach as tl
    >>> print(tl.show_examples(tl.load_task("printed-digits"), count=10).alt)
    10 pictures of printed-digits, labelled 0, 1, 2, 3, 4, 5, 6, 7, 8, 9.
    """
    require_count("count", count)
    require_count("columns", columns)
    split = require_split(data.train if isinstance(data, Task) else data)
    items = _spread(split, min(count, len(split)))
    labels = [_label(split, item) for item in items]
    if reads_texts(split):
        texts = [split.text(item) for item in items]
        shown = [_wrapped(label, 4) for label in labels]
        return text_rows(shown, texts, split.info, _words(split, labels))
    figure, tiles = grid(len(items), columns, 0.22 * 6.4 / columns)
    for axes, item, label in zip(tiles, items, labels, strict=False):
        tile(axes, as_image(split.pixels(item)), _wrapped(label, columns))
    credit(figure, split.info)
    return Picture(figure, _words(split, labels))


def _label(split: Split, item: int) -> str:
    return "" if split.labels is None else in_words(split.info, split.labels[item])


def _wrapped(label: str, columns: int) -> str:
    """Break a long label into lines, so that it does not run into its neighbours."""
    return fill(label, 96 // columns, break_long_words=False) if label else label


def as_image(pixels: torch.Tensor) -> np.ndarray:
    """Turn a uint8 or 0..1 tensor of shape (C, H, W) into an array that Matplotlib shows.

    Parameters
    ----------
    pixels : torch.Tensor
        One or three channels.

    Returns
    -------
    numpy.ndarray
        (H, W) or (H, W, 3), values 0..1.
    """
    values = pixels.to(torch.float32) / 255 if pixels.dtype == torch.uint8 else pixels
    return values[0].numpy() if len(values) == 1 else values.movedim(0, -1).numpy()


def _spread(split: Split, count: int) -> list[int]:
    """Take items class by class in turn, in the split's own order."""
    if split.labels is None or split.info.kind != "classification":
        return list(range(count))
    labels = split.labels.numpy()
    turn = np.empty(len(labels), dtype=int)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        turn[members] = np.arange(len(members))
    return np.lexsort((labels, turn))[:count].tolist()


def _words(split: Split, labels: list[str]) -> str:
    text = f"{len(labels)} {'texts' if reads_texts(split) else 'pictures'} of {split.info.name}"
    if split.labels is None:
        return text + ", without labels."
    return text + f", labelled {', '.join(dict.fromkeys(labels))}."
