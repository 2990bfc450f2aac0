"""The one tool that runs notebooks keeps what readers see, and nothing that changes by itself."""

from __future__ import annotations

import importlib.util
import json
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
