"""The page of progress: how many questions each chapter asks; `predict.js` fills in the answers.

The line `<!-- the questions of each chapter -->` in a page is replaced by the table.
"""

from __future__ import annotations

import re
from pathlib import Path

from chapters import cells, in_order, title
from sphinx.application import Sphinx

MARK = "<!-- the questions of each chapter -->"


def table(root: Path, page: str) -> str:
    """Return the table as HTML; its links are relative to `page`."""
    up = "../" * page.count("/")
    rows = []
    for notebook in in_order(root):
        chapter = notebook.relative_to(root).with_suffix("").as_posix()
        if found := questions(notebook):
            rows.append(
                f'<tr data-page="{chapter}" data-questions="{found}">'
                f'<td><a href="{up}{chapter}.html">{title(notebook)}</a></td>'
                f'<td class="made">-</td><td>{found}</td></tr>'
            )
    head = "<tr><th>Chapter</th><th>Your predictions</th><th>Questions</th></tr>"
    return (
        f'<table id="progress" class="table"><thead>{head}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def questions(notebook: Path) -> int:
    prose = "\n".join(cell["source"] for cell in cells(notebook) if cell["cell_type"] == "markdown")
    return len(re.findall(r'<div class="predict"', prose))


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0]:
        on_the_web = app.builder.name != "epub"  # elsewhere no script counts anything
        found = table(Path(app.srcdir), docname) if on_the_web else ""
        source[0] = source[0].replace(MARK, found)
        for notebook in (Path(app.srcdir) / "book").rglob("*.ipynb"):
            app.env.note_dependency(str(notebook))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
