"""Tasks of pictures or texts that you hold in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..division import divide
from ..images import ArrayImages, Images
from ..preprocess import Preprocess, as_pixels
from ..split import TaskInfo
from ..task import Collection, Task
from ..text import Texts
from ..tokens import UNCASED, AnyPreprocess


def picture_task(
    pictures: Any,
    labels: Sequence[Any],
    *,
    name: str = "pictures",
    classes: Sequence[str] | None = None,
    groups: Sequence[int] | None = None,
    held_out: float = 0.2,
    seed: int = 0,
    preprocess: Preprocess | None = None,
) -> Task:
    """Make a task of your own pictures, held in memory; for files, see `load_task`.

    Parameters
    ----------
    pictures : array_like
        uint8 values of shape (N, H, W) for grey pictures or (N, H, W, 3) for coloured ones.
    labels : sequence
        One a picture: class numbers where `classes` is given, else values to predict.
    name : str
        What to call the task.
    classes : sequence of str, optional
        Names of the classes; without them the task is a regression.
    groups : sequence of int, optional
        Which pictures belong together, such as those of one patient: no group stands on two sides.
    held_out : float
        Share of the pictures for validation, and for the sealed test.
    seed : int
        See `load_task`.
    preprocess : Preprocess, optional
        How pictures become inputs for a network that has no preprocessing of its own. By default
        the central square in full size, its values from -1 to 1.

    Returns
    -------
    Task
        Divided as every task; other budgets come from ``task.with_labels``.

    Raises
    ------
    TypeError
        If the pixel values are not uint8.
    ValueError
        If the pictures have another shape, if labels do not fit, or a part would be empty.

    Examples
    --------
    >>> import numpy as np
    >>> import tl_teach as tl
    >>> pictures = np.arange(40 * 64).reshape(40, 8, 8).astype(np.uint8)
    >>> pictures[:, 0, 0] = range(40)
    >>> tl.picture_task(pictures, [n % 2 for n in range(40)], classes=["even", "odd"])
    <task 'pictures': classification, 2 classes;
     24 train, 8 validation, 8 sealed test, 24 unlabelled>
    """
    stack = np.asarray(pictures)
    if stack.ndim not in (3, 4) or not len(stack):
        raise ValueError(
            f"The pictures of {name!r} have the shape {stack.shape}; give an array of shape "
            "(N, H, W) for grey pictures or (N, H, W, 3) for coloured ones."
        )
    channels, *sides = as_pixels(stack[0]).shape
    middle = (0.5,) * channels
    own = preprocess or Preprocess(min(sides), channels, mean=middle, std=middle)
    return _own_task(
        ArrayImages(stack), labels, name, classes, groups, held_out, seed, own, "pictures"
    )


def text_task(
    texts: Sequence[str],
    labels: Sequence[Any],
    *,
    name: str = "texts",
    classes: Sequence[str] | None = None,
    groups: Sequence[int] | None = None,
    held_out: float = 0.2,
    seed: int = 0,
) -> Task:
    """Make a task of your own texts.

    Parameters
    ----------
    texts : sequence of str
        The items.
    labels : sequence
        One a text: class numbers where `classes` is given, else values to predict.
    name : str
        What to call the task.
    classes : sequence of str, optional
        Names of the classes; without them the task is a regression.
    groups : sequence of int, optional
        Which texts belong together, such as sentences of one review: no group stands on two sides.
    held_out : float
        Share of the texts for validation, and for the sealed test.
    seed : int
        See `load_task`.

    Returns
    -------
    Task
        Divided as every task; other budgets come from ``task.with_labels``.

    Raises
    ------
    ValueError
        If labels do not fit, or a part would be empty.

    Examples
    --------
    >>> import tl_teach as tl
    >>> texts = [f"number {n}" for n in range(40)]
    >>> tl.text_task(texts, [n % 2 for n in range(40)], classes=["even", "odd"])
    <task 'texts': classification, 2 classes;
     24 train, 8 validation, 8 sealed test, 24 unlabelled>
    """
    return _own_task(Texts(texts), labels, name, classes, groups, held_out, seed, UNCASED, "texts")


def _own_task(
    items: Images,
    labels: Sequence[Any],
    name: str,
    classes: Sequence[str] | None,
    groups: Sequence[int] | None,
    held_out: float,
    seed: int,
    preprocess: AnyPreprocess,
    what: str,
) -> Task:
    info = TaskInfo(
        name=name,
        kind="regression" if classes is None else "classification",
        classes=("value",) if classes is None else tuple(classes),
        positive=None,
        citation=f"your own {what}",
        licence="yours",
    )
    truth = np.asarray(labels)
    if classes is not None and truth.dtype == bool:  # no and yes are classes 0 and 1
        truth = truth.astype(np.int64)
    together = None if groups is None else np.asarray(groups)
    return divide(Collection(info, items, truth, preprocess, held_out, groups=together), seed=seed)
