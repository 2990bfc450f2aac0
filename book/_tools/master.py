"""Make a master notebook from its text: a readable file becomes one that nbgrader opens.

    python book/_tools/master.py book/assignments/2-fine-tuning/master.md

book/assignments/README.md describes the text. What nbgrader wants to know about a cell is spelled
out here, so that the text need not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("given", "solution", "check")


def master(text: str) -> NotebookNode:
    """Give the notebook that a master's text describes."""
    notebook = jupytext.reads(text, fmt="md:myst")
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    for number, cell in enumerate(notebook.cells):
        role = next((role for role in ROLES if role in cell.metadata), None)
        name = f"text-{number:02}" if role is None else str(cell.metadata.pop(role))
        points = cell.metadata.pop("points", None)
        tags = cell.metadata.pop("tags", None)
        if cell.metadata:
            raise ValueError(f"The cell {name!r} has an unknown setting: {dict(cell.metadata)}")
        cell.id = name
        if role is not None:
            cell.metadata["nbgrader"] = grading(role, name, points, cell.cell_type)
        if tags:
            cell.metadata["tags"] = tags
        if role == "check" and cell.cell_type == "code":  # it is run, and need not be read
            cell.source = f"# The check: run this cell.\n{cell.source}"
            cell.metadata["jupyter"] = {"source_hidden": True}
        if cell.source.startswith("# @title"):  # in Colab: a button, with its code folded away
            cell.metadata["cellView"] = "form"
    nbformat.validate(notebook)
    return notebook


def grading(role: str, name: str, points: float | None, kind: str) -> dict[str, object]:
    """Say in nbgrader's words what a cell is."""
    graded = role == "check" or (role == "solution" and kind == "markdown")  # by people
    if (points is None) == graded:
        raise ValueError(
            f"The cell {name!r} is {role}: checks and texts to write have points, and no others."
        )
    described = {
        "grade": graded,
        "grade_id": name,
        "locked": role != "solution",
        "schema_version": 3,
        "solution": role == "solution",
        "task": False,
    }
    return described if points is None else {**described, "points": points}


def texts() -> list[Path]:
    """The texts of all assignments."""
    return sorted((ROOT / "book" / "assignments").glob("*/master.md"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", nargs="*", type=Path, help="default: all assignments")
    for path in parser.parse_args().texts or texts():
        notebook = nbformat.writes(master(path.read_text(encoding="utf-8")))
        target = path.with_suffix(".ipynb")
        target.write_text(notebook.rstrip() + "\n", encoding="utf-8", newline="\n")
        print(path.with_suffix(".ipynb"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
