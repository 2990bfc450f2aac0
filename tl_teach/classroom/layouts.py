"""Where submissions lie: folders, zip files, and what Moodle, Canvas and nbgrader give.

Nothing is unpacked onto the disk and no link is followed. Names are only ever names: what is
written about a student goes into files whose names are made here.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from .notebook import LARGEST

_MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)")
_CANVAS = re.compile(r"(?P<name>[^_]+)_(LATE_)?(?P<id>\d+)_\d+_(?P<rest>.+)")
_WANTED = (".ipynb", ".zip")
_MOST_FILES = 20_000
_LARGEST_ZIP = 4 * LARGEST
Load = Callable[[], bytes | None]
"""Gives a file's content; None for a link, a damaged or a far too large file."""


@dataclass
class Submission:
    """What one student handed in.

    Attributes
    ----------
    student, number : str
        The name, as folder or learning platform give it, and the platform's number, if any.
    file : str
        Where the notebook was found.
    load : callable
        Gives the notebook's bytes, which are not all kept in memory.
    notes : list of str
        What a teacher should know: why there is nothing to grade, or what was passed over.
    """

    student: str
    number: str = ""
    file: str = ""
    load: Load = bytes
    notes: list[str] = field(default_factory=list)

    def read(self) -> bytes:
        """Give the notebook's bytes; none, if there is nothing to grade."""
        return self.load() or b""

    @property
    def key(self) -> str:
        """A name for files: letters and digits, and never that of another student."""
        identity = f"{self.student}\0{self.number}".encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(identity).hexdigest()[:12]
        plain = unicodedata.normalize("NFKD", self.student).encode("ascii", "ignore").decode()
        readable = "-".join(re.findall(r"[A-Za-z0-9]+", plain))
        return f"{readable[:40] or 'student'}-{digest}"


def find_submissions(source: str | Path, wanted: str = "") -> list[Submission]:
    """Find the notebooks that were handed in.

    Parameters
    ----------
    source : str or pathlib.Path
        A folder with a notebook or a folder for each student, nbgrader's ``submitted``, or the zip
        file that Moodle or Canvas gives; zip files in it are opened too.
    wanted : str
        The released notebook's name, which decides where one student handed in several.

    Returns
    -------
    list of Submission
        One for each student, by name.

    Raises
    ------
    FileNotFoundError
        If there is nothing there.
    """
    source = Path(source)
    if not source.exists():
        raise FileNotFoundError(f"There are no submissions at {str(source)!r}.")
    found: dict[tuple[str, str], list[tuple[str, Load]]] = {}
    files = list(_files(source))
    if source.is_file() and all(place.count("/") > 1 for place, _ in files):
        files = [(place.partition("/")[2], load) for place, load in files]  # one folder around all
    for place, load in files:
        student, number, inside = _owner(place)
        if not (place.lower().endswith(_WANTED) or number or "/" in place):
            continue  # a file beside the submissions
        offers = found.setdefault((student, number), [])
        if place.lower().endswith(".zip"):
            offers += [(f"{inside}:{name}", each) for name, each in _members(load)]
        else:
            offers.append((inside, load))
    chosen = [_choose(*owner, offers, wanted) for owner, offers in sorted(found.items())]
    _note_look_alikes(chosen)
    return chosen


def _files(source: Path) -> Iterator[tuple[str, Load]]:
    """Give the place of each file; only notebooks and zip files are ever read."""
    if source.is_file():
        data = source.read_bytes()
        yield from _members(lambda: data, most=_MOST_FILES)
        return
    count = 0
    for folder, folders, names in os.walk(source):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(name for name in names if not _is_hidden(name)) + links:
            path = Path(folder) / name
            count += 1
            if count > _MOST_FILES:
                raise ValueError(f"There are more than {_MOST_FILES:,} files in {source}.")
            known = path.is_symlink() or name.lower().endswith(_WANTED)
            yield path.relative_to(source).as_posix(), partial(_read, path) if known else bytes


def _read(path: Path) -> bytes | None:
    """Read a plain file of a sane size, and nothing that a link leads to."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            data = file.read(_LARGEST_ZIP + 1)
    except OSError:
        return None
    return data if len(data) <= _LARGEST_ZIP else None


def _members(load: Load, most: int = 100) -> Iterator[tuple[str, Load]]:
    """Give the notebooks and zip files in a zip file, of which nothing is believed."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(load() or b"")).infolist()[:most]
    except Exception:  # zipfile and zlib raise many kinds for a file that is not what it says
        yield "damaged.zip", lambda: None
        return
    for number, entry in enumerate(entries):
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        parts = [part for part in path.parts if part not in ("/", "..", ".")]
        if parts and not entry.is_dir() and not any(_is_hidden(part) for part in parts):
            known = path.suffix.lower() in _WANTED
            yield "/".join(parts), partial(_member, load, number) if known else bytes


def _member(load: Load, number: int) -> bytes | None:
    try:
        archive = zipfile.ZipFile(io.BytesIO(load() or b""))
        entry = archive.infolist()[number]
        with archive.open(entry) as file:
            data = file.read(_LARGEST_ZIP + 1)
    except Exception:  # see above
        return None
    link = stat.S_ISLNK(entry.external_attr >> 16)
    return data if len(data) <= _LARGEST_ZIP and not link else None


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _owner(place: str) -> tuple[str, str, str]:
    """Whose file it is: name, number, and the file's own name."""
    first, _, rest = place.partition("/")
    for pattern in (_MOODLE, _CANVAS):
        match = pattern.fullmatch(first)
        if match and (pattern is _MOODLE or not rest):
            return match["name"], match["id"], rest or match["rest"] or first
    return (first if rest else PurePosixPath(first).stem), "", rest or first


def _choose(student: str, number: str, offers: list[tuple[str, Load]], wanted: str) -> Submission:
    submission = Submission(student, number)
    readable = [(place, load) for place, load in offers if load() is not None]
    notebooks = [offer for offer in readable if offer[0].lower().endswith(".ipynb")]
    if len(readable) < len(offers):
        submission.notes.append("a link, a damaged or a very large file was passed over")
    if not notebooks:
        submission.notes.append("no notebook was found")
        return submission
    named = [offer for offer in notebooks if PurePosixPath(offer[0].split(":")[-1]).name == wanted]
    submission.file, submission.load = (named or notebooks)[-1]
    if len(notebooks) > 1:
        many = f"{len(notebooks)} notebooks were handed in; {submission.file} was graded"
        submission.notes.append(many)
    return submission


def _note_look_alikes(submissions: list[Submission]) -> None:
    """Two names that look the same may be one student twice, or one who poses as another."""
    seen: dict[str, Submission] = {}
    for submission in submissions:
        letters = {unicodedata.name(c, "?").split()[0] for c in submission.student if c.isalpha()}
        if len(letters & {"LATIN", "CYRILLIC", "GREEK"}) > 1:
            submission.notes.append("this name mixes alphabets")
        plain = unicodedata.normalize("NFKC", submission.student).casefold().strip()
        other = seen.setdefault(plain, submission)
        if other is not submission:
            submission.notes.append(f"this name looks like {other.student!r}")
