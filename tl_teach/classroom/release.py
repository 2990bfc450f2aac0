"""Releasing an assignment: what students get, and nothing that they should find out themselves."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .journal import replace_file
from .master import read_master
from .notebook import STUB, Cell, cells_of, cut, digest, read_notebook
from .run import rehearse, steps_of, working_in

_KEPT = ("nbgrader", "tags", "jupyter", "cellView", "deletable", "editable")
_TEXT_STUB = "YOUR ANSWER HERE"
_SHORTEST = 32  # characters, blanks left out, of a line that anyone may not write by chance
_LITERAL = re.compile(r"\w+=(['\"]?)[\w.+-]+\1")


class Leak(ValueError):
    """Something that students must not see would be in the released notebook."""


def release(master_path: Path, folder: Path) -> Path:
    """Write the students' version of a master.

    Solutions and hidden checks are cut out; of outputs, those of visible checks are kept, as the
    reference that nbval compares with.

    Parameters
    ----------
    master_path : pathlib.Path
        The master notebook.
    folder : pathlib.Path
        Where the students' notebook goes; it is named for the assignment.

    Returns
    -------
    pathlib.Path
        The notebook.

    Raises
    ------
    Leak
        If a line of a solution or a hidden check would still be in it, anywhere.
    ValueError
        If the master does not pass itself.
    """
    master = read_master(master_path)
    document = read_notebook(master_path.read_bytes())
    student, secrets = strip(document)
    _require_none(secrets, student)
    outputs = _rehearsed(master.cells, master.checks)
    for number, raw in enumerate(student["cells"], start=1):
        text = outputs.get(raw["metadata"].get("nbgrader", {}).get("grade_id"))
        if text is not None:
            raw["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
            raw["execution_count"] = number
            raw["metadata"].setdefault("tags", []).append("nbval-check-output")
    _require_none(secrets, student)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{master.name}.ipynb"
    replace_file(path, json.dumps(student, indent=1, ensure_ascii=False) + "\n")
    return path


def strip(document: dict[str, Any]) -> tuple[dict[str, Any], list[list[str]]]:
    """Give the students' notebook, without outputs, and the lines that were cut out, by cell."""
    student = copy.deepcopy(document)
    secrets: list[list[str]] = []
    for raw, cell in zip(student["cells"], cells_of(document), strict=True):
        visible, solution = cut(cell.source, "SOLUTION", stub=True)
        if solution and cell.role != "solution":
            raise Leak(f"The cell {cell.id!r} holds a solution, but is not marked as one.")
        if cell.role == "solution" and not solution:  # as nbgrader: then all of it is the solution
            solution = cell.source.splitlines()
            visible = "\n".join(STUB) if cell.kind == "code" else _TEXT_STUB
        visible, hidden = cut(visible, "HIDDEN TESTS")
        secrets += [lines for lines in (solution, hidden) if lines]
        raw["source"] = visible
        raw["metadata"] = {
            key: value for key, value in raw.get("metadata", {}).items() if key in _KEPT
        }
        if cell.kind == "code":
            raw["outputs"], raw["execution_count"] = [], None
            if cell.role in ("given", "check"):
                raw["metadata"]["tl_teach"] = {"as_given": digest(visible)}
    names = {"kernelspec", "language_info"}
    student["metadata"] = {key: student["metadata"][key] for key in names & {*student["metadata"]}}
    return student, secrets


def _rehearsed(cells: tuple[Cell, ...], checks: dict) -> dict[str, str]:
    """Run the master; give what each check prints in the students' version."""
    heard: dict[str, dict[str, Any]] = {}

    def send(word: str, key: str, content: Any) -> None:
        heard.setdefault(word, {})[key] = content

    steps = steps_of((cell for cell in cells if cell.kind == "code"), checks, sources=True)
    with tempfile.TemporaryDirectory() as folder, working_in(Path(folder)):
        rehearse({"steps": steps, "cell_seconds": None}, send, list)
    if "error" in heard:
        message = next(iter(heard["error"].values()))
        raise ValueError(f"The master does not pass itself, so it is not released: {message}")
    return heard["output"]


def _require_none(secrets: list[list[str]], student: dict[str, Any]) -> None:
    """Look for what was taken out in every text of the students' notebook."""
    telling = {_dense("".join(lines)): lines[0].strip() for lines in secrets}
    telling |= {_dense(line): line.strip() for lines in secrets for line in lines if _tells(line)}
    telling.pop("", None)
    parts = {f"cell {number}": raw for number, raw in enumerate(student["cells"], start=1)}
    for name, part in (parts | {"the notebook": {"metadata": student["metadata"]}}).items():
        if "not-secret" in part["metadata"].get("tags", []):
            continue
        for place, text in _texts(part, ""):
            dense = _dense(text)
            for secret, line in telling.items():
                if secret in dense:
                    raise Leak(
                        f"A solution would leak, in the {place} of {name}: {line!r}; reword it, "
                        "or tag the cell not-secret if students may see this line."
                    )


def _tells(line: str) -> bool:
    """Whether a line alone gives a solution away: a long one, or a name that is given a value."""
    dense = _dense(line)
    long = len(dense) >= _SHORTEST and not dense.endswith((":", "(", "["))
    return long or bool(_LITERAL.fullmatch(dense))


def _dense(text: str) -> str:
    return "".join(text.split())


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Give every text in a cell with where it stands; what is in base64, in plain too."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, place or str(key))
            yield place or "metadata", str(key)
    elif isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            value = "".join(value)
        else:
            for item in value:
                yield from _texts(item, place)
    if isinstance(value, str):
        yield place, value
        with contextlib.suppress(ValueError):
            yield place, base64.b64decode(_dense(value), validate=True).decode("utf-8", "ignore")
