"""The page of tested claims takes its numbers from the chapters, or stops the build."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from sphinx.errors import ExtensionError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def claims():
    return importlib.import_module("claims")


@pytest.fixture
def chapter(tmp_path) -> Path:
    def cell(text: str) -> dict:
        return {"cell_type": "code", "source": "", "outputs": [{"text": text.splitlines(True)}]}

    heading = {"cell_type": "markdown", "source": ["# Title\n", "## What it costs (in all)\n"]}
    cells = [heading, cell("✓ gain: 0.12 (claimed: above 0)\nsame: 1\n"), cell("same: 2\n")]
    file = tmp_path / "chapter.ipynb"
    file.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return file


def test_the_number_and_its_place_come_from_the_chapter(claims, chapter):
    assert claims.find(chapter, "✓ gain") == ("0.12", "What it costs (in all)")
    assert claims.slug("What it costs (in all)") == "what-it-costs-in-all"


@pytest.mark.parametrize(("line", "count"), [("no such line", 0), ("same", 2)])
def test_a_line_that_is_lost_or_double_stops_the_build(claims, chapter, line, count):
    with pytest.raises(ExtensionError, match=f"{count} lines"):
        claims.find(chapter, line)


def test_every_claim_finds_its_number(claims):
    text = claims.entries(ROOT / "book")
    assert text.count("\n## ") >= 12
