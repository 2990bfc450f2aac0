"""The tasks by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ..wording import unknown
from .breast import breast_tumours
from .division import divide
from .handwriting import handwriting
from .pets import PETS
from .printed import printed_digits, printed_letters
from .rotation import digit_rotation
from .solar import solar_cells, solar_defect_probability
from .task import Collection, Task

TASKS: dict[str, Callable[[], Collection]] = {
    "printed-letters": printed_letters,
    "printed-digits": printed_digits,
    "handwriting": handwriting,
    "digit-rotation": digit_rotation,
    "solar-cells": solar_cells,
    **PETS,
    "solar-defect-probability": solar_defect_probability,
    "breast-tumours": breast_tumours,
}


def load_task(
    name: str,
    labels_per_class: int | None = None,
    seed: int = 0,
    *,
    labels: int | None = None,
) -> Task:
    """Load a task: data with train, validation and a sealed test.

    Parameters
    ----------
    name : str
        ``"printed-letters"``, ``"printed-digits"``, ``"handwriting"``, ``"solar-cells"``,
        ``"breast-tumours"``; for regression ``"digit-rotation"``, ``"solar-defect-probability"``.
    labels_per_class : int, optional
        Keep this many labelled training items of each class; all by default.
    seed : int
        Fixes which items are for training and which for validation, and which labels are kept.
        The test items are the same for every seed.
    labels : int, optional
        Keep this many labelled training items in all.

    Returns
    -------
    Task
        Its parts are stratified and share no picture. Budgets are nested: the items of a
        smaller one are part of a larger one.

    Raises
    ------
    ValueError
        If there is no such task, or the budget does not fit it.
    AssetError
        If the data must be fetched and cannot be.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=5)
    >>> len(task.train), task.classes[:3]
    (50, ('0', '1', '2'))
    >>> task.test[0]
    Traceback (most recent call last):
    ...
    tl_teach.tasks.split.SealedError: The test split of 'printed-digits' is sealed: ...
    """
    if name not in TASKS:
        raise ValueError(unknown("task", name, TASKS))
    return divide(_collection(name), labels_per_class, labels, seed)


@lru_cache(maxsize=8)
def _collection(name: str) -> Collection:
    # Drawing or reading a task's pictures takes up to two seconds; dividing them takes none.
    return TASKS[name]()
