"""Make slides from chapters: `make slides`, or name notebooks; they go to _build/slides.

A heading begins a slide, other words go below it, and a cell of code with its outputs comes when
you press a key. Exercises and references stay in the book. The notebooks are left as they are; the
slides carry what Jupyter and RISE call `slideshow` metadata. Whatever a page needs lies beside it,
so that a classroom needs no network: reveal.js, from npm, in a folder; formulas as MathML.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("start", "steps", "types", "practice")
TEMPLATE = ROOT / "book" / "_tools" / "offline_slides"
SCRIPTS = TEMPLATE / "npm" / "node_modules" / "reveal.js"
FORMULA = re.compile(r"(`[^`]*`)|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+)\$", re.DOTALL)
LEFT_OUT = ("## Exercises", "## References")


def as_slides(notebook: NotebookNode) -> NotebookNode:
    """Say of every cell where in the slides it stands."""
    skipping = False
    notebook.cells = [part for cell in notebook.cells for part in split(cell)]
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith(("# ", "## ")):
            skipping = cell.source.startswith(LEFT_OUT)
            kind = "slide"
        else:
            kind = "subslide" if cell.cell_type == "markdown" else "fragment"
        if skipping or "setup" in cell.metadata.get("tags", []):
            kind = "skip"
        cell.metadata["slideshow"] = {"slide_type": kind}
        if cell.cell_type == "markdown":
            cell.source = FORMULA.sub(as_mathml, cell.source)
    return notebook


def split(cell: NotebookNode) -> list[NotebookNode]:
    """Begin a new cell at each heading: words may end one section and begin another."""
    if cell.cell_type != "markdown":
        return [cell]
    texts = filter(str.strip, re.split(r"(?m)^(?=## )", cell.source))
    return [new_markdown_cell(text.strip(), metadata=cell.metadata.copy()) for text in texts]


def as_mathml(found: re.Match[str]) -> str:
    """Every browser draws MathML by itself; code stays as it is."""
    display = found.lastgroup
    return convert(found[display].strip(), display=display) if display else found[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all chapters")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "_build" / "slides")
    given = parser.parse_args()
    chapters = [path for name in FOLDERS for path in sorted((ROOT / "book" / name).glob("*.ipynb"))]
    if not SCRIPTS.exists():
        sys.exit(f"reveal.js is not there; fetch it first: cd {TEMPLATE / 'npm'} && npm ci")
    for part in ("dist", "plugin/notes"):
        shutil.copytree(SCRIPTS / part, given.output / "reveal.js" / part, dirs_exist_ok=True)
    exporter = SlidesExporter(
        template_name=TEMPLATE.name,
        extra_template_basedirs=[str(TEMPLATE.parent)],
        reveal_url_prefix="reveal.js",
        reveal_theme="white",  # the default theme asks a font service
    )
    for path in given.notebooks or chapters:
        notebook = as_slides(nbformat.read(path, as_version=4))
        page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": path.stem}})
        target = given.output / f"{path.stem}.slides.html"
        target.write_text(page, encoding="utf-8")
        print(target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
