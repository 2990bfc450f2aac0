"""A task of pictures or texts that you hold in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...wording import is_number
from ..division import divide
from ..images import ArrayImages, Images
from ..preprocess import LARGEST, Preprocess, as_pixels, eight_bits
from ..report import tell
from ..split import TaskInfo
from ..task import Collection, Task
from ..text import Texts
from ..tokens import UNCASED, AnyPreprocess

_FILES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")


def make_task(
    items: Any,
    labels: Sequence[Any],
    *,
    name: str | None = None,
    classes: Sequence[str] | None = None,
    groups: Sequence[int] | None = None,
    held_out: float = 0.2,
    seed: int = 0,
    preprocess: AnyPreprocess | None = None,
) -> Task:
    """Make a task of pictures or texts that you hold in memory; for files, see `load_task`.

    Parameters
    ----------
    items : array_like, sequence of PIL.Image.Image or sequence of str
        Pictures of one size, uint8 of shape (N, H, W) for grey or (N, H, W, 3) for colour; or N
        texts. Of equal items one is used, and none if they have two labels.
    labels : sequence
        One an item: class numbers where `classes` is given, or truth values for two classes, of
        which the second is true; else values to predict.
    name : str, optional
        What to call the task; ``"pictures"`` or ``"texts"`` by default.
    classes : sequence of str, optional
        Names of the classes, in the order of their numbers; without them the task is a
        regression.
    groups : sequence of int, optional
        Which items belong together, such as pictures of one patient or sentences of one review: no
        group stands on two sides.
    held_out : float
        Share of the items for validation, and as many again for the sealed test.
    seed : int
        See `load_task`.
    preprocess : Preprocess or TextPreprocess, optional
        How items become inputs for a network that has no preprocessing of its own. By default the
        central square of a picture in full size, its values from -1 to 1.

    Returns
    -------
    Task
        Divided as every task; other budgets come from ``task.with_labels``, and
        ``task.report`` lists the items that are not used, with reasons.

    Raises
    ------
    TypeError
        If the pixel values are not uint8.
    ValueError
        If the items are neither, if labels do not fit, or if a part would be empty.

    Warns
    -----
    UserWarning
        If an item is not used, since it equals another.

    Examples
    --------
    >>> import tl_teach as tl
    >>> texts = [f"number {n}" for n in range(40)]
    >>> tl.make_task(texts, [n % 2 for n in range(40)], classes=["even", "odd"])
    <task 'texts': classification, 2 classes;
     24 train, 8 validation, 8 sealed test, 24 unlabelled>
    """
    if not (is_number(held_out) and 0 < held_out < 0.5):
        raise ValueError(
            f"held_out={held_out!r} does not work: expected a share above 0 and below 0.5, since "
            "validation and test take as much each."
        )
    held, own, what = _held(items)
    info = TaskInfo(
        name=name or what,
        kind="regression" if classes is None else "classification",
        classes=("value",) if classes is None else _names(classes),
        positive=None,
        citation=f"your own {what}",
        licence="yours",
    )
    truth = np.asarray(labels)
    if not truth.ndim:
        raise ValueError(f"labels={labels!r} does not work: expected a list of one label an item.")
    if classes is not None and truth.dtype == bool:
        truth = truth.astype(np.int64)
    together = None if groups is None else np.asarray(groups)
    collection = Collection(info, held, truth, preprocess or own, held_out, groups=together)
    task = divide(collection, seed=seed)
    tell(task.report, task.name)
    return task


def _names(classes: Any) -> tuple[str, ...]:
    names = tuple(map(str, classes)) if isinstance(classes, Iterable) else ()
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"classes={classes!r} does not work: expected the names of the classes, all different, "
            "in the order of their numbers."
        )
    return names


def _held(items: Any) -> tuple[Images, AnyPreprocess, str]:
    """Tell pictures from texts; give the items, their usual preprocessing, and what they are."""
    if isinstance(items, str) or not hasattr(items, "__len__") or not len(items):
        raise ValueError(
            f"Expected pictures or texts, but got {items!r}; give an array of pictures, or a list "
            "of texts."
        )
    texts = [isinstance(item, str) for item in items]
    if not any(texts):
        return _pictures(items)
    if not all(texts):
        raise ValueError(
            f"Item {texts.index(False)} is no text, but others are; give texts or pictures alone."
        )
    if all(item.lower().endswith(_FILES) for item in items):
        raise ValueError(
            f"{items[0]!r} is the name of a picture, and would be read as a text; give the "
            "pictures themselves, or tl.load_task(folder=...) the folder they are in."
        )
    return Texts(items), UNCASED, "texts"


def _pictures(items: Any) -> tuple[Images, AnyPreprocess, str]:
    if not isinstance(items, np.ndarray):
        items = [eight_bits(item) for item in items]
        shapes = sorted({np.shape(item) for item in items})
        if len(shapes) > 1:
            raise ValueError(
                f"The pictures have different shapes, such as {shapes[0]} and {shapes[1]}; make "
                "them of one size, or give tl.load_task(folder=...) a folder of files."
            )
        items = np.stack([np.asarray(item) for item in items])
    if items.ndim not in (3, 4):
        raise ValueError(
            f"The pictures have the shape {items.shape}; give an array of shape (N, H, W) for grey "
            "pictures or (N, H, W, 3) for coloured ones."
        )
    channels, *sides = as_pixels(items[0]).shape
    size, middle = min(*sides, LARGEST), (0.5,) * channels
    return ArrayImages(items), Preprocess(size, channels, middle, middle), "pictures"
