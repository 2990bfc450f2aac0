"""Texts as the items of a task."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .division import divide
from .split import TaskInfo
from .task import Collection, Task
from .tokens import UNCASED


class Texts:
    """Texts in the place of pictures; what is stored of each is its UTF-8 bytes.

    Parameters
    ----------
    texts : sequence of str
        In order.
    """

    def __init__(self, texts: Sequence[str]):
        self._texts = list(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def text(self, index: int) -> str:
        """Text `index` as it was written."""
        return self._texts[index]

    def pixels(self, index: int) -> torch.Tensor:
        """Bytes of text `index`, a uint8 tensor of shape (bytes,)."""
        return torch.from_numpy(np.frombuffer(self._texts[index].encode(), np.uint8).copy())

    def digest(self, index: int) -> bytes:
        """SHA-256 of the text."""
        return hashlib.sha256(self._texts[index].encode()).digest()


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
    info = TaskInfo(
        name=name,
        kind="regression" if classes is None else "classification",
        classes=("value",) if classes is None else tuple(classes),
        positive=None,
        citation="your own texts",
        licence="yours",
    )
    together = None if groups is None else np.asarray(groups)
    return divide(
        Collection(info, Texts(texts), np.asarray(labels), UNCASED, held_out, groups=together),
        seed=seed,
    )
