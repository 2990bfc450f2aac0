"""Suspiciously alike: pairs of submissions that share more than the assignment and chance explain.

Fingerprints of the code's shape: names, numbers and texts are left out, so renaming hides nothing.
The way of choosing fingerprints is that of Schleimer, Wilkerson, Aiken (2003), "Winnowing: local
algorithms for document fingerprinting", https://doi.org/10.1145/872757.872770
"""

from __future__ import annotations

import io
import keyword
import tokenize
import zlib
from collections import Counter
from collections.abc import Iterable
from itertools import combinations

from .master import Master, merge
from .notebook import Cell, cells_of, read_notebook

_GRAM, _WINDOW = 12, 6  # tokens in a fingerprint, and fingerprints of which one is kept
_FEWEST = 10  # fingerprints that a submission must have to be compared
_COMMON = 0.25  # what this share of the class wrote is the obvious way to write it


def similar_pairs(
    master: Master, notebooks: dict[str, bytes], least: float = 0.6
) -> list[tuple[float, str, str]]:
    """List pairs whose own code is alike, the most alike first: a reason to look, never a verdict.

    Parameters
    ----------
    master : Master
        What it gives to everyone does not count.
    notebooks : dict of str to bytes
        By student.
    least : float
        The smallest share of common fingerprints that is listed, 0..1.
    """
    given = _fingerprints(cell for cell in master.cells if cell.role != "solution")
    prints: dict[str, set[int]] = {}
    for student, data in notebooks.items():
        try:
            cells = merge(master, cells_of(read_notebook(data)))
        except ValueError:
            continue
        own = [cell for cell in cells if cell.role in ("solution", "free")]
        prints[student] = _fingerprints(own) - given
    counts = Counter(mark for marks in prints.values() for mark in marks)
    most = max(2, _COMMON * len(prints))
    rare = {name: {m for m in marks if counts[m] <= most} for name, marks in prints.items()}
    compared = [name for name, marks in rare.items() if len(marks) >= _FEWEST]
    pairs = []
    for one, other in combinations(sorted(compared), 2):
        common = len(rare[one] & rare[other])
        share = common / min(len(rare[one]), len(rare[other]))
        if share >= least:
            pairs.append((share, one, other))
    return sorted(pairs, key=lambda pair: (-pair[0], pair[1:]))


def _fingerprints(cells: Iterable[Cell]) -> set[int]:
    marks: set[int] = set()
    for cell in cells:
        shape = _shape(cell.source) if cell.kind == "code" else []
        starts = range(len(shape) - _GRAM + 1)
        grams = [zlib.crc32(" ".join(shape[at : at + _GRAM]).encode()) for at in starts]
        marks |= {min(grams[at : at + _WINDOW]) for at in range(len(grams))}
    return marks


def _shape(source: str) -> list[str]:
    """The code's tokens, with names and values replaced by their kind."""
    shape = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.NAME:
                shape.append(token.string if keyword.iskeyword(token.string) else "name")
            elif token.type in (tokenize.NUMBER, tokenize.STRING):
                shape.append("value")
            elif token.type == tokenize.OP:
                shape.append(token.string)
    except (tokenize.TokenError, SyntaxError):  # as far as it goes
        pass
    return shape
