"""``tl-teach doctor``, ``completion`` and ``new-chapter``."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from tl_teach import cli
from tl_teach.cli import doctor

from .book.contract import RULES, Chapter

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TL_TEACH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_doctor_says_what_is_here_and_how_to_get_the_rest(capsys, monkeypatch):
    monkeypatch.setitem(doctor.OPTIONAL, "no-such-package", ("tuning", "this test"))
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "pictures/s forwards" in out
    assert 'this test; pip install "tl-teach[tuning]"' in out
    assert "tl-teach assets fetch elpv-dataset" in out
    assert out.endswith("Everything that is needed is here.\n")


def test_doctor_answers_a_program_and_leaves_nothing_behind(capsys, cache):
    assert cli.main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["machine"]["python"] == sys.version.split()[0]
    assert found["speed"]["forwards"] > found["speed"]["training"] > 0
    assert found["cache"]["folder"] == str(cache)
    assert not cache.exists()


def test_doctor_fails_where_the_cache_cannot_be_written(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_cannot_write", lambda folder: "Read-only file system")
    assert cli.main(["doctor"]) == 1
    assert "set TL_TEACH_CACHE" in capsys.readouterr().err


def test_doctor_fails_where_a_needed_package_is_missing(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "REQUIRED", (*doctor.REQUIRED, "no-such-package"))
    assert cli.main(["doctor"]) == 1
    assert "run: pip install no-such-package." in capsys.readouterr().err


def test_every_extra_that_doctor_names_exists():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {extra for extra, _ in doctor.OPTIONAL.values()}
    assert named <= set(project["optional-dependencies"])


def test_doctor_looks_for_all_that_the_library_needs():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [line.split(">=")[0] for line in project["dependencies"]] == list(doctor.REQUIRED)


def test_what_the_library_imports_is_stated_as_a_dependency():
    names = {"sklearn": "scikit-learn", "PIL": "pillow"}
    optional = {"IPython", "distributed", "pyseccomp", "requests", "tl_teach", *doctor.OPTIONAL}
    found = {
        name.split(".")[0]
        for path in (ROOT / "tl_teach").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    needed = {names.get(name, name) for name in found - sys.stdlib_module_names - optional}
    assert needed == set(doctor.REQUIRED)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_a_command_by_the_printed_script(capsys, tmp_path):
    assert cli.main(["completion", "bash"]) == 0
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out, encoding="utf-8")
    line = f"""
        source {script}
        COMP_WORDS=(tl-teach do) COMP_CWORD=1
        "$(complete -p tl-teach | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
        echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["doctor"]


def test_without_shtab_completion_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert cli.main(["completion", "bash"]) == 1
    assert 'pip install "tl-teach[completion]"' in capsys.readouterr().err


@pytest.fixture
def book(tmp_path, monkeypatch):
    (tmp_path / "_toc.yml").write_text("format: jb-book\n", encoding="utf-8")
    (tmp_path / "_config.yml").write_bytes((ROOT / "_config.yml").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_chapter_keeps_every_rule_but_having_been_run(capsys, book):
    assert cli.main(["new-chapter", "types/few-labels", "Few labels"]) == 0
    assert "_toc.yml" in capsys.readouterr().out
    path = "book/types/few-labels.ipynb"
    notebook = nbformat.read(book / path, as_version=4)
    nbformat.validate(notebook)
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.execution_count = number
    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    chapter = Chapter(path, notebook, repository["url"], {path: {"seconds": 1, "megabytes": 1}})
    complaints = [text for rule in RULES for text in rule(chapter) if "make notebooks" not in text]
    assert complaints == []


def test_a_new_chapter_runs_as_it_is(book):
    cli.main(["new-chapter", "types/few-labels", "Few labels"])
    notebook = nbformat.read(book / "book/types/few-labels.ipynb", as_version=4)
    names: dict[str, object] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", []):
            exec(cell.source, names)
        elif cell.cell_type == "code":
            exec(cell.source.split("\n\n", 1)[0], names)
            exec(cell.source.split("tl-teach", 1)[1].split("\n\n", 1)[1], names)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("elsewhere/a", "is no place for a chapter"),
        ("types/../../a", "is no place for a chapter"),
        ("types/", "is no place for a chapter"),
    ],
)
def test_a_wrong_place_is_one_sentence(capsys, book, place, sentence):
    assert cli.main(["new-chapter", place, "A title"]) == 1
    assert sentence in capsys.readouterr().err
    assert not list(book.rglob("*.ipynb"))


def test_a_chapter_that_is_there_is_not_overwritten(capsys, book):
    cli.main(["new-chapter", "types/a", "A"])
    assert cli.main(["new-chapter", "types/a", "B"]) == 1
    assert "is there already" in capsys.readouterr().err


def test_outside_the_book_nothing_is_written(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new-chapter", "types/a", "A"]) == 1
    assert "no _toc.yml here" in capsys.readouterr().err
