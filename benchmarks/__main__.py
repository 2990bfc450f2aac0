"""Measure, print the tables, and write ``benchmarks/RESULTS.md``."""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import string
import sys
from pathlib import Path
from typing import Any

from tl_teach.files import replacing

from . import growth, head_only
from .harness import ROOT, Plan, code, machine
from .report import table

SCENARIOS = (
    "head_only",
    "middle",
    "nothing_frozen",
    "extraction",
    "study",
    "sentences",
    "profile",
    "growth",
    "startup",
    "grading",
)
KEPT = ROOT / "benchmarks" / "runs"  # every run that the page is written from
RESULTS = ROOT / "benchmarks" / "RESULTS.md"


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    words.add_argument("--only", action="append", choices=SCENARIOS, help="may be given again")
    words.add_argument("--repetitions", type=int, default=5, help="turns for each side (5)")
    words.add_argument(
        "--patience",
        type=float,
        default=float("inf"),
        help="seconds after which a slow side gets no further turn",
    )
    words.add_argument(
        "--more",
        action="store_true",
        help="add the turns to those of the kept run, of the same machine and code",
    )
    words.add_argument(
        "--side", action="append", default=[], help="let this side alone take turns; again for more"
    )
    words.add_argument(
        "--quick", action="store_true", help="tiny, one turn: tries that all works, writes nothing"
    )
    words.add_argument(
        "--write", action="store_true", help="measure nothing, write from the kept runs again"
    )
    given = words.parse_args()
    folder = ROOT / "_build" / "benchmarks" if given.quick else KEPT
    folder.mkdir(parents=True, exist_ok=True)
    for name in () if given.write else given.only or SCENARIOS:
        scenario = importlib.import_module(f"benchmarks.{name}")
        print(f"\n== {scenario.TITLE}", flush=True)
        now = {"machine": machine(), "code": code(), "date": _minute()}
        try:
            before = _continued(folder / f"{name}.json", now) if given.more else {}
            plan = Plan(
                1 if given.quick else given.repetitions,
                given.quick,
                given.patience,
                given.side,
                before.get("data", {}),
            )
            data = scenario.measure(plan)
        except ValueError as reason:
            words.error(str(reason))
        interrupted = data.pop("interrupted")
        if data["runs"]:
            kept = now | before | {"until": _minute(), "data": data}
            write(folder / f"{name}.json", json.dumps(kept) + "\n")
            print("\n" + _section(name, kept), flush=True)
        if interrupted:
            break
    if given.quick:
        print("\nA quick run is too small to be a result; nothing was written.")
        return 0
    kept = kept_runs()
    if not kept:
        words.error(f"there is no run in {KEPT} to write from; measure without --write")
    write(RESULTS, page(kept))
    if "growth" in kept:
        growth.draw(kept["growth"]["data"])
    if "head_only" in kept:
        readme = ROOT / "README.md"
        write(readme, head_only.in_readme(readme.read_text(encoding="utf-8"), kept["head_only"]))
    print(f"\nwritten: {RESULTS.relative_to(ROOT)}")
    return 0


def _minute() -> str:
    return f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC"


def _continued(file: Path, now: dict[str, Any]) -> dict[str, Any]:
    """Read the kept run, if further turns may stand beside its own."""
    if not file.exists():
        return {}
    kept: dict[str, Any] = json.loads(file.read_text())
    for what in ("machine", "code"):
        if kept.get(what) != now[what]:
            raise ValueError(
                f"{file.name} was measured with another {what}, and its turns say nothing beside "
                "new ones; leave out --more to measure anew."
            )
    return kept


def write(path: Path, text: str) -> None:
    """Replace a file at once or not at all."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


def kept_runs() -> dict[str, Any]:
    """Give the newest measurement of each scenario, with its machine and date."""
    files = {name: KEPT / f"{name}.json" for name in SCENARIOS}
    return {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}


def page(kept: dict[str, Any]) -> str:
    """Put together what was measured, and say on which machine each part was."""
    machines: list[dict[str, str]] = []
    for one in kept.values():
        if one["machine"] not in machines:
            machines.append(one["machine"])
    names = [f"machine {letter}" for letter in string.ascii_uppercase[: len(machines)]]
    rows = [[fact, *(machine[fact] for machine in machines)] for fact in machines[0]]
    parts = [
        "# Benchmarks",
        "<!-- The page on speed includes what follows. -->",
        "Written by `python -m benchmarks` from the runs in `benchmarks/runs`. All sides of a "
        "table take turns (A B C A B C ...), each turn in a fresh process.",
        table(["what", *names] if len(names) > 1 else ["machine", "what it is"], rows),
    ]
    for name in SCENARIOS:
        if name in kept:
            where = names[machines.index(kept[name]["machine"])] if len(names) > 1 else ""
            parts.append(_section(name, kept[name], where))
        else:
            title = importlib.import_module(f"benchmarks.{name}").TITLE
            parts.append(f"## {title}\n\nNot measured with this version.")
    return "\n\n".join(parts) + "\n"


def _section(name: str, kept: dict[str, Any], where: str = "") -> str:
    scenario = importlib.import_module(f"benchmarks.{name}")
    parts = [f"## {scenario.TITLE}", scenario.report(kept["data"])]
    parts += [f"- left out: {sentence}" for sentence in kept["data"]["missing"]]
    turns = {len(done) for done in kept["data"]["runs"].values()}
    words = " to ".join(map(str, sorted({min(turns), max(turns)})))
    place = f" on {where}" if where else ""
    parts.append(f"Measured {_time(kept)}{place}, {words} turn{'s' * (max(turns) > 1)}.")
    return "\n\n".join(parts)


def _time(kept: dict[str, Any]) -> str:
    first, last = kept["date"], kept.get("until", kept["date"])
    return first if first[:10] == last[:10] else f"{first} to {last}"


if __name__ == "__main__":
    sys.exit(main())
