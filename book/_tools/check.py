"""Run every notebook in another environment, and note whether it ran and for how long.

    .venv-colab/bin/python book/_tools/check.py colab
    .venv-colab/bin/python book/_tools/check.py colab --jobs 2   # two at a time, sharing the cores

Nothing of a notebook is changed. Each runs from top to bottom in a fresh kernel and an empty
folder, as it does in Colab. The seconds, the versions and the date go to book/_status-NAME.json,
from which the book's page of run times is made.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parent))
from execute import ROOT, Refused, book_notebooks, run, write

TOLD = ("torch", "torchvision", "numpy", "scikit-learn", "matplotlib", "ipywidgets", "ipykernel")


def environment(jobs: int) -> dict[str, object]:
    """What the notebooks ran with."""
    return {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "jobs": jobs,
        "load": round(os.getloadavg()[2], 1) if hasattr(os, "getloadavg") else None,
        "packages": {name: version(name) for name in TOLD},
    }


def check(path: Path) -> tuple[str, dict[str, object]]:
    """Run one notebook; return its page, and what it cost or why it failed."""
    page = path.relative_to(ROOT).as_posix()
    for last in (False, True):
        try:
            seconds, megabytes = run(nbformat.read(path, as_version=4))
            break
        except (Refused, RuntimeError) as reason:
            print(f"{page}: {reason}", file=sys.stderr, flush=True)
            # A kernel that ends before it begins: another may have taken its port meanwhile.
            if last or isinstance(reason, Refused):
                return page, {"failed": str(reason).splitlines()[-1]}
    print(f"{page}: {seconds:.0f} s, {megabytes:.0f} MB", flush=True)
    return page, {"seconds": round(seconds), "megabytes": int(round(megabytes, -1))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of the environment, for example colab")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every notebook")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at a time (1)")
    arguments = parser.parse_args()
    chosen = [path.resolve() for path in arguments.notebooks] or book_notebooks()
    if arguments.jobs > 1:  # more threads than cores would wait for each other
        threads = max(1, (os.cpu_count() or 1) // arguments.jobs)
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    with ProcessPoolExecutor(arguments.jobs) as pool:
        results = dict(pool.map(check, chosen))
    failed = sum("failed" in result for result in results.values())
    if not arguments.notebooks:  # a part would pass for the whole
        record = {"environment": environment(arguments.jobs), "notebooks": results}
        target = ROOT / "book" / f"_status-{arguments.name}.json"
        write(target, json.dumps(record, indent=1, sort_keys=True) + "\n")
    print(f"{len(results) - failed} ran, {failed} failed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
