"""A small assignment of three questions, and notebooks made from it."""

from __future__ import annotations

import copy
import json
import os
import sys
from pathlib import Path
from typing import Any

import tl_teach
from tl_teach.classroom.limits import Limits

HERE = {
    **os.environ,
    "PYTHONPATH": str(Path(tl_teach.__file__).parents[1]),
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}
"""The environment in which other processes import the tl_teach that is tested."""

LIMITS = Limits(
    seconds=2.0,
    cell_seconds=0.5,
    wall=6.0,
    memory=300 * 2**20,
    disk=16 * 2**20,
    processes=24,
    answers=2**20,
)

SECRET = "tangerine"  # stands in hidden checks only

IMPORTS = "from tl_teach.classroom import expect, question\n\n\n"
MEAN = f'''{IMPORTS}@question("1")
def mean_is_right(mean_of):
    """the mean of a list"""
    expect(mean_of([1, 2, 3]) == 2, "the mean of three numbers", "Divide by their count.")
    ### BEGIN HIDDEN TESTS
    expect(mean_of([{SECRET!r}.count("e"), 5]) == 3.5, "the mean of two numbers", "How many?")
    ### END HIDDEN TESTS
'''
TOTAL = f'''{IMPORTS}@question("2")
def total_is_a_number(total):
    """a number"""
    expect(isinstance(total, int), "a whole number in total", "Use sum.")
'''
TOTAL_HIDDEN = f'''{IMPORTS}@question("2")
def total_is_right(total):
    """the sum of the data"""
    ### BEGIN HIDDEN TESTS
    expect(total == 4 + 8 + 15, "the sum of all data", "Is one left out?")
    ### END HIDDEN TESTS
'''
ORDER = f'''{IMPORTS}@question("3")
def order_is_right(order):
    """the data in order"""
    import numpy as np

    expect(bool((np.diff(order) > 0).all()), "rising numbers", "np.sort helps.")
    ### BEGIN HIDDEN TESTS
    expect(order.tolist() == [4, 8, 15], "all the data", "Nothing is lost by sorting.")
    ### END HIDDEN TESTS
'''
ANSWERS = {
    "mean": "def mean_of(values):\n    return sum(values) / len(values)",
    "total": "total = sum(data)",
    "order": "order = np.sort(data)",
}
POINTS = {"1": 2.0, "2": 3.0, "3": 2.0}


def code(source: str, name: str | None = None, **grading: Any) -> dict[str, Any]:
    """A code cell; with a name, one that nbgrader knows."""
    metadata: dict[str, Any] = {}
    if name is not None:
        known = {"grade": False, "locked": False, "solution": False, "task": False}
        metadata["nbgrader"] = {**known, "schema_version": 3, "grade_id": name, **grading}
    cell = {"cell_type": "code", "metadata": metadata, "source": source}
    return (
        cell
        | {"id": name or f"free-{abs(hash(source)) % 10**8}", "outputs": []}
        | {"execution_count": None}
    )


def check(source: str, name: str, points: float) -> dict[str, Any]:
    cell = code(source, name, grade=True, locked=True, points=points)
    return cell | {"metadata": {**cell["metadata"], "jupyter": {"source_hidden": True}}}


def solution(source: str, name: str) -> dict[str, Any]:
    return code(f"### BEGIN SOLUTION\n{source}\n### END SOLUTION", name, solution=True)


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": copy.deepcopy(list(cells)),
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


MASTER = notebook(
    code("import numpy as np\n\ndata = [15, 4, 8]", "setup", locked=True),
    solution(ANSWERS["mean"], "mean"),
    check(MEAN, "mean-check", 2),
    solution(ANSWERS["total"], "total"),
    check(TOTAL, "total-check", 1),
    check(TOTAL_HIDDEN, "total-hidden", 2),
    solution(ANSWERS["order"], "order"),
    check(ORDER, "order-check", 2),
)


def answered(extra: str = "", **answers: str) -> dict[str, Any]:
    """A submission: right answers, but for those that are given; `extra` runs before all."""
    submission = copy.deepcopy(MASTER)
    for cell in submission["cells"]:
        name = cell["id"]
        if name in ANSWERS:
            cell["source"] = answers.get(name, ANSWERS[name])
        if name.endswith(("-check", "-hidden")):
            cell["source"] = "pass"  # a student's copy of a check is not looked at
    if extra:
        submission["cells"].insert(1, code(extra))
    return submission


def as_bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def write(path: Path, document: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_bytes(document))
    return path
