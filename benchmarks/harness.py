"""Run one side in a process of its own, and sides in turn.

A *side* is a function that does a piece of work and returns a dictionary. It runs in a fresh
process, so that imports, start-up and the first epoch are paid for each time, and no side finds
what another has warmed. Sides take turns (A B C A B C ...), so that a machine that slows down
slows all of them, and ratios are taken between neighbours, turn by turn.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 3600  # seconds that one run of one side may take


@dataclass(frozen=True)
class Side:
    """A way to do the work.

    Attributes
    ----------
    name : str
        How the table calls it.
    function : str
        ``"module:function"``; called with `options`, returns a dictionary that JSON can hold.
    options : dict
        Keyword arguments.
    needs : tuple of str
        Modules that must be installed beside the project's own.
    repetitions : int
        At most this many turns; for a side that takes very long.
    """

    name: str
    function: str
    options: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    repetitions: int = 1000

    @property
    def missing(self) -> list[str]:
        """Which of the modules it needs are not installed."""
        return [module for module in self.needs if find_spec(module) is None]


@dataclass(frozen=True)
class Run:
    """One side, once.

    Attributes
    ----------
    turn : int
        Which repetition, from 0.
    process : float
        Seconds from starting the process to its end: everything included.
    peak_mb : float
        Most memory that the process and its children held at once, in MB.
    result : dict
        What the side returned.
    """

    turn: int
    process: float
    peak_mb: float
    result: dict[str, Any]


Runs = dict[str, list[Run]]


def say(line: str) -> None:
    """Print a line at once, also into a file."""
    print(line, flush=True)


@dataclass(frozen=True)
class Plan:
    """How much of a table is measured now.

    Attributes
    ----------
    repetitions : int
        Turns for each side.
    quick : bool
        Tiny work, to try that all sides run.
    patience : float
        A side that has run for so many seconds gets no further turn.
    only : sequence of str
        Names of the sides that take part; all, if there is none.
    before : dict
        What was measured before, if its turns are continued.
    tell : callable
        Gets a line after each run.
    """

    repetitions: int
    quick: bool = False
    patience: float = float("inf")
    only: Sequence[str] = ()
    before: dict[str, Any] = field(default_factory=dict)
    tell: Callable[[str], None] = say


def take_turns(sides: Sequence[Side], plan: Plan) -> dict[str, Any]:
    """Run the sides A B C A B C ...

    Whoever interrupts (Ctrl-C) gets what was measured until then.

    Parameters
    ----------
    sides : sequence of Side
        A side that asks for `seed` is given the number of the turn.
    plan : Plan
        How often, and who.

    Returns
    -------
    dict
        ``"runs"``, by the sides' names in the order of the turns, as `from_json` reads them; and
        ``"missing"``, sentences about sides that could not run; ``"interrupted"``, whether
        somebody did.

    Raises
    ------
    ValueError
        If the plan names a side that is not there.
    """
    if strangers := set(plan.only) - {side.name for side in sides}:
        raise ValueError(
            f"{', '.join(sorted(strangers))}: no such side; there are "
            f"{', '.join(repr(side.name) for side in sides)}."
        )
    sides = [side for side in sides if not plan.only or side.name in plan.only]
    absent = [f"{s.name}: not installed: {', '.join(s.missing)}" for s in sides if s.missing]
    for sentence in absent:
        plan.tell(f"  left out: {sentence}")
    runs = from_json(plan.before.get("runs", {}))
    told = [one for one in plan.before.get("missing", []) if one.partition(":")[0] not in runs]
    missing = list(dict.fromkeys([*told, *absent]))
    interrupted = False
    first = 1 + max((run.turn for done in runs.values() for run in done), default=-1)
    try:
        for turn in range(first, first + plan.repetitions):
            for side in sides:
                done = runs.setdefault(side.name, [])
                spent = sum(run.process for run in done)
                if side.missing or len(done) >= side.repetitions or spent > plan.patience:
                    continue
                try:
                    run = run_once(side, turn)
                except RuntimeError as reason:
                    last = [line for line in str(reason).splitlines() if line.strip()][-1]
                    missing.append(f"{side.name}: failed: {last}")
                    plan.tell(f"  {side.name} FAILED\n{reason}")
                    continue
                done.append(run)
                numbers = {k: v for k, v in run.result.items() if isinstance(v, int | float)}
                words = ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())
                plan.tell(
                    f"  turn {turn + 1}/{first + plan.repetitions}  {side.name}: "
                    f"process {run.process:.1f} s, {run.peak_mb:,.0f} MB, {words}"
                )
    except KeyboardInterrupt:
        interrupted = True
        plan.tell("  interrupted: what was measured until now is kept")
    return {
        "runs": to_json({name: done for name, done in runs.items() if done}),
        "missing": missing,
        "interrupted": interrupted,
    }


def run_once(side: Side, turn: int = 0) -> Run:
    """Run a side in a fresh process.

    Parameters
    ----------
    side : Side
        What to run.
    turn : int
        Replaces the option `seed` where the side has one.

    Raises
    ------
    RuntimeError
        If it fails; the message holds the end of what it printed.
    """
    options = side.options | ({"seed": turn} if "seed" in side.options else {})
    with tempfile.TemporaryDirectory() as folder:
        answer, log = Path(folder) / "answer.json", Path(folder) / "log.txt"
        command = [sys.executable, "-m", "benchmarks.harness", side.function]
        command += [json.dumps(options), str(answer)]
        environment = os.environ | {
            "TQDM_DISABLE": "1",
            "KERAS_BACKEND": "torch",
            "TL_TEACH_CACHE": str(_fresh_cache(Path(folder) / "cache")),
        }
        with log.open("w") as output:
            started = time.perf_counter()
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=environment
            )
            with _Watch(process.pid) as watch:
                try:
                    status = process.wait(LIMIT)
                except subprocess.TimeoutExpired:
                    status = -1
                finally:  # whoever interrupts leaves nothing running
                    process.kill()
                    process.wait()
            seconds = time.perf_counter() - started
        if status or not answer.exists():
            raise RuntimeError(log.read_text()[-3000:] or f"exit status {status}, no output")
        result = json.loads(answer.read_text())
        own_peak = result.pop("_own_peak_mb", 0.0)
        return Run(turn, seconds, max(own_peak, watch.peak_mb), result)


def _fresh_cache(folder: Path) -> Path:
    """Give a cache that holds the downloaded files and nothing that an earlier run computed."""
    from tl_teach import assets

    folder.mkdir()
    for name in ("elpv-dataset", "mnist-5k", "mobilenet_v2-imagenet"):
        file = assets.path(name)
        try:
            os.link(file, folder / file.name)
        except OSError:  # on another disk
            shutil.copy2(file, folder / file.name)
    return folder


class _Watch:
    """Follow the memory of a process and its children, a few times a second."""

    def __init__(self, pid: int):
        self.peak_mb, self._pid, self._stop = 0.0, pid, threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        import psutil

        # Asking costs the machine something too: twice a second is enough for what lasts.
        while not self._stop.wait(0.5):
            try:
                main = psutil.Process(self._pid)
                family = [main, *main.children(recursive=True)]
                self.peak_mb = max(self.peak_mb, sum(_memory(p) for p in family) / 1e6)
            except (psutil.Error, OSError):
                continue


def _memory(process: Any) -> float:
    """Bytes that a process holds; pages shared with its workers are divided among them."""
    summary = Path(f"/proc/{process.pid}/smaps_rollup")
    if not summary.exists():
        return float(process.memory_info().rss)
    for line in summary.read_text().splitlines():
        if line.startswith("Pss:"):
            return float(line.split()[1]) * 1024
    return 0.0


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Give the median, the smallest and the largest value.

    Parameters
    ----------
    values : sequence of float
        At least one.
    """
    return statistics.median(values), min(values), max(values)


def pairwise(runs: Runs, slow: str, fast: str, quantity: str) -> list[float]:
    """How many times longer `slow` takes than `fast`, turn by turn.

    Parameters
    ----------
    runs : dict of str to list of Run
        From `take_turns`.
    slow, fast : str
        Names of two sides.
    quantity : str
        ``"process"``, or a name in what the sides returned.
    """
    ours = {run.turn: value_of(run, quantity) for run in runs.get(fast, [])}
    return [
        value_of(run, quantity) / ours[run.turn] for run in runs.get(slow, []) if run.turn in ours
    ]


def value_of(run: Run, quantity: str) -> float:
    """Read one number of a run.

    Parameters
    ----------
    run : Run
        From `take_turns`.
    quantity : str
        ``"process"``, ``"peak_mb"``, or a name in what the side returned.
    """
    return run.result[quantity] if quantity in run.result else getattr(run, quantity)


def machine() -> dict[str, str]:
    """Describe the machine and the versions that a result belongs to."""
    # Asked in another process: with torch in this one, each side would begin as large as that.
    ask = (
        "import json, torch; "
        "print(json.dumps([torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()]))"
    )
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, check=True, text=True)
    threads, instructions = json.loads(answer.stdout)
    packages = ["torch", "torchvision", "numpy", "scikit-learn", "pillow", "fastai", "lightning"]
    packages += ["keras", "transformers", "onnxruntime", "openvino"]
    versions = []
    for package in packages:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "threads": f"{threads} (PyTorch's own choice, for every side)",
        "instructions": instructions,
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"
        if hasattr(os, "sysconf")
        else "unknown",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": ", ".join(versions),
    }


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def code() -> str:
    """Give a digest of the library's and the benchmarks' programs, by which turns are told apart.

    Turns stand beside each other in one table only if this and `machine` are the same for all.
    """
    digest = hashlib.sha256()
    for folder in ("benchmarks", "tl_teach"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            digest.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def to_json(runs: Runs) -> dict[str, list[dict[str, Any]]]:
    """Give runs in a form that can be written to a file."""
    return {name: [asdict(run) for run in done] for name, done in runs.items()}


def from_json(stored: dict[str, list[dict[str, Any]]]) -> Runs:
    """Read back what `to_json` gave."""
    return {name: [Run(**run) for run in done] for name, done in stored.items()}


def _child(target: str, options: str, answer: str) -> None:
    """Be the fresh process: call the side and write down what it returns."""
    module, function = target.split(":")
    result = getattr(importlib.import_module(module), function)(**json.loads(options))
    try:
        import resource

        # Linux counts in KB, macOS in bytes.
        unit = 1e6 if sys.platform == "darwin" else 1e3
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
        result["_own_peak_mb"] = peak
    except ImportError:  # Windows
        pass
    Path(answer).write_text(json.dumps(result))


if __name__ == "__main__":
    _child(*sys.argv[1:])
