"""The page of progress: how many questions each chapter asks; `predict.js` fills in the answers.

The line `<!-- the questions of each chapter -->` in a page is replaced by the table.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from sphinx.application import Sphinx

MARK = "<!-- the questions of each chapter -->"


def table(root: Path, page: str) -> str:
    """Return the table as HTML; its links are relative to `page`."""
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    up = "../" * page.count("/")
    rows = []
    for part in contents["parts"]:
        for chapter in (entry["file"].removesuffix(".ipynb") for entry in part["chapters"]):
            file = root / f"{chapter}.ipynb"
            if file.exists() and (found := questions(file)):
                rows.append(
                    f'<tr data-page="{chapter}" data-questions="{found}">'
                    f'<td><a href="{up}{chapter}.html">{title(file)}</a></td>'
                    f'<td class="made">-</td><td>{found}</td></tr>'
                )
    head = "<tr><th>Chapter</th><th>Your predictions</th><th>Questions</th></tr>"
    return (
        f'<table id="progress" class="table"><thead>{head}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def questions(notebook: Path) -> int:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return len(re.findall(r'<div class="predict"', prose))


def title(notebook: Path) -> str:
    first = json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]
    return "".join(first["source"]).splitlines()[0].removeprefix("# ")


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
