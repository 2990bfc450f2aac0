"""The bibliography is complete: what chapters cite is in it, and what is in it is cited."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .contract import Chapter, chapter_files

ROOT = Path(__file__).parents[2]
BIBLIOGRAPHY = (ROOT / "book" / "back" / "references.bib").read_text(encoding="utf-8")


def works() -> dict[str, str]:
    """Key and address of each work."""
    entries = re.findall(r"@\w+\{([^,]+),(.*?)\n\}", BIBLIOGRAPHY, re.S)
    found = {key: re.search(r"url\s*=\s*\{(.+?)\}", rest) for key, rest in entries}
    assert [key for key, url in found.items() if url is None] == [], "works without an address"
    return {key: url[1] for key, url in found.items() if url}


def cited_in_chapters() -> set[str]:
    """The addresses in the chapters' own lists of references."""
    found = set()
    for file in chapter_files():
        section = Chapter.read(file, "").section("References") or ""
        found |= set(re.findall(r"\]\((https://(?:[^()\s]|\([^()\s]*\))+)\)", section))
    return found


def everything_written() -> str:
    """The prose of the book and the docstrings of the library."""
    pages = [*(ROOT / "book").rglob("*.md"), *(ROOT / "tl_teach").rglob("*.py")]
    text = [page.read_text(encoding="utf-8") for page in pages]
    for notebook in (ROOT / "book").rglob("*.ipynb"):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        text += ["".join(cell["source"]) for cell in cells]
    return "\n".join(text)


def test_what_chapters_cite_is_in_the_bibliography() -> None:
    assert cited_in_chapters() - set(works().values()) == set()


def test_what_is_in_the_bibliography_is_cited() -> None:
    written = everything_written()
    assert [key for key, url in works().items() if url not in written] == []


def test_no_work_is_there_twice() -> None:
    addresses = list(works().values())
    assert sorted({url for url in addresses if addresses.count(url) > 1}) == []
