"""Execute notebooks and keep their outputs: the one way in which the book's outputs are made.

    python book/_tools/execute.py                          # every chapter and page
    python book/_tools/execute.py book/steps/2-fine-tuning.ipynb

Each notebook runs from top to bottom in a fresh kernel and an empty folder, as it does in Colab. If
no cell fails, the outputs are written back without what changes from run to run (times, widget
states, the version of Python), so that equal results give an equal file. Seconds and megabytes go
to book/_status.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
STATUS = ROOT / "book" / "_status.json"
CELL_TIMEOUT = 600
WIDGET = "application/vnd.jupyter.widget-view+json"


class Refused(Exception):
    """The notebook cannot be committed as it is; the message says why."""


# --- Running --------------------------------------------------------------------------------------


class PeakMemory(threading.Thread):
    """Watches a process and its children, and remembers the most memory they held together.

    What is shared with files or other processes does not count where the system tells it apart
    (Linux): pages of files can be dropped and read again, and how many of a library's lie in memory
    is the machine's affair.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0
        self._process = psutil.Process(pid)
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(0.1):
            held = 0
            try:
                for process in [self._process, *self._process.children(recursive=True)]:
                    memory = process.memory_info()
                    held += memory.rss - getattr(memory, "shared", 0)
            except psutil.NoSuchProcess:
                continue
            self.megabytes = max(self.megabytes, held / 2**20)

    def stop(self) -> None:
        self._done.set()
        self.join()


def run(notebook: NotebookNode) -> tuple[float, float]:
    """Execute `notebook` in place; return the seconds and the peak of megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": folder}},
            record_timing=False,
            coalesce_streams=True,
        )
        started = time.perf_counter()
        # The environment passes through (TL_TEACH_*), but progress bars are for people who wait.
        with client.setup_kernel(env={**os.environ, "TQDM_DISABLE": "1"}):
            memory = PeakMemory(client.km.provisioner.pid)
            memory.start()
            try:
                for index, cell in enumerate(notebook.cells):
                    if cell.cell_type == "code":
                        cell.outputs, cell.execution_count = [], None
                        client.execute_cell(cell, index)
            except CellExecutionError as error:
                raise Refused(f"a cell failed\n{error}") from None
            finally:
                memory.stop()
        return time.perf_counter() - started, memory.megabytes


# --- Tidying --------------------------------------------------------------------------------------


def tidy(notebook: NotebookNode, path: Path, repository: str) -> None:
    """Remove what changes from run to run, and bring addresses up to date."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
        **{key: notebook.metadata[key] for key in ("mystnb",) if key in notebook.metadata},
    )
    for index, cell in enumerate(notebook.cells):
        cell.metadata.pop("execution", None)
        cell.metadata.pop("collapsed", None)
        cell.setdefault("id", f"cell-{index}")
        cell.source = with_addresses(cell.source.rstrip(), path, repository)
        for output in cell.get("outputs", []):
            tidy_output(output, cell)


def tidy_output(output: NotebookNode, cell: NotebookNode) -> None:
    """Keep of an output what the book shows; refuse what a reader should not see."""
    first_line = cell.source.splitlines()[0]
    if output.output_type == "stream" and output.name == "stderr":
        raise Refused(f"the cell that starts {first_line!r} writes a warning:\n{output.text}")
    if output.output_type == "error":  # an error that is meant: its sentence, not our folders
        output.traceback = [f"{output.ename}: {output.evalue}"]
    if WIDGET in output.get("data", {}):
        del output.data[WIDGET]
        if "text/html" not in output.data:
            raise Refused(
                f"the cell that starts {first_line!r} shows a widget, but no HTML for the page "
                "(a progress bar? use tqdm.tqdm, which TQDM_DISABLE turns off)"
            )


def with_addresses(source: str, path: Path, repository: str) -> str:
    """Write the repository's address and the notebook's path where a reader leaves for Colab."""
    owner_and_name = repository.removeprefix("https://github.com/")
    page = f"{owner_and_name}/blob/main/{path.relative_to(ROOT).as_posix()}"
    source = re.sub(
        r"(https://colab\.research\.google\.com/github/)[^)\s\"]+", rf"\g<1>{page}", source
    )
    source = re.sub(
        r"(own machine\]\(https://github\.com/)[^)#\s]+", rf"\g<1>{owner_and_name}", source
    )
    return re.sub(r"(git\+https://github\.com/)[^\s'\"@#]+", rf"\g<1>{owner_and_name}", source)


# --- Writing --------------------------------------------------------------------------------------


def write(path: Path, text: str) -> None:
    """Replace the file at once or not at all; leave it alone if it holds this text already."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(path.stat().st_mode if path.exists() else 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def record(path: Path, seconds: float, megabytes: float) -> None:
    """Note what a run cost, rounded, since the last digits are chance."""
    status = json.loads(STATUS.read_text(encoding="utf-8")) if STATUS.exists() else {}
    status[path.relative_to(ROOT).as_posix()] = {
        "seconds": round(seconds),
        "megabytes": int(round(megabytes, -1)),
    }
    write(STATUS, json.dumps(status, indent=1, sort_keys=True) + "\n")


def execute(path: Path, repository: str) -> None:
    """Run one notebook and keep its outputs."""
    notebook = nbformat.read(path, as_version=4)
    seconds, megabytes = run(notebook)
    tidy(notebook, path, repository)
    nbformat.validate(notebook)
    write(path, nbformat.writes(notebook).rstrip() + "\n")
    record(path, seconds, megabytes)
    print(f"{path.relative_to(ROOT)}: {seconds:.0f} s, {megabytes:.0f} MB", flush=True)


def book_notebooks() -> list[Path]:
    """Every notebook of the book."""
    return sorted(
        path
        for path in (ROOT / "book").rglob("*.ipynb")
        if not any(part.startswith((".", "_")) for part in path.relative_to(ROOT).parts)
    )


def pages() -> list[Path]:
    """Every notebook whose outputs the book shows: assignments are handed out without any."""
    return [path for path in book_notebooks() if "assignments" not in path.parts]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every chapter and page")
    chosen = [path.resolve() for path in parser.parse_args().notebooks] or pages()
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    failed = 0
    for path in chosen:
        try:
            execute(path, config["repository"]["url"])
        except Refused as reason:
            failed += 1
            print(f"{path.relative_to(ROOT)}: not written, {reason}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
