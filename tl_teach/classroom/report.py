"""The teacher's page: how a class did, question by question, and its common mistakes."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from statistics import mean, median
from typing import Any

from .feedback import page, table
from .journal import Journal, replace_file
from .marking import earned
from .master import Master, read_master

_BARS = 10
_MOST_MISTAKES = 12


def report(grades: Path, master_path: Path, out: Path) -> Path:
    """Write a page about a graded class; it names no student and loads nothing.

    Parameters
    ----------
    grades : pathlib.Path
        The table that `grade` wrote; its journal stands beside it.
    master_path : pathlib.Path
        The master notebook.
    out : pathlib.Path
        The page.

    Returns
    -------
    pathlib.Path
        The same.

    Raises
    ------
    ValueError
        If nothing was graded there by this master.
    """
    master = read_master(master_path)
    graded = Journal(grades).entries()
    entries = [entry for entry in graded if entry["master"] == master.digest]
    if not entries:
        raise ValueError(
            f"Nothing in the journal beside {grades} was graded by {master_path} as it is now; "
            "grade with it first."
        )
    others = len(graded) - len(entries)
    left_out = f" {others} others were graded by another master, or before a change." * bool(others)
    marks = [earned(master, entry["result"]) for entry in entries]
    most = sum(master.questions.values())
    totals = [sum(points.values()) for points in marks]
    replace_file(
        out,
        page(
            f"Report: {master.name}",
            f"<p>{len(totals)} submissions; mean {mean(totals):.1f}, "
            f"median {median(totals):g}, of {most:g} points.{left_out}</p>",
            "<h2>Distribution</h2>",
            _histogram(totals, most),
            "<h2>Question by question</h2>",
            table(["question", "points", "mean", "all points", "no points"], _rows(master, marks)),
            "<h2>Common mistakes</h2>",
            table(["submissions", "what they were told"], _mistakes(entries)),
            "<h2>What did not run</h2>",
            table(["submissions", "why"], _troubles(entries)),
        ),
    )
    return out


def _rows(master: Master, marks: list[dict[str, float]]) -> list[list[str]]:
    rows = []
    for name, most in master.questions.items():
        points = [mark[name] for mark in marks]
        full, none = sum(each == most for each in points), sum(each == 0 for each in points)
        rows.append([name, f"{most:g}", f"{mean(points):.1f}", f"{full}", f"{none}"])
    return rows


def _mistakes(entries: list[dict[str, Any]]) -> list[list[str]]:
    told = Counter(
        text
        for entry in entries
        if not entry["result"]["refused"]
        for text in set(entry["result"]["checks"].values())
        if text is not None
    )
    return [[str(count), text] for text, count in told.most_common(_MOST_MISTAKES)]


def _troubles(entries: list[dict[str, Any]]) -> list[list[str]]:
    results = [entry["result"] for entry in entries]
    why = Counter(result["refused"] or result["ended"] for result in results)
    return [[str(count), text] for text, count in why.most_common() if text]


def _histogram(totals: list[float], most: float) -> str:
    """Draw how many submissions earned how many points; the words say the same."""
    width = most / _BARS
    counts = [0] * _BARS
    for total in totals:
        counts[min(_BARS - 1, int(total / width)) if width else 0] += 1
    highest = max(counts)
    bars = "".join(
        f'<rect x="{40 * at + 4}" y="{120 - 100 * count / highest:.1f}" width="32" '
        f'height="{100 * count / highest:.1f}"/>'
        f'<text x="{40 * at + 20}" y="{114 - 100 * count / highest:.1f}" text-anchor="middle">'
        f'{count or ""}</text><text x="{40 * at}" y="136">{at * width:g}</text>'
        for at, count in enumerate(counts)
    )
    words = ", ".join(
        f"{count} from {at * width:g} to {(at + 1) * width:g}"
        for at, count in enumerate(counts)
        if count
    )
    label = escape(f"Submissions by points: {words}.")
    return f'<svg role="img" aria-label="{label}" viewBox="0 0 400 144" width="400">{bars}</svg>'
