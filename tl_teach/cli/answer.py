"""How the commands answer: columns on standard output, one sentence on standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def print_columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of words under each other, as wide as they need."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(padded).rstrip())


def complain(error: Exception) -> int:
    """Say on standard error what went wrong, and return the exit code for it."""
    print(f"tl-teach: {error}", file=sys.stderr)
    return 1
