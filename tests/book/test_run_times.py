"""The page of run times tells what was measured elsewhere, and what was not."""

import importlib.util
import json
import sys

import nbformat
import pytest
import status

from .contract import ROOT

OWN = {"book/start/0-first-network.ipynb": {"seconds": 12, "megabytes": 1040}}
WHERE = {
    "date": "2026-01-02",
    "python": "3.13.0",
    "system": "Linux",
    "jobs": 2,
    "load": 3.5,
    "packages": {},
}


@pytest.fixture
def book(tmp_path):
    page = tmp_path / "book" / "start" / "0-first-network.ipynb"
    page.parent.mkdir(parents=True)
    cell = nbformat.v4.new_markdown_cell("# Your first network")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), page)
    (tmp_path / "book" / "_status.json").write_text(json.dumps(OWN))
    return tmp_path / "book"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"seconds": 34, "megabytes": 900}, "34"),
        ({"failed": "NameError: x"}, "failed: NameError: x"),
        (None, "not run yet"),
    ],
)
def test_seconds_elsewhere_stand_beside_our_own(book, found, told):
    notebooks = {page: found for page in OWN if found}
    other = {"environment": WHERE, "notebooks": notebooks}
    (book / "_status-colab.json").write_text(json.dumps(other))
    table = status.table(book)
    assert f"| 12 | 1,040 | {told} |" in table and "Colab's versions (s)" in table
    assert "2026-01-02, Python 3.13.0" in table
    assert "notebooks at a time: 2, processes that wanted a core: 3.5." in table


def test_without_other_measurements_there_is_no_column_for_them(book):
    assert "Colab" not in status.table(book)


def test_the_tool_notes_what_ran_and_what_failed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_tools"))
    spec = importlib.util.spec_from_file_location("check", ROOT / "book" / "_tools" / "check.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setitem(sys.modules, "check", tool)
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    pages = {}
    for name, code in (("good", "1 + 1"), ("bad", "1 / 0")):
        path = tmp_path / f"{name}.ipynb"
        cell = nbformat.v4.new_code_cell(code)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
        pages |= dict([tool.check(path)])
    assert set(pages["good.ipynb"]) == {"seconds", "megabytes"}
    assert "ZeroDivisionError" in pages["bad.ipynb"]["failed"]
