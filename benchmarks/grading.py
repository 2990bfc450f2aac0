"""Grading a class: the same notebooks by our grader, by nbval, by nbgrader and by otter.

Every side gets the same submissions of one of the book's assignments, half of them right and half
with one mistake, and has to come out with the same marks. Two assignments: one of plain arrays,
which starts at once everywhere, and one that imports PyTorch, as nine of the ten do.
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
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tl_teach.classroom.master import Master, read_master

from .harness import ROOT, Plan, Runs, Side, from_json, pairwise, spread, take_turns
from .report import Target, quantity, ratios, table, times

TITLE = "Grading a class"

CORES = 2
SUBMISSIONS = {"language": 80, "1-pretraining": 40}  # the slowest takes ten seconds for each
WORDS = {"language": "of plain arrays", "1-pretraining": "that imports PyTorch"}
MISTAKES = {
    "language": ("divide", "def divide(reviews, share, seed):\n    return reviews % 3 == seed"),
    "1-pretraining": ("source", "source = 'b'"),
}
ALONE = "the cells alone"
OURS, NBVAL, NBGRADER, OTTER = "tl-teach", "pytest --nbval", "nbgrader autograde", "otter run"


def measure(plan: Plan) -> dict[str, Any]:
    sides = []
    for name, count in SUBMISSIONS.items():
        options = {"assignment": name, "count": 4 if plan.quick else count}
        for who, function, needs in (
            (OURS, "ours", ()),
            (ALONE, "alone", ()),
            (NBVAL, "nbval", ("nbval", "xdist")),
            (NBGRADER, "nbgrader", ("nbgrader",)),
            (OTTER, "otter", ("otter",)),
        ):
            most = 1000 if who in (OURS, ALONE) else 1
            sides.append(
                Side(f"{name}: {who}", f"benchmarks.grading:{function}", options, needs, most)
            )
    counts = {name: 4 if plan.quick else count for name, count in SUBMISSIONS.items()}
    return take_turns(sides, plan) | {"counts": counts}


def report(data: dict[str, Any]) -> str:
    everything, parts = from_json(data["runs"]), []
    parts.append(
        f"Half of the submissions are right, {CORES} cores, all from starting the program to the "
        "written marks. Ours runs each submission in a jail of its own and the checks in another, "
        "where they find what frozen stages gave to the master; the others run them together and "
        "unprotected. nbval cannot give marks: it says which notebooks pass. *The cells alone* "
        "have been run by a plain loop in processes that had imported everything. What a grader "
        "takes beyond it is its *overhead*."
    )
    for name, count in data["counts"].items():
        runs = {
            side.partition(": ")[2]: done
            for side, done in everything.items()
            if side.startswith(f"{name}: ")
        }
        parts += _about(name, count, runs)
    return "\n\n".join(parts)


def _about(name: str, count: int, runs: Runs) -> list[str]:
    own = spread(quantity(runs, ALONE, "seconds"))[0]
    rows = [[ALONE, times(quantity(runs, ALONE, "seconds")), f"{1000 * own / count:,.0f}"]]
    rows[0] += ["-", "-", marks(runs[ALONE])]
    promises = []
    for side in (OURS, NBVAL, NBGRADER, OTTER):
        if side not in runs:
            continue
        seconds = quantity(runs, side, "process")
        over = statistics.median(seconds) - own
        compared = pairwise(runs, side, OURS, "process")
        rows.append([side, times(seconds), f"{1000 * statistics.median(seconds) / count:,.0f}"])
        rows[-1] += [f"{over:.1f}", ratios(compared), marks(runs[side])]
        if side in (NBGRADER, OTTER):
            promises.append(Target(f"Against {side}", 5).judge(compared))
        if side == NBVAL:
            ours = statistics.median(quantity(runs, OURS, "process")) - own
            words = f"Overhead, against {side}"
            promises.append(
                Target(words, 20).judge([over / ours])
                if ours > 0
                else f"- {words}: none, since checks that find frozen stages computed save more "
                "than the jails take: **met**."
            )
    heading = ["grader", "seconds", "ms a submission", "overhead, s", "times ours", "right : wrong"]
    words = f"**{count} submissions of an assignment {WORDS[name]}** ({name}):"
    return [words, table(heading, rows), "\n".join(promises)]


def marks(runs: list[Any]) -> str:
    return " : ".join(str(runs[0].result[key]) for key in ("right", "wrong"))


def master_of(assignment: str) -> Path:
    return ROOT / "book" / "assignments" / assignment / "master.ipynb"


def hand_in(folder: Path, assignment: str, count: int, place: str) -> list[Path]:
    """Write submissions; `place` says where, with the student's name in it."""
    document = json.loads(master_of(assignment).read_text(encoding="utf-8"))
    paths = []
    for number in range(count):
        if number == count // 2:
            name, source = MISTAKES[assignment]
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


def alone(assignment: str, count: int) -> dict[str, Any]:
    """Run the submissions' cells, and the checks among them, in processes that are warm."""
    os.environ["OMP_NUM_THREADS"] = "1"  # as for the others: one process a core
    with tempfile.TemporaryDirectory() as name:
        paths = hand_in(Path(name), assignment, count, "{student}.ipynb")
        with ProcessPoolExecutor(CORES) as pool:
            list(pool.map(_run_cells, paths[:CORES], chunksize=1))  # imports, and first times
            started = time.perf_counter()
            right = sum(pool.map(_run_cells, paths))
            seconds = time.perf_counter() - started
    return {"seconds": seconds, "right": right, "wrong": count - right}


def _run_cells(path: Path) -> bool:
    """Say whether no cell fails; the last one, which checks all once more, is left out."""
    import torch

    from tl_teach.learning.store import STORE

    torch.set_num_threads(1)
    STORE._shelves.clear()  # what is on disk stays: each notebook computes for itself
    cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
    names: dict[str, Any] = {"__name__": "__main__"}
    right = True
    for cell in cells[:-1]:
        lines = "".join(cell["source"]).splitlines()
        magic = "    %pip"  # for Colab
        source = "\n".join("    pass" if line.startswith(magic) else line for line in lines)
        try:
            exec(source, names)
        except Exception:
            right = False
    return right


def ours(assignment: str, count: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hand_in(folder / "in", assignment, count, "{student}.ipynb")
        words = ["assignment", "grade", folder / "in", "--master", master_of(assignment)]
        words += ["--out", folder / "grades.csv", "--workers", str(CORES)]
        command(folder, "tl_teach", *words)
        with (folder / "grades.csv").open() as file:
            points = [float(row["points"]) for row in csv.DictReader(file)]
    return counted(points, read_master(master_of(assignment)))


def nbval(assignment: str, count: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hand_in(folder, assignment, count, "{student}.ipynb")
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


def nbgrader(assignment: str, count: int) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source" / assignment / f"{assignment}.ipynb"
        source.parent.mkdir(parents=True)
        shutil.copy(master_of(assignment), source)
        place = f"{{student}}/{assignment}/{assignment}.ipynb"
        hand_in(folder / "submitted", assignment, count, place)
        command(folder, "nbgrader", "generate_assignment", assignment, "--create")
        command(folder, "nbgrader", "autograde", assignment)
        command(folder, "nbgrader", "export")
        with (folder / "grades.csv").open() as file:
            points = [float(row["score"]) for row in csv.DictReader(file)]
    return counted(points, read_master(master_of(assignment)))


def otter(assignment: str, count: int) -> dict[str, int]:
    """One process for each notebook, as many at a time as there are cores."""
    master = read_master(master_of(assignment))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = hand_in(folder / "in", assignment, count, "{student}.ipynb")
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
