"""A folder of pictures becomes a collection, with a report of what cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...wording import unknown
from ..labels import KINDS
from ..preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from ..report import Problem, Report
from ..split import TaskInfo
from ..splitting import distinct
from ..task import Collection
from .files import CheckedFile, FileImages, Unusable, check_files
from .listing import as_key, list_files, natural
from .table import read_table
from .targets import Targets

_PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}


def read_folder(
    folder: str | Path,
    target: str | Path | None = None,
    column: str | Sequence[str] | None = None,
    kind: str | None = None,
    groups: str | None = None,
) -> Collection:
    """Read a folder of pictures; see `load_task` for what it may hold.

    Parameters
    ----------
    folder : str or pathlib.Path
        The folder.
    target : str or pathlib.Path, optional
        A table in the folder; without one, the folders in it are the classes.
    column : str or sequence of str, optional
        Column, or columns, of the table to predict.
    kind : str, optional
        Kind of task.
    groups : str, optional
        Column of the table that says which pictures belong together.

    Returns
    -------
    Collection
        The pictures that can be used, in the natural order of their names, and a report of the
        others.

    Raises
    ------
    ValueError
        If there is no such folder, table or column, or nothing in it can be used.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        raise ValueError(
            f"folder={str(folder)!r} is not a folder (looked for {root}); give the one that holds "
            "your pictures."
        )
    if kind is not None and kind not in KINDS:
        raise ValueError(unknown("kind of task", kind, KINDS))
    files, problems = list_files(root)
    if target is None:
        _require_no_table(column, kind, groups)
        targets, left_out = _class_folders(root, files)
    else:
        table = (root / target).resolve()
        files = {name: path for name, path in files.items() if not _is_same(path, table)}
        targets, left_out = read_table(table, files, column, kind, groups)
    usable, unusable = _usable(files, targets)
    problems += left_out + unusable
    if not usable:
        reasons = Report(tuple(problems)).reasons
        raise ValueError(
            f"Nothing in {root} can be used ({reasons or 'it is empty'}); put the pictures of each "
            "class into a folder of its own there, or name a table of them with target=."
        )
    classes, labels = targets.numbered(list(usable))
    if target is None:
        named = {problem.file for problem in problems} | set(classes)
        empty = [name for name in _folders(root) if name not in named]
        problems += [Problem(name, "class without usable pictures") for name in empty]
    info = TaskInfo(
        name=root.name,
        kind=targets.kind,
        classes=classes,
        positive=None,
        citation=f"your own pictures in the folder {root.name}",
        licence="not stated",
    )
    return Collection(
        info,
        FileImages(list(usable.values())),
        labels,
        Preprocess(size=160, channels=3, mean=IMAGENET_MEAN, std=IMAGENET_STD),
        held_out=0.2,
        groups=np.array([targets.groups[name] for name in usable]) if targets.groups else None,
        report=Report(tuple(problems)),
    )


def _is_same(path: Path, table: Path) -> bool:
    """Whether a file is the table, also where capitals make no other file."""
    alike = path.name.casefold() == table.name.casefold()
    return alike and table.is_file() and path.samefile(table)


def _require_no_table(
    column: str | Sequence[str] | None, kind: str | None, groups: str | None
) -> None:
    given = {"column": column, "groups": groups, "kind": None if kind == KINDS[0] else kind}
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"{name}={value!r} needs a table: without target= the folders in the folder are "
                "the classes; give target='labels.csv' or the like."
            )


def _folders(root: Path) -> list[str]:
    found = (path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted((as_key(path.relative_to(root)) for path in found), key=natural)


def _class_folders(root: Path, files: dict[str, Path]) -> tuple[Targets, list[Problem]]:
    names = {name.lower() for name in _folders(root)}
    if names and names <= _PARTS:
        raise ValueError(
            f"The folders in {root} are parts of a division ({', '.join(sorted(names))}), not "
            "classes; give one of them as the folder, or put all pictures of a class into one "
            "folder: the library divides them itself."
        )
    problems = [Problem(name, "in no class folder") for name in files if "/" not in name]
    labels = {name: name.split("/")[0] for name in files if "/" in name}
    return Targets("classification", labels), problems


def _usable(
    files: dict[str, Path], targets: Targets
) -> tuple[dict[str, CheckedFile], list[Problem]]:
    """Keep what decodes, and of equal pictures the first if all have one label."""
    names = [name for name in files if name in targets.labels]
    problems: list[Problem] = []
    checked: dict[str, CheckedFile] = {}
    for name, found in zip(names, check_files(files[name] for name in names), strict=True):
        if isinstance(found, Unusable):
            problems.append(Problem(name, str(found)))
        else:
            checked[name] = found
    names = list(checked)
    images = FileImages(list(checked.values()))
    kept, repeated = distinct(images, [targets.labels[name] for name in names], names)
    return {names[index]: checked[names[index]] for index in kept}, problems + repeated
