"""The files in a folder, in the order in which people count."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePath, PurePosixPath

from ..report import Problem

_OF_WINDOWS = ("thumbs.db", "desktop.ini")


def natural(name: str) -> tuple[list[str | int], str]:
    """Sort key that puts 2 before 10.

    Parameters
    ----------
    name : str
        The name of a file, a folder or a class.

    Returns
    -------
    tuple
        Its words, capitals or not, and its numbers; then the name itself.

    Examples
    --------
    >>> sorted(["10", "b2", "2", "b10", "B1"], key=natural)
    ['2', '10', 'B1', 'b2', 'b10']
    """
    parts = re.split(r"(\d+)", name)  # words and numbers in turn, so that like meets like
    return [int(part) if part.isdecimal() else part.casefold() for part in parts], name


def as_key(name: str | PurePath) -> str:
    r"""Give the name by which a file is known, whichever system wrote it.

    Parameters
    ----------
    name : str or pathlib.PurePath
        Path of the file in the folder.

    Returns
    -------
    str
        The same path with slashes and composed letters.

    Examples
    --------
    >>> as_key("cat\\1.jpg"), as_key("./cat/1.jpg")
    ('cat/1.jpg', 'cat/1.jpg')
    """
    if isinstance(name, str):
        name = PurePosixPath(name.strip().replace("\\", "/"))
    return unicodedata.normalize("NFC", name.as_posix())


def list_files(root: Path) -> tuple[dict[str, Path], list[Problem]]:
    """Find all files in a folder and in the folders inside it.

    Those that systems put there (``.DS_Store``, ``Thumbs.db``) do not count. Links that lead out of
    the folder and links to folders are not followed.

    Parameters
    ----------
    root : pathlib.Path
        A folder, as `pathlib.Path.resolve` gives it.

    Returns
    -------
    files : dict
        Where each file is, by its key, in natural order.
    problems : list of Problem
        What is not listed.
    """
    files: dict[str, Path] = {}
    problems: list[Problem] = []

    def look_into(folder: Path) -> None:
        for entry in sorted(folder.iterdir(), key=lambda path: natural(path.name)):
            if entry.name.startswith(".") or entry.name.lower() in _OF_WINDOWS:
                continue
            key = as_key(entry.relative_to(root))
            try:
                where = entry.resolve()
                if not where.is_relative_to(root):
                    problems.append(Problem(key, "link out of the folder", f"to {where}"))
                elif entry.is_dir() and where != entry:
                    problems.append(Problem(key, "link to a folder", f"to {where}"))
                elif entry.is_dir():
                    look_into(entry)
                elif key in files:  # its letters are composed in another way
                    problems.append(Problem(key, "same name as another file"))
                elif entry.is_file():
                    files[key] = entry
                else:  # a link to nothing; a pipe, which would never end
                    problems.append(Problem(key, "not a file"))
            except (OSError, RuntimeError) as error:  # no permission; a link to itself
                problems.append(Problem(key, "unreadable", str(error)))

    look_into(root)
    return files, problems
