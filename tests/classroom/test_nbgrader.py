"""The masters open in nbgrader as they are: it generates, and it grades with the same result."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tl_teach.classroom.master import read_master

from .small import ANSWERS, HERE, MASTER, write

pytest.importorskip("nbgrader", reason="nbgrader is not installed")
pytestmark = pytest.mark.timeout(120)


def nbgrader(course, *arguments):
    # On a busy machine a cell takes more than nbgrader's 30 s, and its outputs more than 4 s.
    patience = ["--Execute.timeout=300", "--Execute.iopub_timeout=60"]
    command = [sys.executable, "-m", "nbgrader", *arguments, *patience]
    done = subprocess.run(
        command, cwd=course, env=HERE, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


MASTERS = sorted((Path(__file__).parents[2] / "book" / "assignments").glob("*/master.ipynb"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", MASTERS, ids=lambda path: path.parent.name)
def test_nbgrader_generates_it_and_gives_the_master_all_points(path, tmp_path):
    name = path.parent.name
    for folder in (tmp_path / "source" / name, tmp_path / "submitted" / "ada" / name):
        folder.mkdir(parents=True)
        shutil.copy(path, folder / f"{name}.ipynb")
    nbgrader(tmp_path, "generate_assignment", name, "--create")
    released = (tmp_path / "release" / name / f"{name}.ipynb").read_text("utf-8")
    assert "BEGIN" not in released and released.count("YOUR CODE HERE") > 3
    nbgrader(tmp_path, "autograde", name)
    nbgrader(tmp_path, "export")
    with (tmp_path / "grades.csv").open() as file:
        scores = [float(row["score"]) for row in csv.DictReader(file)]
    assert scores == [sum(read_master(path).questions.values())]


def test_nbgrader_generates_and_autogrades_a_master(tmp_path):
    course = tmp_path
    write(course / "source" / "small" / "small.ipynb", MASTER)
    (course / "nbgrader_config.py").write_text("")
    nbgrader(course, "generate_assignment", "small", "--create")
    released = course / "release" / "small" / "small.ipynb"
    text = released.read_text("utf-8")
    assert "HIDDEN" not in text and ANSWERS["total"] not in text
    for student, total in (("ada", ANSWERS["total"]), ("bob", "total = 26")):
        folder = course / "submitted" / student / "small"
        folder.mkdir(parents=True)
        shutil.copy(released, folder)
        copy = folder / "small.ipynb"
        stub = '"# YOUR CODE HERE\\n",\n    "raise NotImplementedError()"'
        filled = copy.read_text("utf-8")
        assert filled.count(stub) == 3
        for answer in (ANSWERS["mean"], total, ANSWERS["order"]):
            lines = ",\n".join(f'"{line}\\n"' for line in answer.splitlines())
            filled = filled.replace(stub, lines, 1)
        copy.write_text(filled, "utf-8")
    nbgrader(course, "autograde", "small")
    nbgrader(course, "export")
    with (course / "grades.csv").open() as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {"ada": 7.0, "bob": 5.0}
