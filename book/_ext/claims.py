"""The page of tested claims: what is commonly said, and what the chapters found.

The line `<!-- the claims -->` in a page is replaced by the entries of `claims.yml` beside it. Of
each the file names a chapter and the beginning of a line that a cell of it printed; the rest of
that line, the number, is taken from the chapter's outputs. A line that is not there, or is there
twice, stops the build: so no number here can differ from the chapter's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from chapters import cells
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

MARK = "<!-- the claims -->"
VERDICTS = {"holds", "holds when", "fails here"}


def entries(book: Path) -> str:
    """Return the claims as MyST text."""
    claims = yaml.safe_load((book / "back" / "claims.yml").read_text(encoding="utf-8"))
    return "\n\n".join(entry(book, number, claim) for number, claim in enumerate(claims, 1))


def entry(book: Path, number: int, claim: dict[str, Any]) -> str:
    if claim["verdict"] not in VERDICTS:
        raise ExtensionError(f"claims.yml: {claim['verdict']!r} is no verdict; use {VERDICTS}")
    text, heading = find(book / f"{claim['chapter']}.ipynb", claim["line"])
    where = f"[{heading}](/book/{claim['chapter']}.ipynb#{slug(heading)})"
    return (
        f"## {number}. {claim['claim']}\n\n"
        f"**{claim['verdict'].capitalize()}.** {claim['found'].strip()}\n\n"
        f"> {claim.get('name', claim['line']).strip().rstrip(':')}: **{text}**\n>\n> {where}"
    )


def find(notebook: Path, beginning: str) -> tuple[str, str]:
    """Return the rest of the one printed line that begins so, and the heading it stands under."""
    found = [
        (line[len(beginning) :].strip(" :"), heading)
        for line, heading in printed(notebook)
        if line.startswith(beginning)
    ]
    if len(found) != 1:
        raise ExtensionError(
            f"claims.yml: {len(found)} lines of {notebook} begin with {beginning!r}; "
            "expected one (did the chapter change?)"
        )
    return found[0]


def printed(notebook: Path) -> Iterator[tuple[str, str]]:
    """Yield every line that the notebook's cells printed, with the heading above it."""
    heading = ""
    for cell in cells(notebook):
        if cell["cell_type"] == "markdown":
            for match in re.finditer(r"^#+ +(.+)$", cell["source"], re.M):
                heading = match[1]
        for output in cell.get("outputs", []):
            for line in "".join(output.get("text", [])).splitlines():
                yield re.sub(r" \(claimed: .*\)$", "", line.strip()), heading


def slug(heading: str) -> str:
    """Return the anchor that MyST gives a heading, as GitHub does."""
    return re.sub(r"[^\w\u4e00-\u9fff\- ]", "", heading.strip().lower()).replace(" ", "-")


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0]:
        book = Path(app.srcdir) / "book"
        source[0] = source[0].replace(MARK, entries(book))
        app.env.note_dependency(str(book / "back" / "claims.yml"))
        for notebook in book.rglob("*.ipynb"):
            app.env.note_dependency(str(notebook))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
