"""Measure, print the tables, and write ``benchmarks/RESULTS.md``."""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from tl_teach.files import replacing

from . import harness, head_only
from .harness import ROOT, machine
from .report import table

SCENARIOS = (
    "head_only",
    "middle",
    "nothing_frozen",
    "extraction",
    "study",
    "sentences",
    "growth",
    "startup",
    "grading",
)
KEPT = ROOT / "_build" / "benchmarks"
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
        "--quick", action="store_true", help="tiny, one turn: tries that all works, writes nothing"
    )
    words.add_argument(
        "--write", action="store_true", help="measure nothing, write from the kept runs again"
    )
    given = words.parse_args()
    repetitions = 1 if given.quick else given.repetitions
    harness.patience = given.patience
    folder = KEPT / "quick" if given.quick else KEPT
    folder.mkdir(parents=True, exist_ok=True)
    for name in () if given.write else given.only or SCENARIOS:
        scenario = importlib.import_module(f"benchmarks.{name}")
        print(f"\n== {scenario.TITLE}", flush=True)
        started = datetime.datetime.now(datetime.timezone.utc)
        data = scenario.measure(repetitions, given.quick, lambda line: print(line, flush=True))
        kept = {
            "machine": machine(),
            "date": f"{started:%Y-%m-%d %H:%M} UTC",
            "repetitions": repetitions,
            "data": data,
        }
        (folder / f"{name}.json").write_text(json.dumps(kept))
        print("\n" + _section(name, kept), flush=True)
    if given.quick:
        print("\nA quick run is too small to be a result; nothing was written.")
        return 0
    write(RESULTS, _page(folder))
    if (folder / "head_only.json").exists():
        kept = json.loads((folder / "head_only.json").read_text())
        readme = ROOT / "README.md"
        write(readme, head_only.in_readme(readme.read_text(encoding="utf-8"), kept))
    print(f"\nwritten: {RESULTS.relative_to(ROOT)}")
    return 0


def write(path: Path, text: str) -> None:
    """Replace a file at once or not at all."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


def _section(name: str, kept: dict[str, Any]) -> str:
    scenario = importlib.import_module(f"benchmarks.{name}")
    parts = [f"## {scenario.TITLE}", scenario.report(kept["data"])]
    parts += [f"- left out: {sentence}" for sentence in kept["data"]["missing"]]
    turns = {len(done) for done in kept["data"]["runs"].values()}
    words = " to ".join(map(str, sorted({min(turns), max(turns)})))
    parts.append(f"Measured {kept['date']}, {words} turns.")
    return "\n\n".join(parts)


def _page(folder: Path) -> str:
    """Put together what was measured on this machine with these versions."""
    here = machine()
    parts = [
        "# Benchmarks",
        "<!-- The page on speed includes what follows. -->",
        "Written by `python -m benchmarks`; every number comes from a run. All sides of a table "
        "take turns (A B C A B C ...), each turn in a fresh process.",
        table(["machine", "what it is"], [[name, words] for name, words in here.items()]),
    ]
    for name in SCENARIOS:
        file = folder / f"{name}.json"
        if file.exists() and (kept := json.loads(file.read_text()))["machine"] == here:
            parts.append(_section(name, kept))
            if name == "growth":
                importlib.import_module("benchmarks.growth").draw(kept["data"])
        else:
            parts.append(f"*{name}* was not measured on this machine with these versions.")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
