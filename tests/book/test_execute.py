"""The one tool that runs notebooks keeps what readers see, and nothing that changes by itself."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from .contract import ROOT

REPOSITORY = "https://github.com/o/n"


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return book/_tools/execute.py, at home in an empty folder."""
    spec = importlib.util.spec_from_file_location("execute", ROOT / "book/_tools/execute.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "book" / "steps").mkdir(parents=True)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "STATUS", tmp_path / "book" / "_status.json")
    return module


def notebook(tool: ModuleType, *sources: str, tags: tuple[str, ...] = ()) -> Path:
    cells = [nbformat.v4.new_code_cell(source, metadata={"tags": [*tags]}) for source in sources]
    path = tool.ROOT / "book" / "steps" / "sample.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_outputs_are_kept_and_a_second_run_changes_no_byte(tool: ModuleType) -> None:
    path = notebook(tool, "import os\nprint(os.listdir())", "print('a')\nprint('b')")
    tool.execute(path, REPOSITORY)
    first = path.read_bytes()
    cells = json.loads(first)["cells"]
    assert cells[0]["outputs"][0]["text"] == ["[]\n"], "the notebook runs in an empty folder"
    assert cells[1]["outputs"][0]["text"] == ["a\n", "b\n"]
    assert [cell["execution_count"] for cell in cells] == [1, 2]
    assert set(json.loads(tool.STATUS.read_text())["book/steps/sample.ipynb"]) == {
        "seconds",
        "megabytes",
    }
    tool.execute(path, REPOSITORY)
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "a cell failed"),
        ("import warnings\nwarnings.warn('old')", "writes a warning"),
        (
            "from IPython.display import display\nimport ipywidgets as w\ndisplay(w.IntSlider())",
            "HTML",
        ),
    ],
)
def test_what_readers_should_not_see_is_refused(tool: ModuleType, source: str, reason: str) -> None:
    path = notebook(tool, source)
    before = path.read_bytes()
    with pytest.raises(tool.Refused, match=reason):
        tool.execute(path, REPOSITORY)
    assert path.read_bytes() == before
    assert not tool.STATUS.exists()


def test_an_error_that_is_meant_is_kept(tool: ModuleType) -> None:
    path = notebook(tool, "1 / 0", tags=("raises-exception",))
    tool.execute(path, REPOSITORY)
    (output,) = json.loads(path.read_text())["cells"][0]["outputs"]
    assert output["ename"] == "ZeroDivisionError"
    # Its sentence, without the folders of the machine that ran it.
    assert output["traceback"] == ["ZeroDivisionError: division by zero"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "[Open in Colab](https://colab.research.google.com/github/x/y/blob/main/z.ipynb)",
            "[Open in Colab](https://colab.research.google.com/github/o/n/blob/main/book/a.ipynb)",
        ),
        (
            "[run it on your own machine](https://github.com/x/y#readme)",
            "[run it on your own machine](https://github.com/o/n#readme)",
        ),
        (
            "%pip install -q git+https://github.com/x/y",
            "%pip install -q git+https://github.com/o/n",
        ),
        ("[issue](https://github.com/x/y/issues/1)", "[issue](https://github.com/x/y/issues/1)"),
    ],
)
def test_the_address_of_the_repository_is_filled_in(
    tool: ModuleType, before: str, after: str
) -> None:
    path = tool.ROOT / "book" / "a.ipynb"
    assert tool.with_addresses(before, path, REPOSITORY) == after


@pytest.mark.parametrize(("deaths", "found"), [(1, "seconds"), (2, "failed")])
def test_a_kernel_that_cannot_begin_is_tried_once_more(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, deaths: int, found: str
) -> None:
    spec = importlib.util.spec_from_file_location("check", ROOT / "book/_tools/check.py")
    assert spec and spec.loader
    check = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(check)
    outcomes: list[object] = [RuntimeError("Kernel died")] * deaths + [(1.0, 100.0)]

    def run(_: object) -> object:
        outcome = outcomes.pop(0)
        if isinstance(outcome, RuntimeError):
            raise outcome
        return outcome

    monkeypatch.setattr(check, "run", run)
    monkeypatch.setattr(check, "ROOT", tool.ROOT)
    assert found in check.check(notebook(tool, "1"))[1]


def test_chapters_are_run_and_assignments_are_left_as_they_are_handed_out(tool: ModuleType) -> None:
    for name in ("steps/1.ipynb", "assignments/1/master.ipynb", "_templates/2.ipynb"):
        path = tool.ROOT / "book" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert tool.pages() == [tool.ROOT / "book/steps/1.ipynb"]
    assert tool.ROOT / "book/assignments/1/master.ipynb" in tool.book_notebooks()


MAPS_AND_HOLDS = """
import mmap, sys
with open(sys.argv[1], "r+b") as file:
    pages = mmap.mmap(file.fileno(), 0)
    sum(pages[::4096])  # all of them lie in memory now
    own = bytearray(50 * 2**20)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pages of files are not told apart")
def test_memory_is_what_a_notebook_holds_for_itself(tool: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "library"
    file.write_bytes(bytes(200 * 2**20))
    command = [sys.executable, "-c", MAPS_AND_HOLDS, str(file)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        process.stdout.readline()  # type: ignore[union-attr]
        memory = tool.PeakMemory(process.pid)
        memory.start()
        time.sleep(0.5)
        memory.stop()
        process.stdin.close()  # type: ignore[union-attr]
    assert 50 <= memory.megabytes < 150
