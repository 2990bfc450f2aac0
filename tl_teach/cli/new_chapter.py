"""``tl-teach new-chapter``: begin a chapter with every part that the book's contract asks for."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..files import replacing

PLACES = ("start", "steps", "types", "practice")


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    chapter = commands.add_parser(
        "new-chapter",
        help="begin a chapter of the book, with every part it needs",
        description="Writes book/PART/NAME.ipynb in this folder's book. Every part of a chapter "
        "is there, with words of what belongs into it; it runs as it is.",
    )
    chapter.add_argument("place", metavar="PART/NAME", help=f"PART: {', '.join(PLACES)}")
    chapter.add_argument("title", metavar="TITLE", help='for example "Few labels"')
    chapter.set_defaults(run=_new_chapter)


def _new_chapter(arguments: argparse.Namespace) -> int:
    part, _, name = arguments.place.partition("/")
    if part not in PLACES or not name.replace("-", "").isalnum():
        raise ValueError(
            f"{arguments.place!r} is no place for a chapter: expected PART/NAME, with one of "
            f"{', '.join(PLACES)} and a name of letters, digits and hyphens."
        )
    if not Path("_toc.yml").is_file():
        raise ValueError("There is no _toc.yml here; run this in the book's own folder.")
    path = Path("book", part, f"{name}.ipynb")
    if path.exists():
        raise ValueError(f"{path} is there already; choose another name, or edit it.")
    notebook = skeleton(f"book/{part}/{name}.ipynb", arguments.title, _address())
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part_of_it:
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        part_of_it.write_text(text, encoding="utf-8", newline="\n")
    print(f"Written: {path}")
    print(f"Now name it in _toc.yml (file: book/{part}/{name}) and run: make notebooks NB={path}")
    return 0


def _address() -> str:
    """Return owner and name of the repository, which stand in _config.yml and nowhere else."""
    config = Path("_config.yml").read_text(encoding="utf-8")
    found = re.search(r"url: https://github\.com/(\S+)", config)
    if found is None:
        raise ValueError("_config.yml names no repository; add url: https://github.com/OWNER/NAME.")
    return found[1]


def skeleton(page: str, title: str, repository: str) -> dict[str, Any]:
    """
    Return the notebook of an empty chapter, not yet run.

    Parameters
    ----------
    page : str
        Its path in the repository, for its link to Colab.
    title : str
        Its heading.
    repository : str
        Owner and name on GitHub, for its links and its set-up cell.

    Examples
    --------
    >>> cells = skeleton("book/steps/few.ipynb", "Few labels", "owner/name")["cells"]
    >>> cells[0]["source"].splitlines()[0]
    '# Few labels'
    """
    cells = [
        _markdown(
            f"# {title}",
            "**In one sentence:** What the reader will do here, and why it matters.",
            "**Time:** 20 minutes to read, 1 minute to run, 30 minutes for the exercises.",
            f"[Open in Colab](https://colab.research.google.com/github/{repository}/blob/main/{page})"
            f" or [run it on your own machine](https://github.com/{repository}"
            "#run-it-on-your-own-machine).",
            "## Objectives",
            "- Something the reader will be able to do.\n- A second thing.\n- A third thing.",
        ),
        _code(
            "import os",
            "import sys",
            "",
            'if "google.colab" in sys.modules or "KAGGLE_URL_BASE" in os.environ:',
            f'    %pip install -q "tl-teach[book] @ git+https://github.com/{repository}"',
            "",
            "import torch",
            "from torch.nn import functional as F",
            "",
            "import tl_teach as tl",
            tags=["setup"],
        ),
        _markdown("## The first idea", "One idea a cell. What will the next cell do?"),
        _code('task = tl.load_task("handwriting", labels_per_class=5, seed=0)', "print(task)"),
        _markdown(
            '<div class="predict" role="group" aria-label="Predict first">\n'
            "<p><strong>Predict first.</strong> What do you expect?</p>\n"
            f'<details name="{Path(page).stem}-1"><summary>This</summary>'
            "<p>Why it is right.</p></details>\n"
            f'<details name="{Path(page).stem}-1"><summary>That</summary>'
            "<p>Why it is wrong.</p></details>\n"
            f'<details name="{Path(page).stem}-1"><summary>Neither</summary>'
            "<p>Why it is wrong.</p></details>\n"
            "</div>",
        ),
        _code(
            'net = tl.replace_head(tl.load_network("letters-resnet"), task)',
            "net = tl.freeze(net)",
            "tl.fit(net, task, epochs=10, lr=1e-2, batch_size=16)",
            "result = tl.evaluate(net, task.validation)",
            "print(result)",
            "gain = result.score - result.constant_guess",
            'tl.claim("frozen features beat a constant guess", gain, above=0.3)',
        ),
        _markdown("What does the result say, and what does it not say?"),
        _markdown(
            "## What happened inside",
            "The same step in plain PyTorch gives the same numbers:",
        ),
        _code(
            "x = torch.stack([image for image, _ in task.validation[:100]])",
            "with torch.no_grad():",
            "    loss = F.cross_entropy(net(x), task.validation.targets[:100])",
            'print(f"loss on a hundred pictures: {loss:.3f}")',
        ),
        _markdown("What did the reader see?", "## Exercises"),
    ]
    for number in (1, 2, 3):
        cells.append(_markdown(f"### Exercise {number}: a short name", "What is to be done?"))
        cells.append(_code("print(len(task.train))", tags=["solution", "hide-cell"]))
    cells.append(
        _markdown(
            "## Summary",
            "- One.\n- Two.\n- Three.\n- Four.\n- Five.",
            "## When this fails",
            "Where does the reader meet the end of it, and what tells that the end is near?",
            "## References",
            "- [Yosinski et al. (2014)](https://arxiv.org/abs/1411.1792), for example.",
        )
    )
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _markdown(*paragraphs: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": "\n\n".join(paragraphs)}


def _code(*lines: str, tags: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": [],
        "source": "\n".join(lines),
    }
