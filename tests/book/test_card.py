"""The workflow card is what its script draws, and it names what exists."""

import importlib.util
import json
import re
from types import ModuleType

import pytest

import tl_teach as tl

from .contract import ROOT

PAGE = ROOT / "book/back/workflow-card.ipynb"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("card", ROOT / "book/_tools/workflow_card.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words() -> str:
    cells = json.loads(PAGE.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def test_the_committed_card_is_drawn_by_its_script(tool: ModuleType) -> None:
    committed = tool.CARD.read_text(encoding="utf-8")
    assert committed == tool.card(), "draw it anew: python book/_tools/workflow_card.py"


def test_the_page_shows_the_card_with_its_words(tool: ModuleType) -> None:
    assert f"![{tool.ALT}](../_static/workflow-card.svg)" in words()


def test_the_page_and_the_card_name_the_same_calls_and_each_exists(tool: ModuleType) -> None:
    on_card = {call for step in tool.STEPS for call in step["calls"]}
    assert on_card == set(re.findall(r"`(tl\.\w+)`", words()))
    assert {call.removeprefix("tl.") for call in on_card} <= set(tl.__all__)


def test_every_chapter_of_the_five_steps_is_linked() -> None:
    steps = sorted(file.name for file in (ROOT / "book/steps").glob("*.ipynb"))
    assert [name for name in steps if f"(../steps/{name})" in words()] == steps
