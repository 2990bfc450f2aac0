"""What was left out of a reader's own data, and why."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_EXAMPLES = 3


@dataclass(frozen=True)
class Problem:
    """A file, a folder, a row of a table or an item in memory that a task does not use.

    Attributes
    ----------
    file : str
        Its name, from the task's folder on; ``"item 3"`` of items in memory.
    reason : str
        Why it is not used, in words that many files may share.
    detail : str
        What else is known of this one.
    """

    file: str
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, repr=False)
class Report:
    """All that a task does not use of the data it was given.

    It is a sequence of problems; as text it counts them and names a few.

    Attributes
    ----------
    problems : tuple of Problem
        One for each file, folder, row or item that is left out.

    Examples
    --------
    >>> report = Report((Problem("cat/1.jpg", "empty"), Problem("dog/7.jpg", "empty")))
    >>> report
    2 are not used:
      2 empty: cat/1.jpg, dog/7.jpg
    >>> [problem.file for problem in report]
    ['cat/1.jpg', 'dog/7.jpg']
    """

    problems: tuple[Problem, ...] = ()

    @property
    def reasons(self) -> str:
        """How many are left out for which reason, in one line."""
        counts = Counter(problem.reason for problem in self.problems).items()
        return ", ".join(f"{count:,} {reason}" for reason, count in counts)

    def __len__(self) -> int:
        return len(self.problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    def __repr__(self) -> str:
        if not self.problems:
            return "everything is used"
        by_reason: dict[str, list[str]] = {}
        for problem in self.problems:
            by_reason.setdefault(problem.reason, []).append(problem.file)
        lines = [f"{len(self)} {'is' if len(self) == 1 else 'are'} not used:"]
        for reason, files in sorted(by_reason.items(), key=lambda item: -len(item[1])):
            more = ", ..." if len(files) > _EXAMPLES else ""
            lines.append(f"  {len(files):,} {reason}: {', '.join(files[:_EXAMPLES])}{more}")
        return "\n".join(lines)


def tell(report: Report, name: str) -> None:
    """Warn the caller of the public function that calls this of what is left out.

    Parameters
    ----------
    report : Report
        If it is empty, nothing is said.
    name : str
        Of the task.
    """
    if report:
        text = f"Of your data in {name!r}, {report}\ntask.report lists them."
        warnings.warn(text, stacklevel=3)
