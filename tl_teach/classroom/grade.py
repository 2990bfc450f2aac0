"""Grading a class: every submission in its jail, every result in the journal, one table."""

from __future__ import annotations

import base64
import contextlib
import platform
import queue
import threading
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..version import __version__
from ..wording import unknown
from .journal import Journal, digest_of, entry_of
from .layouts import Submission, find_submissions
from .limits import Limits, NoIsolation, require_linux
from .marking import (
    Desks,
    Rehearsal,
    Result,
    mark_submission,
    rehearse,
    require_passing,
    unmarked,
)
from .master import Master, read_master
from .run import LONGEST
from .slot import Lost, WarmParent

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
            with closing(_mark_all(waiting, master, journal, settings)) as done:
                for _ in tqdm(done, total=len(waiting), desc="grading", unit=" submissions"):
                    if time.monotonic() - journal.written > 1:
                        journal.write_grades(submissions, master)
        journal.write_grades(submissions, master)
    return submissions


def _mark_all(
    waiting: list[Submission], master: Master, journal: Journal, settings: Settings
) -> Generator[int, None, None]:
    """Mark submissions somewhere, and keep each result as it comes."""
    run = _here
    if settings.scheduler is not None:
        from .dask import elsewhere as run
    with WarmParent(master, settings.isolated) as warm:
        rehearsal = _rehearsal(warm, journal, settings)
        with closing(run(settings, warm, rehearsal, waiting)) as done:
            for number, result in done:
                _keep(waiting[number], master, result, journal, settings.regrade)
                yield number


def _rehearsal(warm: WarmParent, journal: Journal, settings: Settings) -> Rehearsal:
    """Let a master tell what is needed, and see that it passes itself, once for each version."""
    master, limits, made_with = warm.master, settings.limits, _versions()
    known = _known(journal, {"digest": master.digest, "made_with": made_with})
    if known is not None:
        warm.learn(known.modules)
        return known
    for _ in range(2):
        with warm.slot() as slot:
            rehearsal = rehearse(slot, master, limits)
        warm.learn(rehearsal.modules)
        if "torch" not in rehearsal.modules:
            break  # else again, since now torch's chance is settled, as it will be for submissions
    # Without what was kept: a submission's own network may have other frozen stages.
    with Bench(settings, warm, replace(rehearsal, kept=b"")) as bench:
        require_passing(bench.desks, master, rehearsal, limits)
    entry = asdict(rehearsal) | {"kept": base64.b64encode(rehearsal.kept).decode()}
    journal.write("master", entry | {"digest": master.digest, "made_with": made_with})
    return rehearsal


def _known(journal: Journal, wanted: dict[str, str]) -> Rehearsal | None:
    """Read what an earlier run found out about this very master, with these very versions."""
    entry = journal.read("master")
    if entry is None or any(entry[key] != value for key, value in wanted.items()):
        return None
    try:
        probes = [(check, name, asked) for check, name, asked in entry["probes"]]
        kept = base64.b64decode(entry["kept"], validate=True)
    except (ValueError, TypeError):  # damaged: it is found out again
        return None
    return Rehearsal(probes, entry["modules"], kept)


def _versions() -> str:
    """Name whatever changes the numbers of a run: they are not kept beyond it."""
    packages = ("torch", "torchvision", "numpy", "scikit-learn")
    numbers = [f"{name} {version(name)}" for name in packages]
    return ", ".join([f"tl_teach {__version__}", *numbers, platform.node()])


def _here(
    settings: Settings, warm: WarmParent, rehearsal: Rehearsal, waiting: list[Submission]
) -> Done:
    """Mark on this machine: one bench for each of a few threads."""
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Result] | BaseException] = queue.SimpleQueue()
    for number in range(len(waiting)):
        todo.put(number)

    def work() -> None:
        try:
            with Bench(settings, warm, rehearsal) as bench:
                while True:
                    number = todo.get_nowait()
                    done.put((number, bench.mark(waiting[number].read())))
        except queue.Empty:
            pass
        except BaseException as error:  # raised again where it can be seen
            done.put(error)

    for _ in range(min(settings.workers, len(waiting))):
        # Daemons: a grader that is stopped does not wait for a jail; its slot ends it.
        threading.Thread(target=work, daemon=True).start()
    try:
        for _ in waiting:
            outcome = done.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
    finally:
        with contextlib.suppress(queue.Empty):  # where one thread failed the others stop
            while True:
                todo.get_nowait()


class Bench:
    """Desks that are replaced when they are lost, so that no submission can stop the evening."""

    def __init__(self, settings: Settings, warm: WarmParent, rehearsal: Rehearsal):
        self.settings, self.warm, self.rehearsal = settings, warm, rehearsal
        self._held: Desks | None = None

    def mark(self, data: bytes) -> Result:
        """Mark one notebook; one that twice takes its slot with it is left unmarked."""
        ended, master = LOST, self.warm.master
        for _ in range(2):
            try:
                return mark_submission(
                    self.desks, master, self.rehearsal.probes, data, self.settings.limits
                )
            except NoIsolation:
                raise
            except Exception as error:  # a flaw of the grader's own, if it is not Lost
                if not isinstance(error, Lost):
                    ended = f"{LOST} ({type(error).__name__}: {error})"[:LONGEST]
            self.close()
        return unmarked(master, ended=ended)

    def close(self) -> None:
        """End both slots; the next submission gets new ones."""
        for slot in self._held or ():
            slot.close()
        self._held = None

    @property
    def desks(self) -> Desks:
        """The two slots; new ones if there are none."""
        if self._held is None:
            cells = self.warm.slot()
            try:
                self._held = Desks(cells, self.warm.slot(self.rehearsal.kept))
            except BaseException:
                cells.close()
                raise
        return self._held

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


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
