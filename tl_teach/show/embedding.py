"""Items as points of a plane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patheffects import withStroke

from ..learning import Features
from ..tasks import Split, as_pixels, require_pictures
from .examples import as_image
from .matrix import short
from .palette import look
from .picture import FAINT, INK, PAPER, Picture, blank, credit

_THUMB = 0.34  # inches


def show_embedding(
    points: Any,
    targets: Any,
    classes: Sequence[str],
    pictures: Split | Sequence[Any] | None = None,
    *,
    title: str = "",
) -> Picture:
    """Draw items as points of a plane, in the colour and shape of their class.

    Parameters
    ----------
    points : array of shape (N, 2), or Features
        Where the items lie, such as from PCA, t-SNE or UMAP of their features.
    targets : array of shape (N,)
        The class number of each item; they are only drawn, so a method that made the points
        needs none.
    classes : sequence of str
        The names of the classes.
    pictures : Split or sequence of pictures, optional
        The items themselves, in the same order. Some of them are drawn where they lie.
    title : str
        How the points were made.

    Returns
    -------
    Picture
        The axes bear no numbers: what matters is who lies beside whom. The words count how
        often the nearest neighbour has the same class.

    Raises
    ------
    ValueError
        If the shapes do not fit each other, or a target is no class.

    Notes
    -----
    Distances in such a drawing are not those in the features: t-SNE and UMAP keep neighbours
    together and make the gaps between groups, and their sizes, as they like.

    References
    ----------
    Wattenberg, Viégas, Johnson (2016), "How to use t-SNE effectively",
    https://doi.org/10.23915/distill.00002

    Examples
    --------
    >>> import tl_teach as tl
    >>> points = [[0, 0], [0, 1], [1, 0], [8, 8], [8, 9], [3, 3]]
    >>> print(tl.show_embedding(points, [0, 0, 0, 1, 1, 1], ["ant", "bee"]).alt)
    6 points of 2 classes in a plane. The nearest neighbour of 0.83 of them has the same class,
    where chance gives 0.40. Least apart: bee, 0.67, most often beside ant.
    """
    points, targets = _checked(points, targets, classes, pictures)
    figure = blank(6.4, 5.2)
    axes = figure.add_subplot()
    axes.set(xticks=[], yticks=[], facecolor=PAPER)
    axes.spines[:].set_color(FAINT)
    axes.set_title(title, color=INK, fontsize=11, loc="left")
    size = float(np.clip(20_000 / len(points), 12, 50))
    for number in np.unique(targets).tolist():
        members = points[targets == number]
        colour, marker = look(number)
        axes.scatter(
            members[:, 0],
            members[:, 1],
            s=size,
            c=colour,
            marker=marker,
            edgecolors=INK,
            linewidths=0.3,
            alpha=0.85 if pictures is None else 0.5,
            label=short(classes[number]),
        )
    axes.legend(
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        ncols=-(-len(np.unique(targets)) // 18),
        markerscale=max(1, 6.5 / size**0.5),
        fontsize=10,
        labelcolor=INK,
        frameon=False,
        handletextpad=0.1,
        columnspacing=0.6,
    )
    if isinstance(pictures, Split):
        credit(figure, pictures.info)
    figure.draw_without_rendering()  # places on the sheet are needed below
    if pictures is None:
        _name_groups(figure, axes, points, targets, classes)
    else:
        _pin_pictures(figure, axes, points, targets, pictures)
    return Picture(figure, _words(points, targets, classes))


def _checked(
    points: Any, targets: Any, classes: Sequence[str], pictures: Any
) -> tuple[np.ndarray, np.ndarray]:
    values = points.values if isinstance(points, Features) else points
    points, targets = np.asarray(values, dtype=float), np.asarray(targets)
    if isinstance(pictures, Split):
        require_pictures(pictures)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
        raise ValueError(
            f"A drawing needs points of shape (N, 2), at least two, but got {points.shape}; "
            "bring the features into the plane first, with PCA or t-SNE."
        )
    if targets.shape != points.shape[:1] or (pictures is not None and len(pictures) != len(points)):
        others = f"{targets.shape} targets" + (f", {len(pictures)} pictures" if pictures else "")
        raise ValueError(f"{len(points)} points do not fit {others}; give one for each point.")
    if targets.dtype.kind not in "iu" or targets.min() < 0 or targets.max() >= len(classes):
        raise ValueError(
            f"The targets must be class numbers from 0 to {len(classes) - 1}, but they reach from "
            f"{targets.min()} to {targets.max()}; give classes= all names, in order."
        )
    return points, targets


def _apart(places: np.ndarray, least: float) -> Iterator[int]:
    """Choose places, in the given order, that keep a distance from all chosen before."""
    chosen: list[np.ndarray] = []
    for number, place in enumerate(places):
        if all(np.abs(place - other).max() >= least for other in chosen):
            chosen.append(place)
            yield number


def _name_groups(
    figure: Any, axes: Any, points: np.ndarray, targets: np.ndarray, classes: Sequence[str]
) -> None:
    """Write the class's name at its middle, unless another name stands there."""
    numbers = np.unique(targets).tolist()
    middles = np.array([np.median(points[targets == number], axis=0) for number in numbers])
    on_sheet = axes.transData.transform(middles) / figure.dpi
    longest = max(len(short(classes[number])) for number in numbers)
    for place in _apart(on_sheet, least=max(0.22, 0.1 * longest)):
        axes.annotate(
            short(classes[numbers[place]]),
            middles[place],
            ha="center",
            va="center",
            fontsize=12 if len(numbers) <= 12 else 10,
            weight="bold",
            color=INK,
            path_effects=[withStroke(linewidth=3, foreground=PAPER)],
        )


def _pin_pictures(
    figure: Any, axes: Any, points: np.ndarray, targets: np.ndarray, pictures: Any
) -> None:
    """Draw pictures where they lie, as many as have room."""
    order = np.random.default_rng(0).permutation(len(points))
    on_sheet = axes.transData.transform(points[order]) / figure.dpi
    for place in _apart(on_sheet, least=1.35 * _THUMB):
        item = int(order[place])
        stored = pictures.pixels(item) if isinstance(pictures, Split) else as_pixels(pictures[item])
        pixels = as_image(stored)
        box = AnnotationBbox(
            OffsetImage(pixels, zoom=72 * _THUMB / max(pixels.shape[:2]), cmap="gray"),
            points[item],
            pad=0.12,
            bboxprops={"edgecolor": look(int(targets[item])).colour, "linewidth": 2},
        )
        axes.add_artist(box)


def _words(points: np.ndarray, targets: np.ndarray, classes: Sequence[str]) -> str:
    from scipy.spatial import KDTree

    _, pairs = KDTree(points).query(points, k=2)
    itself = pairs[:, 0] == np.arange(len(points))
    nearest = targets[np.where(itself, pairs[:, 1], pairs[:, 0])]
    counts = np.bincount(targets, minlength=len(classes))
    chance = (counts * (counts - 1)).sum() / (len(points) * (len(points) - 1))
    text = (
        f"{len(points):,} points of {np.count_nonzero(counts)} classes in a plane. The nearest "
        f"neighbour of {(nearest == targets).mean():.2f} of them has the same class, where chance "
        f"gives {chance:.2f}."
    )
    here = np.unique(targets).tolist()
    same = {number: (nearest == targets)[targets == number].mean() for number in here}
    worst = min(here, key=lambda number: same[number])
    beside = np.bincount(nearest[(targets == worst) & (nearest != worst)], minlength=len(classes))
    if not beside.any():
        return text + " All classes are apart."
    return (
        f"{text} Least apart: {classes[worst]}, {same[worst]:.2f}, most often beside "
        f"{classes[int(beside.argmax())]}."
    )
