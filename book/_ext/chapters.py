"""What the pages that are made from notebooks ask of them: their order, cells and titles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml


def in_order(root: Path) -> list[Path]:
    """Every notebook of the table of contents, in reading order."""
    parts = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    names = [page["file"].removesuffix(".ipynb") for part in parts for page in part["chapters"]]
    return [file for name in names if (file := root / f"{name}.ipynb").exists()]


def cells(notebook: Path) -> list[dict[str, Any]]:
    """Return a notebook's cells, the source of each as one text."""
    found = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [{**cell, "source": "".join(cell["source"])} for cell in found]


def title(notebook: Path) -> str:
    """Return a notebook's first heading."""
    return cells(notebook)[0]["source"].splitlines()[0].removeprefix("# ")
