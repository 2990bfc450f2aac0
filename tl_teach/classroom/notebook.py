"""Notebooks, read as if anyone had made them, and their cells.

Cells carry nbgrader's metadata, so that nbgrader opens the same files:
https://nbgrader.readthedocs.io/en/stable/contributor_guide/metadata.html
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

LARGEST = 16 * 2**20
"""Bytes that a notebook may have; more than its text is pictures that nobody grades."""

_MOST_ITEMS = 2_000_000  # commas: what bounds the memory that parsing takes
_MOST_CELLS = 2_000
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")


class Refused(ValueError):
    """A file cannot be graded as a notebook; the message says why."""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes
    ----------
    kind, source : str
        ``"code"``, ``"markdown"`` or ``"raw"``, and its text.
    role : str
        ``"given"`` (locked), ``"solution"``, ``"check"`` or ``"free"``.
    ids : tuple of str
        What it may be called, the surest first: nbgrader's grade_id, then its identifiers as a
        cell, which survive programs that drop metadata.
    points : float
        For a check; whatever the notebook says, which only a master is asked for.
    as_given : str
        `digest` of the text that students were given, where they should leave it.
    """

    kind: str
    source: str
    role: str = "free"
    ids: tuple[str, ...] = ()
    points: float = 0.0
    as_given: str = ""

    @property
    def id(self) -> str:
        """Its grade_id."""
        return self.ids[0] if self.ids else ""

    @property
    def digest(self) -> str:
        """Changes with its text, but for blanks at the ends of lines."""
        return digest(self.source)


def read_notebook(data: bytes) -> dict[str, Any]:
    """Parse a notebook that anyone may have made; refuse what is none, each case in a sentence.

    Examples
    --------
    >>> read_notebook(b"print('hello')")
    Traceback (most recent call last):
    ...
    tl_teach.classroom.notebook.Refused: This is no notebook: it is not JSON; ...
    """
    if len(data) > LARGEST or data.count(b",") > _MOST_ITEMS:
        raise Refused(
            f"This notebook is larger than {LARGEST / 2**20:.0f} MB or holds too many items; "
            "clear its outputs and hand it in again."
        )
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused("This is no notebook: its text is not UTF-8.") from None
    except RecursionError:
        raise Refused("This notebook is nested too deeply to be one.") from None
    except ValueError:
        raise Refused(
            "This is no notebook: it is not JSON; download it again as .ipynb, not as a script."
        ) from None
    if not isinstance(document, dict) or not isinstance(document.get("metadata", {}), dict):
        raise Refused("This is no notebook: it is JSON, but of something else.")
    if document.get("nbformat") != 4 or not isinstance(document.get("cells"), list):
        raise Refused(
            f"This notebook has the format {str(document.get('nbformat'))[:20]}, not 4; "
            "open it in Jupyter and save it again."
        )
    language = _language(document.get("metadata", {}))
    if language != "python":
        raise Refused(f"This notebook is written for {language[:40]!r}, not for Python.")
    if len(document["cells"]) > _MOST_CELLS:
        raise Refused(f"This notebook has more than {_MOST_CELLS:,} cells.")
    for number, cell in enumerate(document["cells"], start=1):
        _require_cell(number, cell)
    return document


def cells_of(document: dict[str, Any]) -> list[Cell]:
    """Take the cells out of a notebook, without outputs and attachments."""
    return [_cell(raw) for raw in document["cells"]]


def digest(source: str) -> str:
    """Tell a cell's text from others, whatever stands at the ends of its lines."""
    lines = [line.rstrip() for line in source.strip().splitlines()]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()[:12]


def cut(source: str, region: str, stub: bool = False) -> tuple[str, list[str]]:
    r"""Cut a region out of a cell, and put nbgrader's stub in its place if it is a solution.

    Examples
    --------
    >>> cut("a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS", "HIDDEN TESTS")
    ('a', ['b'])
    """
    kept: list[str] = []
    removed: list[str] = []
    inside = False
    for line in source.splitlines():
        begins, ends = f"BEGIN {region}" in line, f"END {region}" in line
        if (begins and inside) or (ends and not inside):
            raise ValueError(f"A region of {region} begins or ends twice, near {line.strip()!r}.")
        if begins and stub:
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + part for part in STUB]
        if not (begins or ends):
            (removed if inside else kept).append(line)
        inside = begins or (inside and not ends)
    if inside:
        raise ValueError(f"A region of {region} has no end; add '### END {region}'.")
    return "\n".join(kept), removed


def _language(metadata: dict[str, Any]) -> str:
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        described = metadata.get(part)
        if isinstance(described, dict) and described.get(key):
            return str(described[key]).lower()
    return "python"


def _require_cell(number: int, cell: Any) -> None:
    sound = isinstance(cell, dict) and isinstance(cell.get("metadata", {}), dict)
    source = cell.get("source", "") if sound else None
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = cell["source"] = "".join(source)
    if not sound or not isinstance(source, str) or not isinstance(cell.get("cell_type"), str):
        raise Refused(f"Cell {number} of this notebook is damaged; open it in Jupyter and save it.")


def _cell(raw: dict[str, Any]) -> Cell:
    metadata = raw.get("metadata", {})
    grading = metadata.get("nbgrader")
    grading = grading if isinstance(grading, dict) else {}
    names = (grading.get("grade_id"), raw.get("id"), metadata.get("id"))
    role = "free"
    if grading.get("solution"):
        role = "solution"
    elif grading.get("grade"):
        role = "check"
    elif grading.get("locked"):
        role = "given"
    points = grading.get("points", 0)
    own = metadata.get("tl_teach")
    as_given = own.get("as_given") if isinstance(own, dict) else None
    return Cell(
        kind=raw["cell_type"],
        source=raw.get("source", ""),
        role=role,
        ids=tuple(name for name in names if isinstance(name, str)),
        points=points if isinstance(points, int | float) else 0.0,
        as_given=as_given if isinstance(as_given, str) else "",
    )
