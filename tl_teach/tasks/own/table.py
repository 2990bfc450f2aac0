"""Targets of a reader's own pictures, from a table of file names."""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path

from ...wording import unknown
from ..report import Problem
from .listing import as_key
from .targets import Label, Targets

_FILE_COLUMNS = ("file", "filename", "image", "path")
_MISSING = {"", "na", "n/a", "nan", "null", "?"}
_DECIMAL_COMMA = re.compile(r"^([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)$")
_MOST_CLASSES = 20  # of whole numbers; more different ones are taken for measurements


def read_table(
    table: Path,
    files: Collection[str],
    column: str | Sequence[str] | None,
    kind: str | None,
    groups: str | None,
) -> tuple[Targets, list[Problem]]:
    """Read what a table says of files; see `load_task` for its form.

    Parameters
    ----------
    table : pathlib.Path
        The table.
    files : collection of str
        Keys of the files that there are.
    column : str or sequence of str or None
        What is to be predicted.
    kind : str or None
        Kind of task; chosen by the entries if None.
    groups : str or None
        Column that says which files belong together.

    Returns
    -------
    targets : Targets
        For the files that there are and whose row can be read.
    problems : list of Problem
        The other rows and files.

    Raises
    ------
    ValueError
        If the table cannot be read, or has no such columns.
    """
    header, rows = _rows(table)
    if as_key(header[0]) in files:
        raise ValueError(
            f"The first row of {table.name} is about the file {header[0]!r}; put a row with the "
            "names of the columns on top."
        )
    name_at = next((at for at, name in enumerate(header) if name.lower() in _FILE_COLUMNS), 0)
    columns = _columns(table.name, header, header[name_at], column, groups)
    if len(columns) > 1 and kind == "classification":
        raise ValueError(
            f"The columns {', '.join(map(repr, columns))} cannot be one class; name one column, or "
            "set kind='multilabel' if they hold 0 and 1."
        )
    wanted = [header.index(name) for name in [*columns, *([groups] if groups else [])]]
    found, problems = _one_row_a_file(rows, files, name_at, wanted)
    entries = {name: cells[: len(columns)] for name, cells in found.items()}
    reader = _Reader(columns, kind, list(entries.values()))
    labels: dict[str, Label] = {}
    for name, cells in entries.items():
        label = reader.label(cells)
        if label is None:
            problems.append(Problem(name, "unreadable target", "; ".join(cells)))
        elif groups and _missing(found[name][-1]):
            problems.append(Problem(name, "row without a group"))
        else:
            labels[name] = label
    seen = {*labels, *(problem.file for problem in problems)}
    problems += [Problem(name, "not in the table") for name in files if name not in seen]
    belongs = {name: found[name][-1] for name in labels} if groups else None
    return Targets(reader.kind, labels, reader.outputs, belongs), problems


class _Reader:
    """Decides once for the whole table what its entries are, then reads them row by row."""

    def __init__(self, columns: list[str], kind: str | None, entries: list[list[str]]):
        self.columns = columns
        present = [cell for cells in entries for cell in cells if not _missing(cell)]
        numbers = [number for cell in present if (number := _number(cell)) is not None]
        # A stray word among numbers is a mistake, not a class; by name, it may be one.
        self.numeric = kind != "classification" and 2 * len(numbers) > len(present)
        self.kind = kind or self._kind_of(present, numbers)
        self.outputs = tuple(columns) if self.kind == "regression" or len(columns) > 1 else ()

    def _kind_of(self, present: list[str], numbers: list[float]) -> str:
        if len(self.columns) > 1:
            return "multilabel" if set(numbers) <= {0.0, 1.0} else "regression"
        if not self.numeric:
            return "multilabel" if any(";" in cell for cell in present) else "classification"
        whole = all(number.is_integer() for number in numbers)
        return "classification" if whole and len(set(numbers)) <= _MOST_CLASSES else "regression"

    def label(self, cells: list[str]) -> Label | None:
        """Read one row; None if it cannot be read."""
        if any(map(_missing, cells)):
            return None
        numbers = [_number(cell) for cell in cells]
        if self.kind == "regression":
            values = [number for number in numbers if number is not None]
            return tuple(values) if len(values) == len(cells) else None
        if len(cells) > 1:
            if not set(numbers) <= {0.0, 1.0}:
                return None
            return frozenset(
                name for name, number in zip(self.columns, numbers, strict=True) if number
            )
        if self.kind == "multilabel":
            return frozenset(part.strip() for part in cells[0].split(";") if part.strip()) or None
        number = numbers[0]
        if number is not None and number.is_integer() and abs(number) < 2**53:
            return str(int(number))  # 3 and 3.0 are one class; long numbers are not exact
        return None if self.numeric and number is None else cells[0]


def _rows(table: Path) -> tuple[list[str], list[list[str]]]:
    """Read the names of the columns, and the rows that are not empty, filled up to their number."""
    try:
        text = table.read_bytes().decode("utf-8-sig")
        first = text.splitlines()[0] if text.strip() else ""
        delimiter = max(",;\t", key=first.count)
        parsed = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except OSError as error:
        raise ValueError(
            f"The table {table} cannot be read ({error.strerror}); target= names a CSV file in the "
            "folder of the pictures."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{table.name} cannot be read as a table ({error}); save it as CSV in UTF-8."
        ) from error
    lines = [[_clean(cell) for cell in line] for line in parsed]
    if delimiter == ";":  # such tables come from where the comma is the decimal mark
        lines = [[_DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in line] for line in lines]
    lines = [line for line in lines if any(line)]
    header = lines[0] if lines else []
    if len(header) < 2 or len(set(header)) < len(header):
        raise ValueError(
            f"The first row of {table.name} is {header}, but a table needs the names of its "
            "columns there, all different: one for the file names, one or more for the targets."
        )
    width = len(header)
    return header, [(line + [""] * width)[:width] for line in lines[1:]]


def _one_row_a_file(
    rows: list[list[str]], files: Collection[str], name_at: int, wanted: list[int]
) -> tuple[dict[str, list[str]], list[Problem]]:
    """Give the entries that are wanted of each file that there is."""
    found: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for row in rows:
        name, cells = as_key(row[name_at] or "(no name)"), [row[at] for at in wanted]
        if name not in files:
            problems.append(Problem(name, "row without a file"))
        elif found.setdefault(name, cells) != cells:
            problems.append(Problem(name, "rows that disagree"))
    problems = list(dict.fromkeys(problems))  # a file may have three rows
    for problem in problems:
        found.pop(problem.file, None)
    return found, problems


def _columns(
    table: str,
    header: list[str],
    file_column: str,
    column: str | Sequence[str] | None,
    groups: str | None,
) -> list[str]:
    others = [name for name in header if name not in (file_column, groups)]
    if groups is not None and (groups not in header or groups == file_column):
        raise ValueError(unknown(f"column of groups in {table}", groups, others))
    if column is None:
        if len(others) != 1:
            raise ValueError(
                f"{table} has {len(others)} columns that could be the target "
                f"({', '.join(map(repr, others))}); say which one with column=."
            )
        return others
    chosen = [column] if isinstance(column, str) else list(column)
    for name in chosen:
        if name not in others:
            raise ValueError(unknown(f"column in {table}", name, others))
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"column={column!r} does not work: expected one or more different names.")
    return chosen


def _clean(cell: str) -> str:
    return unicodedata.normalize("NFC", cell.strip())


def _missing(cell: str) -> bool:
    return cell.lower() in _MISSING


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
