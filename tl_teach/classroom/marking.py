"""Marking one submission: its cells run in one jail, the master's checks in another, after it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .answers import read_json
from .limits import Limits
from .master import Master, changed, merge
from .notebook import Cell, Refused, cells_of, read_notebook
from .run import LONGEST, steps_of
from .slot import Heard, Slot

Probe = tuple[str, str, Any]
"""What is asked of a student's function: the check, the function's name, encoded arguments."""


@dataclass(frozen=True)
class Rehearsal:
    """What one run of a master told, for all submissions.

    Attributes
    ----------
    probes : list of Probe
        What each submission's functions are asked.
    modules : list of str
        What was imported.
    kept : bytes
        What frozen stages gave, see `Store.pack`; only checks may use it.
    """

    probes: list[Probe] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    kept: bytes = b""


class Desks(NamedTuple):
    """Two slots: students' cells run at one, the master's checks at the other."""

    cells: Slot
    checks: Slot


_PASSED = "null\n"

Result = dict[str, Any]
"""What a submission earned, as the journal keeps it. ``checks``: None for a pass, or why it failed;
``errors``: by cell; ``ended``, ``refused``: why it was stopped, or not run; ``broken``: checks that
failed by the master's own fault; ``changed``: given cells that had another text; ``seconds``."""


def rehearse(slot: Slot, master: Master, limits: Limits) -> Rehearsal:
    """Run a master, and note what its checks ask of functions and what it needs.

    A master that does not earn its own points raises ValueError.
    """
    code = [cell for cell in master.cells if cell.kind == "code"]
    steps = steps_of(code, master.checks, sources=True)
    job = {"part": "rehearse", "steps": steps, "cell_seconds": limits.cell_seconds}
    job["room"] = limits.answers // 4  # base64 makes it a third longer; the rest is for probes
    heard = slot.run(job, limits)
    _require(heard.ended, {key: _short(text) for key, text in heard.of("error").items()})
    probes = [
        (check, name, asked)
        for check in master.checks
        for name, asked in read_json(heard.of("asks").get(check, ""), unread=[])
    ]
    modules = read_json(heard.of("modules").get("", ""), unread=[])
    kept = base64.b64decode(read_json(heard.of("kept").get("", ""), unread=""))
    return Rehearsal(probes, modules, kept)


def require_passing(desks: Desks, master: Master, rehearsal: Rehearsal, limits: Limits) -> None:
    """Mark the master as a submission; raise ValueError if it does not earn its own points."""
    again = _mark(desks, master, rehearsal.probes, list(master.cells), limits)
    failed = {check: text for check, text in again["checks"].items() if text is not None}
    _require(again["ended"], again["errors"] | again["broken"] | failed)


def mark_submission(
    desks: Desks, master: Master, probes: list[Probe], data: bytes, limits: Limits
) -> Result:
    """Mark one notebook, as it was handed in."""
    try:
        cells = cells_of(read_notebook(data))
    except Refused as reason:
        return unmarked(master, refused=str(reason))
    return _mark(desks, master, probes, cells, limits)


def unmarked(master: Master, refused: str = "", ended: str = "") -> Result:
    """Give the result of a submission that did not run."""
    checks = dict.fromkeys(master.checks, "✗ nothing could be run.")
    nothing: Result = {"checks": checks, "errors": {}, "broken": {}, "changed": [], "seconds": 0.0}
    return nothing | {"refused": refused, "ended": ended}


def earned(master: Master, result: Result) -> dict[str, float]:
    """Give the points of each question."""
    points = dict.fromkeys(master.questions, 0.0)
    for check in master.checks.values():
        if result["checks"].get(check.id, "not marked") is None:
            points[check.question] += check.points
    return points


def _mark(
    desks: Desks, master: Master, probes: list[Probe], cells: list[Cell], limits: Limits
) -> Result:
    steps = steps_of(merge(master, cells), master.checks, sources=False)
    job = {"part": "sit", "steps": steps, "cell_seconds": limits.cell_seconds}
    job["room"] = limits.answers // 2  # the rest is for what functions answer
    sat = desks.cells.run(job, limits, then=lambda: probes)
    if not sat.of("done") and not sat.ended:
        sat.ended = "it ended itself before its last cell"
    job = {"part": "mark", "checks": _papers(master, probes, sat)}
    marked = desks.checks.run(job | {"cell_seconds": limits.cell_seconds}, limits)
    verdicts, errors = marked.of("mark"), sat.of("error")
    return unmarked(master, ended=sat.ended or marked.ended) | {
        "checks": {
            check: None if verdicts.get(check) == _PASSED else _short(verdicts.get(check, ""))
            for check in master.checks
        },
        "errors": {
            step["label"]: _short(errors[step["label"]])
            for step in steps
            if step["label"] in errors
        },
        "broken": {
            check: _short(text)
            for check, text in marked.of("broken").items()
            if check in master.checks
        },
        "changed": changed(master, cells),
        "seconds": sat.seconds,
    }


def _papers(master: Master, probes: list[Probe], sat: Heard) -> list[dict[str, Any]]:
    """Put each check beside what the student's process said about it, unread."""
    calls = sat.of("call")
    return [
        {
            "id": check.id,
            "source": check.source,
            "names": check.names,
            "answers": sat.of("answers").get(check.id, "{}"),
            "calls": [
                (name, asked, calls.get(str(number), ""))
                for number, (of, name, asked) in enumerate(probes)
                if of == check.id
            ],
        }
        for check in master.checks.values()
    ]


def _short(text: str) -> str:
    """Read a message that came from a jail, if it is one."""
    told = read_json(text[: 16 * LONGEST])  # an escaped letter takes at most 12
    return told[:LONGEST] if isinstance(told, str) else "✗ this could not be read."


def _require(ended: str, errors: dict[str, Any]) -> None:
    if ended or errors:
        first = ended or "; ".join(f"{key}: {text}" for key, text in list(errors.items())[:2])
        raise ValueError(
            f"The master does not pass itself: {first} (A check sees the answers that it names, "
            "and what it imports itself.)"
        )
