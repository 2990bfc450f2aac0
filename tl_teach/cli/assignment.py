"""``tl-teach assignment``: release, check, grade, report."""

from __future__ import annotations

import argparse
import functools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[argparse.Namespace], int]


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    assignment = commands.add_parser("assignment", help="release, check and grade assignments")
    actions = assignment.add_subparsers(title="actions", required=True, metavar="ACTION")

    release = actions.add_parser("release", help="write the students' version of a master")
    release.add_argument("master", type=Path, metavar="MASTER")
    release.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR")
    release.set_defaults(run=_release)

    check = actions.add_parser("check", help="check your own answers")
    check.add_argument("notebook", type=Path, metavar="FILE")
    check.set_defaults(run=_check)

    grade = actions.add_parser("grade", help="grade submissions, each in a jail of its own")
    grade.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="a folder or a zip")
    grade.add_argument("--master", type=Path, required=True)
    grade.add_argument("--out", type=Path, default=Path("grades.csv"), help="default: grades.csv")
    grade.add_argument("--feedback", type=Path, metavar="DIR", help="write a page for each student")
    grade.add_argument("--regrade", metavar="QUESTION", help="after a change to this question")
    grade.add_argument("--similar", action="store_true", help="list suspiciously alike pairs")
    workers = {"type": _number(1, 1000, int), "default": os.cpu_count() or 1}
    grade.add_argument("--workers", **workers, metavar="N")
    grade.add_argument("--scheduler", metavar="ADDRESS", help="grade on a Dask cluster")
    seconds = {"type": _number(1, 1e6), "default": 120.0}
    grade.add_argument("--seconds", **seconds, help="computing time; default: 120")
    memory = {"type": _number(64, 1e6), "default": 2048.0}
    grade.add_argument("--memory", **memory, metavar="MB", help="default: 2048")
    grade.add_argument(
        "--no-isolation", action="store_true", help="run students' code as yourself: trust it all"
    )
    grade.set_defaults(run=_grade)

    report = actions.add_parser("report", help="make a page about a graded class")
    report.add_argument("grades", type=Path, metavar="GRADES", help="the table that grade wrote")
    report.add_argument("--master", type=Path, required=True)
    report.add_argument("-o", "--output", type=Path, default=Path("report.html"), metavar="FILE")
    report.set_defaults(run=_report)


def _in_words(run: Run) -> Run:
    """Say in a sentence which file or folder cannot be used."""

    @functools.wraps(run)
    def told(arguments: argparse.Namespace) -> int:
        try:
            return run(arguments)
        except OSError as error:
            if error.filename is None or error.strerror is None:
                raise
            name = os.fsdecode(error.filename2 or error.filename)
            raise ValueError(
                f"{name!r} cannot be used here: {error.strerror.lower()}; give another."
            ) from None

    return told


@_in_words
def _release(arguments: argparse.Namespace) -> int:
    from ..classroom.release import release

    print(f"Released to {release(arguments.master, arguments.output)}")
    return 0


@_in_words
def _check(arguments: argparse.Namespace) -> int:
    from ..classroom.check import check_file

    return 0 if check_file(arguments.notebook) else 1


@_in_words
def _grade(arguments: argparse.Namespace) -> int:
    from ..classroom.feedback import write_feedback
    from ..classroom.grade import Settings, grade
    from ..classroom.journal import Journal, harmless
    from ..classroom.limits import Limits, NoIsolation
    from ..classroom.master import read_master
    from ..classroom.slot import Lost

    limits = Limits(
        seconds=arguments.seconds,
        cell_seconds=arguments.seconds / 2,
        wall=arguments.seconds * 5,
        memory=int(arguments.memory * 2**20),
    )
    settings = Settings(
        limits=limits,
        workers=arguments.workers,
        isolated=not arguments.no_isolation,
        regrade=arguments.regrade,
        scheduler=arguments.scheduler,
    )
    if arguments.feedback is not None:  # whatever is wrong with it is said before the work
        arguments.feedback.mkdir(parents=True, exist_ok=True)
    try:
        submissions = grade(arguments.submissions, arguments.master, arguments.out, settings)
    except (NoIsolation, Lost) as error:
        raise ValueError(str(error)) from None
    master = read_master(arguments.master)
    if arguments.feedback is not None:
        write_feedback(Journal(arguments.out), submissions, master, arguments.feedback)
    if arguments.similar:
        from ..classroom.similar import similar_pairs

        notebooks = {
            harmless(f"{each.student} {each.number}".strip()): each.read() for each in submissions
        }
        for share, one, other in similar_pairs(master, notebooks):
            print(f"{share:.0%} alike: {one} and {other}")
    print(f"{len(submissions)} submissions: {arguments.out}")
    return 0


@_in_words
def _report(arguments: argparse.Namespace) -> int:
    from ..classroom.report import report

    print(f"Written to {report(arguments.grades, arguments.master, arguments.output)}")
    return 0


def _number(least: float, most: float, kind: type = float) -> Callable[[str], Any]:
    """Give what reads a number from the command line, or says which would work."""

    def read(text: str) -> Any:
        try:
            number = kind(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:  # no number is neither
            what = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(
                f"{text!r} does not work: expected {what} from {least:,.0f} to {most:,.0f}"
            )
        return number

    return read
