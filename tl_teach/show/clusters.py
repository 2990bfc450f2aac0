"""What each cluster holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..discover import Clusters
from ..tasks import Split, require_pictures, require_split
from ..wording import require_count
from .examples import as_image
from .matrix import short
from .picture import INK, QUIET, Picture, blank, credit, tile

_MOST_ROWS = 12


def show_clusters(clusters: Clusters | ArrayLike, split: Split, count: int = 8) -> Picture:
    """Show a row of pictures for each cluster.

    Parameters
    ----------
    clusters : Clusters or array of shape (N,)
        The cluster of each item; -1 for those in none.
    split : Split
        The items that were clustered, in the same order.
    count : int
        At most how many pictures a cluster.

    Returns
    -------
    Picture
        A row a cluster, largest first, with its size; at most 12. A row keeps the split's order.
        Where the split has classes,
        each row names the one that is commonest in it: they are looked up afterwards, and took
        no part in the clustering.

    Raises
    ------
    TypeError
        If `split` is no part of a task, or its items are texts.
    ValueError
        If there is not one cluster an item, or `count` is no count.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=2)
    >>> print(tl.show_clusters([0, 1] * 10, task.train, count=3).alt)
    2 clusters of 20 pictures of printed-digits. Cluster 0 has 10 pictures, ... % of them ...;
    cluster 1 has 10 pictures, ... % of them ....
    """
    split = require_split(split)
    require_pictures(split)
    require_count("count", count)
    labels = np.asarray(clusters.labels if isinstance(clusters, Clusters) else clusters)
    if labels.shape != (len(split),) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"Expected one cluster number for each of the {len(split)} items of {split!r}, but got "
            f"{labels.dtype} values of shape {labels.shape}; cluster the features of this split."
        )
    numbers, sizes = np.unique(labels[labels >= 0], return_counts=True)
    numbers = numbers[np.argsort(-sizes, kind="stable")]
    shown = numbers[:_MOST_ROWS].tolist()
    figure = blank(6.4, 6.4 / (count + 2) * max(len(shown), 1) + 0.3, gap=0.03)
    grid = figure.add_gridspec(max(len(shown), 1), count + 1, width_ratios=[2] + [1] * count)
    words = []
    for row, number in enumerate(shown):
        members = np.flatnonzero(labels == number)
        name = figure.add_subplot(grid[row, 0])
        name.set_axis_off()
        name.text(0, 0.5, f"cluster {number}", fontsize=10, va="bottom", color=INK, weight="bold")
        label, text = f"{len(members):,} items", f"cluster {number} has {len(members):,} pictures"
        if split.labels is not None and split.info.kind == "classification":
            commonest, share = _commonest(split.labels.numpy()[members])
            label += f"\n{short(split.classes[commonest], 12)}: {share:.0f} %"
            text += f", {share:.0f} % of them {split.classes[commonest]}"
        name.text(0, 0.45, label, fontsize=9, va="top", color=QUIET)
        for column, item in enumerate(members[:count].tolist()):
            tile(figure.add_subplot(grid[row, column + 1]), as_image(split.pixels(item)))
        words.append(text)
    credit(figure, split.info)
    return Picture(figure, _words(split, labels, numbers, words))


def _commonest(classes: np.ndarray) -> tuple[int, float]:
    """The class that most members of a cluster have, and their share in percent."""
    counts = np.bincount(classes)
    return int(counts.argmax()), 100 * counts.max() / len(classes)


def _words(split: Split, labels: np.ndarray, numbers: np.ndarray, words: list[str]) -> str:
    plural = "" if len(numbers) == 1 else "s"
    text = f"{len(numbers)} cluster{plural} of {len(split):,} pictures of {split.info.name}."
    if len(words) < len(numbers):
        text += f" The {len(words)} largest are shown."
    if words:
        listed = "; ".join(words)
        text += f" {listed[0].upper()}{listed[1:]}."
    if (labels < 0).any():
        text += f" {np.count_nonzero(labels < 0):,} pictures are in no cluster."
    return text
