"""The journal: what each submission earned, a file each, so that a killed grader loses nothing."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..files import replacing
from .answers import read_json
from .layouts import Submission
from .marking import Result, earned
from .master import Master

_MASTER = {"digest": str, "probes": list, "modules": list, "kept": str, "made_with": str}
_ENTRY = {
    "student": str,
    "number": str,
    "notes": list,
    "digest": str,
    "master": str,
    "result": {"checks": dict, "errors": dict, "broken": dict, "refused": str, "ended": str},
}


class Journal:
    """A folder beside the table of grades, with one file for each submission.

    Raises
    ------
    ValueError
        If no table can be there.
    """

    def __init__(self, grades: Path):
        if grades.is_dir() or grades.suffix == ".journal":
            raise ValueError(
                f"{str(grades)!r} is no file for grades; give the name of a table, as grades.csv."
            )
        self.grades = grades
        self.folder = grades.with_suffix(".journal")
        self.written = 0.0  # when the table was last made, by the clock that only rises

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other graders away from this journal, until the end or the death of this one."""
        import fcntl  # not on every system, but grading is not either

        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ValueError(
                    f"Another grader is writing {self.grades}; wait for it or stop it first."
                ) from None
            yield

    def read(self, key: str) -> dict[str, Any] | None:
        """Give a submission's entry, or the master's; None where there is no sound one."""
        try:
            text = (self.folder / f"{key}.json").read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
        entry = read_json(text)
        return entry if _fits(entry, _MASTER if key == "master" else _ENTRY) else None

    def write(self, key: str, entry: dict[str, Any]) -> None:
        """Keep an entry, whole or not at all."""
        replace_file(self.folder / f"{key}.json", json.dumps(entry, indent=1))

    def entries(self) -> list[dict[str, Any]]:
        """Every submission's entry, by student."""
        # What begins with a dot was being written when a grader was killed.
        names = {path.stem for path in self.folder.glob("[!.]*.json")} - {"master"}
        entries = [entry for entry in map(self.read, names) if entry is not None]
        return sorted(entries, key=lambda entry: (entry["student"], entry["number"]))

    def write_grades(self, submissions: Iterable[Submission], master: Master) -> None:
        """Make the table anew; whoever reads it finds the old one or the new one."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        questions = [f"question {name} (of {most:g})" for name, most in master.questions.items()]
        table.writerow(["student", "number", "points", "of", *questions, "seconds", "note"])
        most = f"{sum(master.questions.values()):g}"
        for submission in submissions:
            entry = self.read(submission.key)
            row = [harmless(submission.student), submission.number]
            if entry is None:
                table.writerow([*row, "", most, *("" for _ in questions), "", "not graded yet"])
                continue
            result, points = entry["result"], earned(master, entry["result"])
            notes = [*entry["notes"], result["refused"], result["ended"]]
            notes += [f"given cell changed: {name}" for name in result.get("changed", [])]
            notes += [f"the master's own fault: {text}" for text in result["broken"].values()]
            cells = [f"{points[name]:g}" for name in master.questions]
            total = f"{sum(points.values()):g}"
            note = harmless("; ".join(note for note in notes if note))
            table.writerow([*row, total, most, *cells, result.get("seconds", 0), note])
        replace_file(self.grades, text.getvalue())
        self.written = time.monotonic()


def entry_of(submission: Submission, master: Master, result: Result) -> dict[str, Any]:
    """Put together what the journal keeps of a submission."""
    return {
        "student": submission.student,
        "number": submission.number,
        "file": submission.file,
        "notes": submission.notes,
        "digest": digest_of(submission.read()),
        "master": master.digest,
        "result": result,
    }


def _fits(value: Any, shape: Any) -> bool:
    """Whether a dictionary holds what a shape names, each of its kind."""
    if not isinstance(shape, dict):
        return isinstance(value, shape)
    return isinstance(value, dict) and all(
        _fits(value.get(key), kind) for key, kind in shape.items()
    )


def digest_of(data: bytes) -> str:
    """Short text that changes with the bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def harmless(text: str) -> str:
    """Give a student's text so that a spreadsheet takes it for text, and a terminal too.

    Examples
    --------
    >>> harmless("=1+1")
    "'=1+1"
    """
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f"'{plain}" if plain.startswith(("=", "+", "-", "@")) else plain


def replace_file(path: Path, text: str) -> None:
    """Write a file, whole and on the disk, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        replacing(path) as part,
        part.open("w", encoding="utf-8", errors="replace", newline="\n") as file,
    ):
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
