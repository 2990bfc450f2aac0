"""A log of how often validation was looked at: each look makes the best score a little too good."""

from __future__ import annotations

from collections import Counter

from ..tasks import Split

Log = Counter[tuple[str, str]]
"""How often, by a task's name and how."""

_looks: Log = Counter()


def record(split: Split, how: str) -> None:
    """Note a look at a validation split.

    Parameters
    ----------
    split : Split
        Other roles are not noted.
    how : str
        ``"score"`` or ``"training"``.
    """
    if split.role == "validation":
        _looks[split.info.name, how] += 1


def log() -> Log:
    """Give the looks so far, to compare with later ones."""
    return _looks.copy()


def add(others: Log) -> None:
    """Note what another process has looked at for this one.

    Parameters
    ----------
    others : Counter
        From `log`.
    """
    _looks.update(others)


def so_far(task: str) -> str:
    """Say how often a task's validation was looked at in this process.

    Parameters
    ----------
    task : str
        Its name.

    Returns
    -------
    str
        One sentence, or nothing.
    """
    scores, trainings = _looks[task, "score"], _looks[task, "training"]
    parts = [f"{scores} score{'s' * (scores != 1)}"] if scores else []
    if trainings:
        parts.append(f"{trainings} training{'s' * (trainings != 1)} that watched it")
    return f"Before it, validation was looked at for {' and '.join(parts)}." if parts else ""
