"""Grading a class: every submission in its jail, every result in the journal, one table."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..wording import unknown
from .journal import Journal, digest_of, entry_of
from .layouts import Submission, find_submissions
from .limits import Limits, NoIsolation, require_linux
from .marking import Probe, Result, mark_submission, prepare, unmarked
from .master import Master, read_master
from .run import LONGEST
from .slot import Lost, Slot

Done = Generator[tuple[int, Result], None, None]
"""Each submission's place in the list, with its result, as it is done."""

LOST = "the grader lost it"
"""Why a submission is marked again by the next run; what went wrong may follow."""


@dataclass(frozen=True)
class Settings:
    """How to grade.

    Attributes
    ----------
    limits : Limits
        What one submission may use.
    workers : int
        Submissions side by side, on this machine.
    isolated : bool
        False only if a teacher said so by name.
    regrade : str or None
        Take this question's points alone from the new run, and leave the others as they were.
    scheduler : str or None
        Address of a Dask scheduler, to grade on other machines.
    """

    limits: Limits = field(default_factory=Limits)
    workers: int = 1
    isolated: bool = True
    regrade: str | None = None
    scheduler: str | None = None


def grade(source: Path, master_path: Path, out: Path, settings: Settings) -> list[Submission]:
    """Grade all submissions, or go on where an earlier run was stopped.

    Parameters
    ----------
    source : pathlib.Path
        Where the submissions are, see `find_submissions`.
    master_path : pathlib.Path
        The master notebook: the only place that points and checks are read from.
    out : pathlib.Path
        The table, rewritten as results come; the journal stands beside it.
    settings : Settings
        How.

    Returns
    -------
    list of Submission
        Those that were found.

    Raises
    ------
    NoIsolation
        If isolation cannot be had.
    ValueError
        If the master does not pass itself, or there is no such question, or no table can be there.
    """
    require_linux()
    master = read_master(master_path)
    if settings.regrade is not None and settings.regrade not in master.questions:
        raise ValueError(unknown("question", settings.regrade, master.questions))
    journal = Journal(out)
    submissions = find_submissions(source, f"{master.name}.ipynb")
    with journal.alone():
        waiting = [each for each in submissions if not _is_done(each, journal, master)]
        if waiting:
            probes = _probes(master, journal, settings)
            for _ in tqdm(
                _mark_all(waiting, master, probes, journal, settings),
                total=len(waiting),
                desc="grading",
                unit=" submissions",
            ):
                if time.monotonic() - journal.written > 1:
                    journal.write_grades(submissions, master)
        journal.write_grades(submissions, master)
    return submissions


def _mark_all(
    waiting: list[Submission],
    master: Master,
    probes: list[Probe],
    journal: Journal,
    settings: Settings,
) -> Iterator[int]:
    """Mark submissions somewhere, and keep each result as it comes."""
    run = _here
    if settings.scheduler is not None:
        from .dask import elsewhere as run
    with closing(run(settings, master, probes, waiting)) as done:
        for number, result in done:
            _keep(waiting[number], master, result, journal, settings.regrade)
            yield number


def _here(
    settings: Settings, master: Master, probes: list[Probe], waiting: list[Submission]
) -> Done:
    """Mark on this machine: one warm parent for each of a few threads."""
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Result] | BaseException] = queue.SimpleQueue()
    for number in range(len(waiting)):
        todo.put(number)

    def work() -> None:
        try:
            with Bench(settings, master, probes) as bench:
                while True:
                    number = todo.get_nowait()
                    done.put((number, bench.mark(waiting[number].read())))
        except queue.Empty:
            pass
        except BaseException as error:  # raised again where it can be seen
            done.put(error)

    for _ in range(min(settings.workers, len(waiting))):
        # Daemons: a grader that is stopped does not wait for a jail; its warm parent ends it.
        threading.Thread(target=work, daemon=True).start()
    for _ in waiting:
        outcome = done.get()
        if isinstance(outcome, BaseException):
            raise outcome
        yield outcome


class Bench:
    """A slot that is replaced when it is lost, so that no submission can stop the evening."""

    def __init__(self, settings: Settings, master: Master, probes: list[Probe]):
        self.settings, self.master, self.probes = settings, master, probes
        self.slot = Slot(master, settings.isolated)

    def mark(self, data: bytes) -> Result:
        """Mark one notebook; one that twice takes its warm parent with it is left unmarked."""
        ended = LOST
        for _ in range(2):
            try:
                return mark_submission(
                    self.slot, self.master, self.probes, data, self.settings.limits
                )
            except NoIsolation:
                raise
            except Exception as error:  # a flaw of the grader's own, if it is not Lost
                if not isinstance(error, Lost):
                    ended = f"{LOST} ({type(error).__name__}: {error})"[:LONGEST]
            self.slot.close()
            self.slot = Slot(self.master, self.settings.isolated)
        return unmarked(self.master, ended=ended)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *error: object) -> None:
        self.slot.close()


def _probes(master: Master, journal: Journal, settings: Settings) -> list[Probe]:
    """See that the master passes itself, once for each of its versions."""
    known = journal.read("master")
    if known is None or known["digest"] != master.digest:
        with Slot(master, settings.isolated) as slot:
            known = {"digest": master.digest, "probes": prepare(slot, master, settings.limits)}
        journal.write("master", known)
    return [(check, name, asked) for check, name, asked in known["probes"]]


def _is_done(submission: Submission, journal: Journal, master: Master) -> bool:
    entry = journal.read(submission.key)
    if entry is None or _is_lost(entry["result"]):
        return False
    return (entry["digest"], entry["master"]) == (digest_of(submission.read()), master.digest)


def _is_lost(result: Result) -> bool:
    return result["ended"].startswith(LOST)


def _keep(
    submission: Submission,
    master: Master,
    result: Result,
    journal: Journal,
    regrade: str | None,
) -> None:
    entry = entry_of(submission, master, result)
    before = journal.read(submission.key)
    if regrade is not None and before is not None and _was_marked(before, entry["digest"]):
        if _is_lost(result):
            return  # what was earned before stands until the next run
        kept = {
            check: text
            for check, text in before["result"]["checks"].items()
            if check in master.checks and master.checks[check].question != regrade
        }
        entry["result"] = result | {"checks": result["checks"] | kept}
    journal.write(submission.key, entry)


def _was_marked(entry: dict[str, Any], digest: str) -> bool:
    """Whether an entry tells what this very notebook earned."""
    result = entry["result"]
    return entry["digest"] == digest and not result["refused"] and not _is_lost(result)
