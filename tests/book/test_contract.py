"""Every chapter keeps the chapter contract; `contract.py` beside this file says what that is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from .contract import ROOT, RULES, Chapter, Rule, chapter_files, right_places

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
REPOSITORY = CONFIG["repository"]["url"]
FILES = chapter_files()


def name_of(value: Any) -> str:
    return getattr(value, "stem", None) or value.__name__


@pytest.mark.parametrize("rule", RULES, ids=name_of)
@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_chapter_keeps_the_contract(file, rule: Rule) -> None:
    complaints = list(rule(Chapter.read(file, REPOSITORY)))
    assert not complaints, "\n".join([str(file.relative_to(ROOT)), *complaints])


def test_nobody_can_predict_by_the_place_of_a_choice() -> None:
    places = [place for file in FILES for place in right_places(Chapter.read(file, REPOSITORY))]
    assert len(places) >= 2 * len(FILES)
    for place in range(3):
        share = places.count(place) / len(places)
        assert 0.2 < share < 0.5, f"{share:.0%} of the right choices stand at place {place + 1}"


def test_the_table_of_contents_holds_every_chapter() -> None:
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = {
        page["file"].removesuffix(".ipynb")
        for part in contents["parts"]
        for page in part["chapters"]
    }
    written = {file.relative_to(ROOT).with_suffix("").as_posix() for file in FILES}
    assert written <= listed, f"Add to _toc.yml: {sorted(written - listed)}"


# --- The rules themselves: a good chapter passes, and each thing left out is noticed -------------


def markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(source: str, count: int, *tags: str, **output: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)},
        "source": source,
        "execution_count": count,
        "outputs": [output] if output else [],
    }


SOLVED = [
    cell
    for number in (1, 2, 3)
    for cell in (
        markdown(f"### Exercise {number}: Move the boundary\n\nFreeze one stage less."),
        code("print(1)", 3 + number, "solution", "hide-cell"),
    )
]
PATH = "book/steps/0-sample.ipynb"
GOOD = {
    "cells": [
        markdown(
            "# A sample\n\n"
            "**In one sentence:** You see what a chapter holds.\n\n"
            "**Time:** 5 minutes to read, 40 seconds to run, 10 minutes for the exercises.\n\n"
            f"[Open in Colab](https://colab.research.google.com/github/o/n/blob/main/{PATH}) or "
            "[run it on your own machine](https://github.com/o/n#readme).\n\n"
            "## Objectives\n\n- Say what a stage is.\n- Freeze one.\n- Measure what that\n  gives."
        ),
        code(
            'if "google.colab" in sys.modules or "KAGGLE_URL_BASE" in os.environ:\n'
            "    install('https://github.com/o/n')",
            1,
            "setup",
        ),
        markdown(
            "## An idea\n\n"
            '<div class="predict" role="group" aria-label="Predict first">\n'
            "<p><strong>Predict first.</strong> Which share is right?</p>\n"
            '<details name="q-1"><summary>50 %</summary><p>That is a guess.</p></details>\n'
            '<details name="q-1"><summary>70 %</summary><p>You forget the head.</p></details>\n'
            '<details name="q-1"><summary>90 %</summary><p>Yes, stages carry over.</p></details>\n'
            "</div>\n\nSet `lr=0.01` for 5,000 images; a 95 % interval follows. "
            "[Kornblith](https://arxiv.org/abs/1805.08974) reports 0.99."
        ),
        code(
            "tl.claim('it helps', gain, above=0.2)",
            2,
            output_type="display_data",
            data={"image/png": ""},
            metadata={"image/png": {"alt": "A row of three stages."}},
        ),
        markdown("### What happened inside\n\nThe same in plain PyTorch:"),
        code("loss.backward()", 3),
        markdown("## Exercises"),
        *SOLVED,
        markdown("## Summary\n\n- One.\n- Two.\n- Three.\n- Four.\n- Five."),
        markdown("## When this fails\n\nIt fails where the source and the target share nothing."),
        markdown("## References\n\n- Yosinski 2014, [arXiv](https://arxiv.org/abs/1411.1792)."),
    ]
}


def complaints_about(notebook: dict[str, Any]) -> dict[str, list[str]]:
    status = {PATH: {"seconds": 40.0, "megabytes": 600}}
    chapter = Chapter(PATH, notebook, "https://github.com/o/n", status)
    found = {rule.__name__: list(rule(chapter)) for rule in RULES}
    return {name: complaints for name, complaints in found.items() if complaints}


def test_a_good_chapter_passes() -> None:
    assert complaints_about(GOOD) == {}


def replace(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(notebook: dict[str, Any]) -> None:
        assert any(old in cell["source"] for cell in notebook["cells"])
        for cell in notebook["cells"]:
            cell["source"] = cell["source"].replace(old, new)

    return change


def untag(tag: str) -> Callable[[dict[str, Any]], None]:
    def change(notebook: dict[str, Any]) -> None:
        for cell in notebook["cells"]:
            tags = cell["metadata"].get("tags", [])
            cell["metadata"]["tags"] = [kept for kept in tags if kept != tag]

    return change


def of_cell(number: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda notebook: notebook["cells"][number].update(values)


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}
BLIND = {"output_type": "display_data", "data": {"image/png": ""}, "metadata": {}}


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("opening", replace("# A sample", "A sample")),
        ("opening", replace("**In one sentence:** You", "You")),
        ("opening", replace("chapter holds.", "chapter holds. And more.")),
        ("opening", replace("40 seconds to run", "soon run")),
        ("opening", replace("0-sample.ipynb", "1-other.ipynb")),
        ("opening", replace("your own machine", "the other one")),
        ("objectives", replace("- Freeze one.\n", "")),
        ("setup_cell", untag("setup")),
        ("setup_cell", replace("github.com/o/n'", "github.com/x/y'")),
        ("sections", replace("## When this fails", "## Limits")),
        ("sections", replace("### What happened inside", "#### What happened inside")),
        ("sections", replace("What happened inside", "How it works")),
        ("code_size", of_cell(5, source="x = 1\n" * 13)),
        ("code_size", of_cell(4, cell_type="code", execution_count=3, outputs=[])),
        ("questions", replace('class="predict"', 'class="other"')),
        ("questions", replace("</details>\n", "</details>\n\n")),
        ("questions", replace("<p>That is a guess.</p>", "")),
        ("questions", replace('name="q-1"><summary>50', 'name="q-2"><summary>50')),
        ("claims", replace("tl.claim(", "print(")),
        ("exercises", untag("hide-cell")),
        ("exercises", untag("solution")),
        ("exercises", replace("### Exercise 3", "### Further")),
        (
            "exercises",
            replace("## Summary", "One stage less costs little. " * 3 + "\n\n## Summary"),
        ),
        ("closing", replace("- Five.", "")),
        ("closing", replace("[arXiv](https://arxiv.org/abs/1411.1792)", "arXiv")),
        ("numbers", replace("Freeze one stage less.", "It reaches 0.87 at once.")),
        ("numbers", replace("Freeze one stage less.", "It reaches .87 at once.")),
        ("numbers", replace("Freeze one stage less.", "It is right in 87 % of cases.")),
        ("numbers", replace("Freeze one stage less.", "It gains 20 points.")),
        ("numbers", replace("That is a guess.", "It is wrong: it reaches 0.87.")),
        ("links", replace("https://arxiv.org/abs/1411", "http://arxiv.org/abs/1411")),
        ("links", replace("Freeze one", "[Freeze](../back/glossary.md) one")),
        ("links", replace("Freeze one", "![a badge](https://example.org/b.svg) one")),
        ("alt_text", replace("Freeze one", "![](picture.png) one")),
        ("alt_text", of_cell(3, outputs=[BLIND])),
        ("outputs", of_cell(3, execution_count=None)),
        ("outputs", of_cell(5, outputs=[ERROR])),
    ],
)
def test_the_contract_notices(rule: str, spoil: Callable[[dict[str, Any]], None]) -> None:
    notebook = copy.deepcopy(GOOD)
    spoil(notebook)
    assert rule in complaints_about(notebook)
