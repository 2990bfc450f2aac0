"""Grading a class: the same notebooks by our grader, by nbval, by nbgrader and by otter.

Every side gets the same submissions of the book's assignment on language, half of them right and
half with one mistake, and has to come out with the same marks.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tl_teach.classroom.master import Master, read_master

from .harness import ROOT, Side, from_json, pairwise, take_turns, to_json
from .report import Target, quantity, ratios, table, times

TITLE = "Grading a class"

ASSIGNMENT = "language"
MASTER = ROOT / "book" / "assignments" / ASSIGNMENT / "master.ipynb"
MISTAKE = ("divide", "def divide(reviews, share, seed):\n    return reviews % 3 == seed")
CORES = 2
SUBMISSIONS = 100  # the slowest takes eight seconds for each
OURS = "tl-teach"
NBVAL, NBGRADER, OTTER = "pytest --nbval", "nbgrader autograde", "otter run"


def measure(repetitions: int, quick: bool, tell: Callable[[str], None]) -> dict[str, Any]:
    count = 4 if quick else SUBMISSIONS
    options = {"count": count}
    sides = [
        Side(OURS, "benchmarks.grading:ours", options),
        Side(NBVAL, "benchmarks.grading:nbval", options, ("nbval", "xdist"), 1),
        Side(NBGRADER, "benchmarks.grading:nbgrader", options, ("nbgrader",), 1),
        Side(OTTER, "benchmarks.grading:otter", options, ("otter",), 1),
    ]
    runs, missing = take_turns(sides, repetitions, tell)
    return {"runs": to_json(runs), "missing": missing, "count": count}


def report(data: dict[str, Any]) -> str:
    runs, count = from_json(data["runs"]), data["count"]
    rows = []
    for name in runs:
        seconds = quantity(runs, name, "process")
        each = f"{1000 * statistics.median(seconds) / count:,.0f}"
        compared = ratios(pairwise(runs, name, OURS, "process"))
        rows.append([name, times(seconds), each, compared, marks(runs[name])])
    words = (
        f"{count} submissions of the assignment on language, half of them right, on {CORES} cores; "
        "all from starting the program to the written marks. Ours runs each in a jail of its own, "
        "twice; the others run them once, unprotected. nbval cannot give marks: it says which "
        "notebooks pass. What the submissions themselves compute is in every time, in ours twice: "
        "the overhead alone differs by more than the ratio says."
    )
    heading = ["grader", "seconds", "ms a submission", "times ours", "all right : not all right"]
    promises = [
        Target(f"Against {name}", least).judge(pairwise(runs, name, OURS, "process"))
        for name, least in ((NBVAL, 20), (NBGRADER, 5), (OTTER, 5))
    ]
    return "\n\n".join([words, table(heading, rows), "\n".join(promises)])


def marks(runs: list[Any]) -> str:
    return " : ".join(str(runs[0].result[key]) for key in ("right", "wrong"))


def hand_in(folder: Path, count: int, place: str) -> list[Path]:
    """Write submissions; `place` says where, with the student's name in it."""
    document = json.loads(MASTER.read_text(encoding="utf-8"))
    paths = []
    for number in range(count):
        if number == count // 2:
            name, source = MISTAKE
            next(cell for cell in document["cells"] if cell["id"] == name)["source"] = source
        path = folder / place.format(student=f"student{number:03}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")
        paths.append(path)
    return paths


def command(folder: Path, *words: str | Path, fails: bool = False) -> str:
    """Run a program in a folder."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "PATH": programs,  # nbgrader calls alembic by name
    }
    call = [sys.executable, "-m", *map(str, words)]
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode and not fails:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def counted(points: list[float], master: Master) -> dict[str, int]:
    right = sum(point == sum(master.questions.values()) for point in points)
    return {"right": right, "wrong": len(points) - right}


def ours(count: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hand_in(folder / "in", count, "{student}.ipynb")
        words = ["assignment", "grade", folder / "in", "--master", MASTER]
        words += ["--out", folder / "grades.csv", "--workers", str(CORES)]
        command(folder, "tl_teach", *words)
        with (folder / "grades.csv").open() as file:
            points = [float(row["points"]) for row in csv.DictReader(file)]
    return counted(points, read_master(MASTER))


def nbval(count: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hand_in(folder, count, "{student}.ipynb")
        words = [
            "--nbval-lax",
            "-q",
            "-n",
            str(CORES),
            "--dist",
            "loadfile",
            "-p",
            "no:cacheprovider",
        ]
        told = command(folder, "pytest", *words, f"--rootdir={folder}", folder, fails=True)
    failed = {line.split("::")[0] for line in told.splitlines() if line.startswith("FAILED")}
    return {"right": count - len(failed), "wrong": len(failed)}


def nbgrader(count: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        source.parent.mkdir(parents=True)
        shutil.copy(MASTER, source)
        hand_in(folder / "submitted", count, f"{{student}}/{ASSIGNMENT}/{ASSIGNMENT}.ipynb")
        command(folder, "nbgrader", "generate_assignment", ASSIGNMENT, "--create")
        command(folder, "nbgrader", "autograde", ASSIGNMENT)
        command(folder, "nbgrader", "export")
        with (folder / "grades.csv").open() as file:
            points = [float(row["score"]) for row in csv.DictReader(file)]
    return counted(points, read_master(MASTER))


def otter(count: int) -> dict[str, int]:
    """One process for each notebook, as many at a time as there are cores."""
    from concurrent.futures import ThreadPoolExecutor

    master = read_master(MASTER)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = hand_in(folder / "in", count, "{student}.ipynb")
        (folder / "tests").mkdir()
        for check in master.checks.values():
            (folder / "tests" / f"{check.id.replace('-', '_')}.py").write_text(
                "from otter.test_files import test_case\n\nOK_FORMAT = False\n"
                f"name, points = {check.id!r}, {check.points}\n\n\n"
                f"@test_case(points={check.points})\ndef holds(env):\n"
                f"    exec({check.source!r}, env)\n"
            )
        command(folder, "otter", "generate", "-t", "tests", "-o", "grader.zip")

        def points(path: Path) -> float:
            out = folder / "out" / path.stem
            out.mkdir(parents=True)
            words = ["run", path, "-a", folder / "grader.zip", "-o", out]
            command(out, "otter", *words)
            tests = json.loads((out / "results.json").read_text())["tests"]
            return sum(float(test.get("score", 0)) for test in tests)

        with ThreadPoolExecutor(CORES) as pool:
            return counted(list(pool.map(points, paths)), master)
