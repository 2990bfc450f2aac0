"""The book's assignments: sound masters, and a message of its own for each common mistake."""

import importlib.util
import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tl_teach.classroom.master import read_master
from tl_teach.classroom.notebook import cells_of, read_notebook
from tl_teach.classroom.questions import CheckFailed
from tl_teach.classroom.release import release, strip
from tl_teach.classroom.run import execute, new_namespace, working_in

from .mistakes import MISTAKES, RIGHT
from .small import HERE

ROOT = Path(__file__).parents[2]
TEXTS = sorted((ROOT / "book" / "assignments").glob("*/master.md"))


def name_of(path):
    return path.parent.name


@pytest.fixture(scope="module")
def tool():
    pytest.importorskip("jupytext", reason="jupytext is not installed")
    spec = importlib.util.spec_from_file_location("master", ROOT / "book" / "_tools" / "master.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_the_notebook_is_what_its_text_says(text, tool):
    made = tool.master(text.read_text(encoding="utf-8"))
    kept = json.loads(text.with_suffix(".ipynb").read_text(encoding="utf-8"))
    assert [(c.id, c.source, c.metadata) for c in made.cells] == [
        (c["id"], "".join(c["source"]), c["metadata"]) for c in kept["cells"]
    ]


@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_the_last_cell_asks_every_question_again(text):
    master = read_master(text.with_suffix(".ipynb"))
    asked = ", ".join(f'"{name}"' for name in master.questions)
    assert f"check_all({asked})" in master.cells[-1].source


@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_points_are_as_the_headings_say(text):
    master = read_master(text.with_suffix(".ipynb"))
    prose = "\n".join(cell.source for cell in master.cells if cell.kind == "markdown")
    for name, points in master.questions.items():
        assert any(
            line.startswith(f"## Question {name}:") and line.endswith(f"({points:g} points)")
            for line in prose.splitlines()
        )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("text", TEXTS, ids=name_of)
def test_it_can_be_released(text, tmp_path):
    released = release(text.with_suffix(".ipynb"), tmp_path)
    student, secrets = strip(read_notebook(text.with_suffix(".ipynb").read_bytes()))
    assert secrets and len(student["cells"]) == len(read_notebook(released.read_bytes())["cells"])


@pytest.mark.timeout(400)
def test_every_master_passes_nbval(tmp_path):
    pytest.importorskip("nbval", reason="nbval is not installed")
    paths = [
        shutil.copy(text.with_suffix(".ipynb"), tmp_path / f"{name_of(text)}.ipynb")
        for text in TEXTS
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax"]
    command += ["-n", "0", "--rootdir", str(tmp_path), *map(str, paths)]
    done = subprocess.run(command, cwd=tmp_path, env=HERE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


@cache
def cells(assignment):
    path = ROOT / "book" / "assignments" / assignment / "master.ipynb"
    return {cell.id: cell for cell in cells_of(read_notebook(path.read_bytes())) if cell.id}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """The notebook after its locked cells: what every submission starts with."""

    @cache
    def run(assignment):
        notebook, folder = new_namespace(), tmp_path_factory.mktemp(assignment)
        with working_in(folder):
            for name, cell in cells(assignment).items():
                if cell.role == "given" and name != "check-all":
                    assert execute(cell.source, name, notebook) is None
        return notebook, folder

    return run


def verdict(given, assignment, check, answers):
    before, folder = given(assignment)
    notebook = new_namespace()
    notebook.update(before)
    with working_in(folder):
        for source in answers:
            assert execute(source, "answer", notebook) is None
        return execute(cells(assignment)[check].source, check, notebook)


@pytest.mark.parametrize(("assignment", "check", "says", "answers"), MISTAKES)
def test_a_common_mistake_is_told_by_its_name_and_not_by_the_answer(
    given, assignment, check, says, answers
):
    failed = verdict(given, assignment, check, answers)
    assert isinstance(failed, CheckFailed) and says in str(failed), failed
    assert str(failed).startswith("✗ Question ")


@pytest.mark.parametrize(("assignment", "check", "answers"), RIGHT)
def test_another_right_answer_passes(given, assignment, check, answers):
    assert verdict(given, assignment, check, answers) is None


def test_every_assignment_knows_some_mistakes_and_another_right_answer():
    assert {name_of(text) for text in TEXTS} == {one[0] for one in MISTAKES}
    assert {name_of(text) for text in TEXTS} == {one[0] for one in RIGHT}
