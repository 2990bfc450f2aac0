"""How the commands answer when something went wrong."""

from __future__ import annotations

import sys


def complain(error: Exception) -> int:
    """Say on standard error what went wrong, and return the exit code for it."""
    print(f"tl-teach: {error}", file=sys.stderr)
    return 1
