"""Marking one submission: its cells run in one jail, the master's checks in another, after it."""

from __future__ import annotations

import json
from typing import Any

from .jail import Limits
from .notebook import Master, Refused, cells_of, merge, read_notebook
from .run import steps_of
from .slot import Heard, Slot

Probe = tuple[str, str, Any]
"""What is asked of a student's function: the check, the function's name, encoded arguments."""

Result = dict[str, Any]
"""What a submission earned: plain JSON, as the journal keeps it."""


def prepare(slot: Slot, master: Master, limits: Limits) -> list[Probe]:
    """Run the master, note what its checks ask of functions, and see that it passes itself.

    Parameters
    ----------
    slot : Slot
        Where it runs.
    master : Master
        The assignment.
    limits : Limits
        Those of a submission.

    Returns
    -------
    list of tuple
        What every submission is asked.

    Raises
    ------
    ValueError
        If the master does not earn its own points under these limits.
    """
    code = [cell for cell in master.cells if cell.kind == "code"]
    steps = steps_of(code, master.checks, sources=True)
    job = {"part": "rehearse", "steps": steps, "cell_seconds": limits.cell_seconds}
    heard = slot.run(job, limits)
    _require(heard.ended, heard.of("error"))
    probes = [
        (check, name, asked)
        for check in master.checks
        for name, asked in json.loads(heard.of("asks").get(check, "[]"))
    ]
    again = _mark(slot, master, probes, list(master.cells), limits)
    failed = {check: text for check, text in again["checks"].items() if text is not None}
    _require(again["ended"], again["errors"] | again["broken"] | failed)
    return probes


def mark_submission(
    slot: Slot, master: Master, probes: list[Probe], data: bytes, limits: Limits
) -> Result:
    """Mark one submission.

    Parameters
    ----------
    slot : Slot
        Where it runs.
    master : Master
        The assignment.
    probes : list of tuple
        What `prepare` gave.
    data : bytes
        The notebook, as it was handed in.
    limits : Limits
        What it may use.

    Returns
    -------
    dict
        ``checks``: by identifier, None for a pass, or why it failed; ``errors``: by cell;
        ``ended`` and ``refused``: why it was stopped, or not run; ``seconds``; ``memory``.
    """
    try:
        cells = cells_of(read_notebook(data))
    except Refused as reason:
        checks = dict.fromkeys(master.checks, "nothing could be run")
        return {"checks": checks, "errors": {}, "ended": "", "refused": str(reason)}
    return _mark(slot, master, probes, cells, limits)


def earned(master: Master, result: Result) -> dict[str, float]:
    """Points by question.

    Parameters
    ----------
    master : Master
        Says what each check is worth.
    result : dict
        What `mark_submission` gave.
    """
    points = dict.fromkeys(master.questions, 0.0)
    for check in master.checks.values():
        if result["checks"].get(check.id, "not marked") is None:
            points[check.question] += check.points
    return points


def _mark(slot: Slot, master: Master, probes: list[Probe], cells: list, limits: Limits) -> Result:
    steps = steps_of(merge(master, cells), master.checks, sources=False)
    job = {"part": "sit", "steps": steps, "cell_seconds": limits.cell_seconds}
    job["room"] = limits.answers // 2  # the rest is for what functions answer
    sat = slot.run(job, limits, then=lambda: probes)
    job = {"part": "mark", "checks": _papers(master, probes, sat)}
    marked = slot.run(job | {"cell_seconds": limits.cell_seconds}, limits)
    verdicts = {check: json.loads(text) for check, text in marked.of("mark").items()}
    unfinished = "✗ this could not be checked"
    return {
        "checks": {check: verdicts.get(check, unfinished) for check in master.checks},
        "errors": {label: _short(text) for label, text in sat.of("error").items()},
        "ended": sat.ended or marked.ended,
        "refused": "",
        "broken": {check: _short(text) for check, text in marked.of("broken").items()},
        "seconds": sat.seconds,
        "memory": sat.memory,
    }


def _papers(master: Master, probes: list[Probe], sat: Heard) -> list[dict[str, Any]]:
    """Put each check beside what the student's process said about it, unread."""
    papers = []
    for check in master.checks.values():
        calls = [
            (name, asked, sat.of("call").get(str(number), ""))
            for number, (of, name, asked) in enumerate(probes)
            if of == check.id
        ]
        answers = sat.of("answers").get(check.id, "{}")
        paper = {"id": check.id, "source": check.source, "names": check.names}
        papers.append(paper | {"answers": answers, "calls": calls})
    return papers


def _short(text: str) -> str:
    """Read a message that a student's process sent, if it is one."""
    try:
        message = json.loads(text[:4000])
    except ValueError:
        return "a message that could not be read"
    return str(message)[:300]


def _require(ended: str, errors: dict[str, Any]) -> None:
    if ended or errors:
        first = ended or "; ".join(f"{key}: {text}" for key, text in list(errors.items())[:2])
        raise ValueError(f"The master does not pass itself: {first}")
