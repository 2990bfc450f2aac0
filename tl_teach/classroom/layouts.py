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
import threading
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from .notebook import LARGEST

# Only what stands first is the platform's own: the rest of a name is what a student chose.
_CANVAS = re.compile(r"(?P<name>[^_]+)_(LATE_)?(?P<id>\d+)_\d+_(?P<rest>.+)", re.DOTALL)
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<rest>.*)", re.DOTALL)
_WANTED = (".ipynb", ".zip")
_MOST_FILES = 20_000
_MOST_TRIES = 10  # files of one student that are opened to find one that can be read
_LONGEST_NAME = 200  # characters that are kept of a file's name
_LARGEST_ZIP = 4 * LARGEST
_ENTRY = b"PK\x01\x02"  # what begins each entry in a zip file's directory
# Follow no link, wait for no pipe, change no byte: as far as the system has a word for it.
_PLAINLY = os.O_RDONLY
for _word in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
    _PLAINLY |= getattr(os, _word, 0)
_READING = threading.RLock()  # an open zip file is not made for several threads
_PASSED_OVER = "a link, a damaged or a very large file, or one of too many, was passed over"
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
    ValueError
        If it is of another kind, or there are too many files.
    """
    source = Path(source)
    if not source.exists():
        raise FileNotFoundError(f"There are no submissions at {str(source)!r}.")
    files, count = [], 0
    for place, load in _in_folder(source) if source.is_dir() else _in_zip(source):
        files.append((place, load))
        count += _is_wanted(place)
        if count > _MOST_FILES:
            raise ValueError(
                f"There are more than {_MOST_FILES:,} notebooks and zip files in {source}; "
                "give the folder or the zip file of one assignment."
            )
    around = "" if source.is_dir() else _around([place for place, _ in files])
    found: dict[tuple[str, str], list[tuple[str, Load]]] = {}
    for place, load in files:
        student, number, inside = _owner(place.removeprefix(around))
        if not (_is_wanted(place) or number or "/" in place):
            continue  # a file beside the submissions
        found.setdefault((student, number), []).append((inside, load))
    if not found:
        raise ValueError(
            f"There are no submissions in {str(source)!r}; expected a notebook or a folder for "
            "each student."
        )
    chosen = [_choose(*owner, offers, wanted) for owner, offers in sorted(found.items())]
    _note_look_alikes(chosen)
    return chosen


def _in_folder(source: Path) -> Iterator[tuple[str, Load]]:
    for folder, folders, names in os.walk(source):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(name for name in names if not _is_hidden(name)) + links:
            path = Path(folder) / name
            yield path.relative_to(source).as_posix(), partial(_read, path)


def _in_zip(source: Path) -> Iterator[tuple[str, Load]]:
    try:
        archive = zipfile.ZipFile(source)
    except Exception:  # zipfile and zlib raise many kinds for a file that is not what it says
        raise ValueError(
            f"{str(source)!r} is no zip file that can be read; expected a folder or a zip file."
        ) from None
    for place, entry in _entries(archive):
        yield place, partial(_member, lambda: archive, entry)


def _around(places: list[str]) -> str:
    """Give the folder around all submissions in a zip file, if there is one."""
    wanted = [place for place in places if _is_wanted(place)]
    first = {place.partition("/")[0] for place in wanted}
    if len(first) != 1 or not all(place.count("/") > 1 for place in wanted):
        return ""
    return "" if _owner(wanted[0])[1] else f"{first.pop()}/"


def _read(path: Path) -> bytes | None:
    """Read a plain file of a sane size, and nothing that a link leads to."""
    try:
        fd = os.open(path, _PLAINLY)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            data = file.read(_LARGEST_ZIP + 1)
    except OSError:
        return None
    return data if len(data) <= _LARGEST_ZIP else None


def _opened(load: Load) -> zipfile.ZipFile:
    """Open a student's zip file, of which nothing is believed."""
    data = load() or b""
    if data.count(_ENTRY) > _MOST_FILES:
        raise ValueError("too many entries to be read at all")
    return zipfile.ZipFile(io.BytesIO(data))


def _entries(archive: zipfile.ZipFile) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    for entry in archive.infolist():
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        parts = [part for part in path.parts if part not in ("/", "..", ".")]
        if parts and not entry.is_dir() and not any(_is_hidden(part) for part in parts):
            yield "/".join(parts), entry


def _member(opened: Callable[[], zipfile.ZipFile], entry: zipfile.ZipInfo) -> bytes | None:
    """Read a file in a zip file, of which no more is unpacked than its directory says."""
    if stat.S_ISLNK(entry.external_attr >> 16) or entry.file_size > _LARGEST_ZIP:
        return None
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return None  # zipfile unpacks other kinds whole, whatever they grow to
    try:
        with _READING, opened().open(entry) as file:
            return file.read(entry.file_size + 1)
    except Exception:  # as many kinds as above
        return None


def _is_wanted(place: str) -> bool:
    return place.lower().endswith(_WANTED)


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _owner(place: str) -> tuple[str, str, str]:
    """Whose file it is: name, number, and the file's own name."""
    first, _, rest = place.partition("/")
    canvas = None if rest else _CANVAS.fullmatch(first)
    if match := canvas or _MOODLE.fullmatch(first):
        return match["name"], match["id"], rest or match["rest"] or first
    return (first if rest else PurePosixPath(first).stem), "", rest or first


def _choose(student: str, number: str, offers: list[tuple[str, Load]], wanted: str) -> Submission:
    """Take one of a student's notebooks, and read no more than it takes to know that it is one."""
    submission = Submission(student, number)
    notebooks = [offer for offer in offers if offer[0].lower().endswith(".ipynb")]
    zips = [offer for offer in offers if offer[0].lower().endswith(".zip")]
    passed_over = len(zips) > _MOST_TRIES
    for place, load in zips[-_MOST_TRIES:]:
        try:
            inside = list(_entries(_opened(load)))
        except Exception:  # as many kinds as above
            passed_over = True
            continue
        opened = partial(_opened, load)
        notebooks += [
            (f"{place}:{name}", partial(_member, opened, entry))
            for name, entry in inside
            if name.lower().endswith(".ipynb")
        ]
    # The last first, but before all others those that are named as wanted.
    notebooks.sort(key=lambda offer: PurePosixPath(offer[0].split(":")[-1]).name == wanted)
    for place, load in notebooks[: -_MOST_TRIES - 1 : -1]:
        if load() is not None:
            submission.file, submission.load = place[-_LONGEST_NAME:], load
            break
        passed_over = True
    if passed_over:
        submission.notes.append(_PASSED_OVER)
    if not submission.file:
        submission.notes.append("no notebook was found")
    elif len(notebooks) > 1:
        many = f"{len(notebooks)} notebooks were handed in; {submission.file} was graded"
        submission.notes.append(many)
    return submission


def _note_look_alikes(submissions: list[Submission]) -> None:
    """Two names that look the same may be one student twice, or one who poses as another."""
    seen: dict[str, Submission] = {}
    numbers: dict[str, Submission] = {}
    for submission in submissions:
        letters = {unicodedata.name(c, "?").split()[0] for c in submission.student if c.isalpha()}
        if len(letters & {"LATIN", "CYRILLIC", "GREEK"}) > 1:
            submission.notes.append("this name mixes alphabets")
        plain = unicodedata.normalize("NFKC", submission.student).casefold().strip()
        other = seen.setdefault(plain, submission)
        if other is not submission:
            submission.notes.append(f"this name looks like {other.student!r}")
        other = numbers.setdefault(submission.number or submission.key, submission)
        if other is not submission:
            for one, another in ((submission, other), (other, submission)):
                one.notes.append(f"{another.student!r} has the same number")
