"""The tasks by name, and those of a reader's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from ..wording import unknown
from .breast import breast_tumours
from .division import divide
from .handwriting import handwriting
from .own.folder import read_folder
from .pets import PETS
from .printed import printed_digits, printed_letters
from .report import tell
from .rotation import digit_rotation
from .sentences import sentence_sentiment
from .solar import solar_cells, solar_defect_probability
from .task import Collection, Task
from .words import WORDS

TASKS: dict[str, Callable[[], Collection]] = {
    "printed-letters": printed_letters,
    "printed-digits": printed_digits,
    "handwriting": handwriting,
    "digit-rotation": digit_rotation,
    "solar-cells": solar_cells,
    **PETS,
    "solar-defect-probability": solar_defect_probability,
    "breast-tumours": breast_tumours,
    **WORDS,
    "sentence-sentiment": sentence_sentiment,
}


def load_task(
    name: str | None = None,
    labels_per_class: int | None = None,
    seed: int = 0,
    *,
    labels: int | None = None,
    folder: str | Path | None = None,
    target: str | Path | None = None,
    column: str | Sequence[str] | None = None,
    kind: str | None = None,
    groups: str | None = None,
) -> Task:
    """Load a task, by name or from a folder of your own pictures.

    Parameters
    ----------
    name : str, optional
        ``"printed-letters"``, ``"printed-digits"``, ``"handwriting"``, ``"solar-cells"``,
        ``"breast-tumours"``, ``"cats-and-dogs"``, ``"cats-and-dogs-breeds"`` and, of 370 pictures
        each, ``"cats-and-dogs-sample"``, ``"cats-and-dogs-breeds-sample"``; for regression
        ``"digit-rotation"``, ``"solar-defect-probability"``; of texts ``"word-sentiment"``,
        ``"word-valence"`` (regression), ``"sentence-sentiment"``.
    labels_per_class : int, optional
        Keep this many labelled training items of each class; all by default.
    seed : int
        Fixes which items are for training and which for validation, and which labels are kept.
        The test items are the same for every seed.
    labels : int, optional
        Keep this many labelled training items in all.
    folder : str or pathlib.Path, optional
        In place of a name: a folder of your own pictures. Each folder in it is a class, with the
        pictures of that class (and folders of such pictures); or a table names the targets.
    target : str or pathlib.Path, optional
        A CSV file in `folder`, its first row the names of its columns. The files are in the
        column ``file``, ``filename``, ``image`` or ``path``, or in the first one.
    column : str or sequence of str, optional
        Which column of the table is to be predicted; not needed where there is one only. Several
        columns of 0 and 1 are several labels an item; of other numbers, several values.
    kind : str, optional
        ``"classification"``, ``"multilabel"`` or ``"regression"``. By default the entries decide:
        lists such as ``cat;dog`` are several labels; numbers (if most entries are) are values if
        any is not whole or if there are more than 20 different ones; all else are classes.
        Where semicolons separate the columns, ``1,5`` is one and a half.
    groups : str, optional
        Column of the table that says which pictures belong together (one patient, one walk): they
        are kept in one part.

    Returns
    -------
    Task
        Its parts are stratified and share no picture. Budgets are nested: the items of a
        smaller one are part of a larger one.

    Raises
    ------
    ValueError
        If there is no such task, folder or column, or the budget does not fit it.
    AssetError
        If the data must be fetched and cannot be.

    Warns
    -----
    UserWarning
        If something in `folder` cannot be used; ``task.report`` lists it all, with reasons.

    Notes
    -----
    Classes stand in natural order, 2 before 10, whatever the file system says. Your own pictures
    are turned as their camera noted, transparent ones stand on white, and of moving ones the first
    frame counts. Of equal pictures one is kept, and none if they have two labels. Hidden files are
    passed over; damaged files, links out of the folder and pictures of more than 100 megapixels
    are left out and reported, as are the entries ``na``, ``nan``, ``null``, ``?`` and nothing.

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
    >>> mine = tl.load_task(folder="holiday", target="ages.csv", column="age")  # doctest: +SKIP
    """
    if (name is None) == (folder is None):
        given = "neither" if name is None else f"both {name!r} and folder={str(folder)!r}"
        raise ValueError(
            f"load_task needs the name of a task or folder=, the folder of your own pictures, but "
            f"got {given}; the names are {', '.join(map(repr, TASKS))}."
        )
    if folder is not None:
        collection = read_folder(folder, target, column, kind, groups)
        tell(collection.report, collection.info.name)
        return divide(collection, labels_per_class, labels, seed)
    options = {"target": target, "column": column, "kind": kind, "groups": groups}
    for option, value in options.items():
        if value is not None:
            raise ValueError(
                f"{option}={value!r} describes a folder of your own pictures, but got the task "
                f"{name!r}; give folder= in place of the name, or leave {option}= out."
            )
    if name not in TASKS:
        raise ValueError(unknown("task", name, TASKS))
    return divide(_collection(name), labels_per_class, labels, seed)


@lru_cache(maxsize=8)
def _collection(name: str) -> Collection:
    # Drawing or reading a task's pictures takes up to two seconds; dividing them takes none.
    return TASKS[name]()
