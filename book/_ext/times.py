"""The minutes of each chapter, and what it loads, from the chapters themselves.

The line `<!-- the time of each chapter -->` in a page is replaced by a table with a row for every
notebook in `_toc.yml`, so the page cannot drift from the chapters.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from sphinx.application import Sphinx

MARK = "<!-- the time of each chapter -->"
HEADING = "| Chapter | Read | Run | Exercises | Data | Networks |\n|---|---:|---:|---:|---|---|"
_TIME = re.compile(r"\*\*Time:\*\* (.+?) to read, (.+?) to run, (.+?) for the exercises")
_LOADED = r"{function}\(\s*(?:name=)?[\"']([\w-]+)[\"']"


def times(root: Path) -> str:
    """Return the table as Markdown."""
    parts = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    names = [chapter["file"] for part in parts for chapter in part["chapters"] if "file" in chapter]
    notebooks = [root / f"{name}.ipynb" for name in names]
    rows = [row(notebook) for notebook in notebooks if notebook.exists()]
    return "\n".join([HEADING, *filter(None, rows)])


def row(notebook: Path) -> str:
    """Return a chapter's row; nothing for a page that names no time."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    found = next(filter(None, map(_TIME.search, sources)), None)
    if found is None:
        return ""
    title = sources[0].splitlines()[0].removeprefix("# ")
    link = f"[{title}](../{notebook.parent.name}/{notebook.name})"
    code = "\n".join(
        source for cell, source in zip(cells, sources, strict=True) if cell["cell_type"] == "code"
    )
    loaded = [named(code, function) for function in ("load_(?:task|domains)", "load_network")]
    return f"| {' | '.join([link, *found.groups(), *loaded])} |"


def named(code: str, function: str) -> str:
    """Return what a function of the library is called with."""
    names = dict.fromkeys(re.findall(_LOADED.format(function=function), code))
    return ", ".join(f"`{name}`" for name in names) or "none"


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0]:
        root = Path(app.srcdir)
        source[0] = source[0].replace(MARK, times(root))
        for notebook in root.glob("book/*/*.ipynb"):
            app.env.note_dependency(str(notebook))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
