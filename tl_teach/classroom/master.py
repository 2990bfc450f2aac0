"""Masters: the only place that points and checks are read from."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from .notebook import Cell, cells_of, read_notebook


@dataclass(frozen=True)
class Check:
    """A check cell: its question, what it is worth, and the names of the answers it looks at."""

    id: str
    question: str
    title: str
    points: float
    names: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Master:
    """An assignment with its solutions and hidden checks."""

    name: str
    cells: tuple[Cell, ...]

    @cached_property
    def checks(self) -> dict[str, Check]:
        """The checks by identifier, in order."""
        return {cell.id: _check(cell) for cell in self.cells if cell.role == "check"}

    @cached_property
    def questions(self) -> dict[str, float]:
        """Points of each question."""
        points: dict[str, float] = {}
        for check in self.checks.values():
            points[check.question] = points.get(check.question, 0.0) + check.points
        return points

    @cached_property
    def digest(self) -> str:
        """Changes with every cell."""
        return hashlib.sha256(repr(self.cells).encode("utf-8", "replace")).hexdigest()[:16]

    @cached_property
    def imports(self) -> list[str]:
        """The modules that its cells import."""
        names = set()
        for node in self._nodes():
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
        return sorted(names)

    def loads(self, function: str) -> list[str]:
        """What a function of the library is called with: names of tasks or networks."""
        names = set()
        for node in self._nodes():
            if isinstance(node, ast.Call) and node.args:
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                first = getattr(node.args[0], "value", None)
                if called == function and isinstance(first, str):
                    names.add(first)
        return sorted(names)

    def _nodes(self) -> Iterator[ast.AST]:
        for cell in self.cells:
            if cell.kind == "code":
                yield from ast.walk(_parse(cell.source))


def read_master(path: str | Path) -> Master:
    """Read a master; ``master.ipynb`` takes the name of the folder that it stands in.

    Raises
    ------
    ValueError
        If it is no notebook, or its checks are not what they should be.
    """
    path = Path(path)
    name = path.resolve().parent.name if path.stem == "master" else path.stem
    master = Master(name, tuple(cells_of(read_notebook(path.read_bytes()))))
    ids = [cell.id for cell in master.cells if cell.role != "free"]
    twice = sorted({each for each in ids if ids.count(each) > 1})
    if twice:
        raise ValueError(f"The grade_id {twice[0]!r} stands twice in {path}; give each its own.")
    if not master.checks:
        raise ValueError(f"{path} has no cell that is graded; see book/assignments/README.md.")
    return master


def changed(master: Master, cells: list[Cell]) -> list[str]:
    """Name the given cells of code whose text a submission has changed; the change is lost."""
    given = {cell.id: cell for cell in master.cells if (cell.kind, cell.role) == ("code", "given")}
    named = [(next((id for id in cell.ids if id in given), ""), cell) for cell in cells]
    return sorted({id for id, cell in named if id and cell.digest != given[id].digest})


def merge(master: Master, cells: list[Cell]) -> list[Cell]:
    """Give the code that a submission is graded by, in the student's order.

    Locked cells and checks are the master's, whatever the student's copy says; those that are
    missing are put back where they belong. Everything else is the student's.
    """
    place = {cell.id: at for at, cell in enumerate(master.cells) if cell.role != "free"}
    named = [(next((id for id in cell.ids if id in place), None), cell) for cell in cells]
    present = {id for id, _ in named}
    missing = [
        at for id, at in place.items() if id not in present and master.cells[at].role != "solution"
    ]
    merged, seen = [], set()
    for id, cell in named:
        if id is None:
            merged.append(replace(cell, role="free"))
            continue
        while missing and missing[0] < place[id]:
            merged.append(master.cells[missing.pop(0)])
        own = master.cells[place[id]]
        if id not in seen:
            theirs = replace(cell, role="solution", ids=(id,))
            merged.append(theirs if own.role == "solution" else own)
        elif own.role != "check":  # copied by hand: it runs too, as in the student's notebook
            merged.append(replace(cell, role="free"))
        seen.add(id)
    merged += [master.cells[at] for at in missing]
    return [cell for cell in merged if cell.kind == "code"]


def _check(cell: Cell) -> Check:
    """Read question and answers off the function that `question` decorates."""
    functions = [n for n in _parse(cell.source).body if isinstance(n, ast.FunctionDef)]
    for function in functions:
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "question":
                names = tuple(argument.arg for argument in function.args.args)
                if not 0 <= cell.points < 1e6:  # no number is neither
                    raise ValueError(
                        f"The cell {cell.id!r} has {str(cell.points)[:20]} points; "
                        "expected a number from 0 on."
                    )
                title = (ast.get_docstring(function) or function.name).splitlines()[0]
                name = str(ast.literal_eval(decorator.args[0]))
                return Check(cell.id, name, title, float(cell.points), names, cell.source)
    raise ValueError(
        f"The cell {cell.id!r} has points, but no function under @question(...); "
        "see book/assignments/README.md."
    )


def _parse(source: str) -> ast.Module:
    try:
        return ast.parse(re.sub(r"(?m)^(\s*)[%!].*", r"\1pass", source))  # magics are not Python
    except SyntaxError:
        return ast.Module([], [])
