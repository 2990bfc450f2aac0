"""What is made from the chapters for teachers: the table of times, and slides."""

import importlib
import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(ROOT.glob("book/steps/*.ipynb"))


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_step_has_a_row_with_its_minutes_and_what_it_loads():
    pytest.importorskip("sphinx", reason="Sphinx is not installed")
    heading, line, *rows = importlib.import_module("times").times(ROOT).splitlines()
    assert {row.count("|") for row in [heading, line, *rows]} == {7}
    for chapter in CHAPTERS:
        (row,) = (row for row in rows if f"(../steps/{chapter.name})" in row)
        assert row.count(" min |") == 3 and "`letters-resnet`" in row and "`handwriting`" in row


def test_slides_hold_the_ideas_and_leave_the_exercises_in_the_book():
    pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    chapter = nbformat.read(CHAPTERS[1], as_version=4)
    slides = load(ROOT / "book" / "_tools" / "slides.py").as_slides(chapter)
    kinds = [(cell.source, cell.metadata["slideshow"]["slide_type"]) for cell in slides.cells]
    assert kinds[0][1] == "slide"
    assert sum(kind == "slide" for _, kind in kinds) >= 5
    exercises = next(at for at, (text, _) in enumerate(kinds) if text.startswith("## Exercises"))
    assert kinds[exercises][1] == kinds[exercises + 1][1] == "skip"
    assert not any("google.colab" in text and kind != "skip" for text, kind in kinds)


def test_a_slide_asks_no_other_host_for_anything(tmp_path, monkeypatch):
    pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    slides = load(ROOT / "book" / "_tools" / "slides.py")
    for part in ("dist", "plugin/notes"):
        (tmp_path / "npm" / part).mkdir(parents=True)
    monkeypatch.setattr(slides, "SCRIPTS", tmp_path / "npm")
    chapter = ROOT / "book" / "steps" / "4-training.ipynb"
    monkeypatch.setattr("sys.argv", ["slides.py", str(chapter), "-o", str(tmp_path / "out")])
    slides.main()
    page = (tmp_path / "out" / "4-training.slides.html").read_text("utf-8")
    fetched = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']([^\"']+)", page)
    fetched += re.findall(r"(?:url\(|from )[\"']?(https?:[^)\"']+)", page)
    assert "reveal.js/dist/reveal.js" in fetched
    assert not [address for address in fetched if address.startswith(("http", "//"))]


def test_formulas_of_slides_are_mathml_and_code_keeps_its_dollars():
    slides = load(ROOT / "book" / "_tools" / "slides.py")
    text = slides.FORMULA.sub(slides.as_mathml, "at $x^2$, `$HOME` and\n\n$$y$$")
    assert text.count("<math") == 2 and "`$HOME`" in text
    assert 'display="block"' in text.split("$HOME")[1]
