"""Which pages the book has, by its table of contents."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def pages() -> list[str]:
    """Every page's path below the site, in reading order."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [page["file"] for part in contents["parts"] for page in part["chapters"]]
    return [
        name.removesuffix(".ipynb").removesuffix(".md") + ".html"
        for name in [contents["root"], *chapters]
    ]
