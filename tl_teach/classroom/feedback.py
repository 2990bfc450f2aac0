"""Feedback: one page for each student, with nothing in it that is fetched from anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from .journal import Journal, replace_file
from .layouts import Submission
from .marking import earned
from .master import Master

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1b1b; background: #fff }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem;
       border-bottom: 1px solid #ccc; vertical-align: top } .number { text-align: right }
.passed::before { content: "✓ " } .failed::before { content: "✗ " }
svg { max-width: 100%; height: auto } rect { fill: #1f5fa8 } text { font: 12px sans-serif }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #1b1b1b }
       rect { fill: #8fbdf0 } text { fill: #eee } }
"""


def write_feedback(
    journal: Journal, submissions: Iterable[Submission], master: Master, folder: Path
) -> None:
    """Write a page for each student who has been graded, under names that never meet."""
    folder.mkdir(parents=True, exist_ok=True)
    for submission in submissions:
        entry = journal.read(submission.key)
        if entry is not None:
            replace_file(folder / f"{submission.key}.html", _feedback(master, entry))


def page(title: str, *parts: str) -> str:
    """Give a whole page; in its parts, everything from students is escaped already."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return "\n".join(
        [
            f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>',
            f"<h1>{escape(title)}</h1>",
            *parts,
            "</body></html>\n",
        ]
    )


def table(heading: list[str], rows: list[list[str]]) -> str:
    """Give a table whose cells are plain text."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in heading)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _feedback(master: Master, entry: dict[str, Any]) -> str:
    result = entry["result"]
    points = earned(master, result)
    total = f"{sum(points.values()):g} of {sum(master.questions.values()):g} points"
    parts = [f"<p>{escape(entry['student'])}: <strong>{total}</strong></p>"]
    for reason in [result["refused"], _stopped(result["ended"]), _changed(result)]:
        parts += [f"<p>{escape(reason)}</p>"] if reason else []
    for name, most in master.questions.items():
        parts.append(f"<h2>Question {escape(name)}: {points[name]:g} of {most:g}</h2><ul>")
        for check in master.checks.values():
            if check.question == name:
                text = result["checks"].get(check.id, "not marked")
                kind, words = ("passed", check.title) if text is None else ("failed", _plain(text))
                parts.append(f'<li class="{kind}">{escape(words)} ({check.points:g})</li>')
        parts.append("</ul>")
    if result["errors"]:
        parts.append("<h2>Cells that did not run</h2>")
        parts.append(table(["cell", "error"], [list(pair) for pair in result["errors"].items()]))
    return page(f"Feedback: {master.name}", *parts)


def _stopped(ended: str) -> str:
    return f"Your notebook did not run to its end: {ended}. Earlier answers count." if ended else ""


def _changed(result: dict[str, Any]) -> str:
    names = ", ".join(map(str, result.get("changed", [])))
    return f"You changed what was given to you ({names}); it was graded as given." if names else ""


def _plain(text: str) -> str:
    """The question's name stands above already."""
    return text.removeprefix("✗ ").partition(": ")[2] or text
