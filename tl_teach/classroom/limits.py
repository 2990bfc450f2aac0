"""What a submission may use, and the refusal where that cannot be enforced."""

from __future__ import annotations

import sys
from dataclasses import dataclass


class NoIsolation(RuntimeError):
    """Isolation cannot be had here; the message says why and what would help."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    seconds : float
        Of the processor, by all of its processes together.
    cell_seconds : float
        Of the processor, by one cell or one call of a function.
    wall : float
        Seconds by the clock, however little it computes.
    memory : int
        Bytes, of all its processes together.
    disk : int
        Bytes of all files in its private folder, and of any one of them.
    processes : int
        Processes and threads.
    answers : int
        Bytes of its answers together.
    """

    seconds: float = 120.0
    cell_seconds: float = 60.0
    wall: float = 600.0
    memory: int = 2 * 2**30
    disk: int = 256 * 2**20
    processes: int = 32
    answers: int = 32 * 2**20


def require_linux() -> None:
    """Refuse other systems, which have no namespaces."""
    if not sys.platform.startswith("linux"):
        raise NoIsolation(
            f"Grading needs Linux, and this is {sys.platform}: grade in a Linux container or "
            "virtual machine; students' own checks run everywhere."
        )
