"""The minutes of each chapter, and what it loads, from the chapters themselves.

The line `<!-- the time of each chapter -->` in a page is replaced by a table with a row for every
notebook in `_toc.yml`, so the page cannot drift from the chapters.
"""

from __future__ import annotations

import re
from pathlib import Path

from chapters import cells, in_order, title
from sphinx.application import Sphinx

MARK = "<!-- the time of each chapter -->"
HEADING = "| Chapter | Read | Run | Exercises | Data | Networks |\n|---|---:|---:|---:|---|---|"
_TIME = re.compile(r"\*\*Time:\*\* (.+?) to read, (.+?) to run, (.+?) for the exercises")
_LOADED = r"{function}\(\s*(?:name=)?[\"']([\w-]+)[\"']"


def times(root: Path) -> str:
    """Return the table as Markdown."""
    rows = [row(notebook) for notebook in in_order(root)]
    return "\n".join([HEADING, *filter(None, rows)])


def row(notebook: Path) -> str:
    """Return a chapter's row; nothing for a page that names no time."""
    sources = [cell["source"] for cell in cells(notebook)]
    found = next(filter(None, map(_TIME.search, sources)), None)
    if found is None:
        return ""
    link = f"[{title(notebook)}](../{notebook.parent.name}/{notebook.name})"
    code = "\n".join(cell["source"] for cell in cells(notebook) if cell["cell_type"] == "code")
    loaded = [named(code, function) for function in ("load_(?:task|domains)", "load_network")]
    spans = [re.sub(" minutes?$", " min", span) for span in found.groups()]  # narrow on a phone
    return f"| {' | '.join([link, *spans, *loaded])} |"


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
