"""What runs in a notebook's place: cells in order, in one namespace; and checks on its answers.

Three parts, for processes of their own: ``sit`` runs a student's cells and sends answers out;
``mark`` runs the master's checks on those answers; ``rehearse`` runs the master with its own
solutions and notes what its checks ask of functions. They speak in lines: a word, a key, JSON.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import random
import signal
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from .answers import AnswerError, Live, Replay, canonical, decode, encode, read_json
from .master import Check
from .notebook import Cell, cut
from .questions import CheckFailed

LONGEST = 400
"""Characters of what is told about one cell or answer."""

Job = dict[str, Any]
Namespace = dict[str, Any]
Send = Callable[[str, str, Any], None]
Receive = Callable[[], Any]


class CellTimeout(BaseException):
    """A cell computed for too long; not an Exception, so that few students catch it by accident."""


def sit(job: Job, send: Send, receive: Receive) -> None:
    """Run a submission's cells and send its answers, then answer for its functions.

    A step of the job has a ``label`` and a ``source`` to run, or a ``check`` and the ``names`` that
    it looks at; ``room`` is how many bytes all answers may have together.
    """
    notebook, export = new_namespace(main=True), _Export(job["room"], send)
    late = []
    for step in job["steps"]:
        if "source" in step:
            error = execute(step["source"], step["label"], notebook, job["cell_seconds"])
            if error is not None:
                send("error", step["label"], f"{type(error).__name__}: {error}"[:LONGEST])
        elif not export.whole(step, notebook):
            late.append(step)
    for step in late:  # some students compute an answer further down
        export.whole(step, notebook)
    send("done", "", None)
    for number, (check, name, asked) in enumerate(receive()):
        with time_limit(job["cell_seconds"]):
            send("call", str(number), _ask(export.functions.get((check, name)), name, asked))


def mark(job: Job, send: Send, receive: Receive) -> None:
    """Run the master's checks on answers that came as data.

    Each check has its ``id``, ``source`` and ``names``, the ``answers`` as JSON text, and the
    ``calls``: what a function was asked, and what it answered, as JSON text.
    """
    for check in job["checks"]:
        notebook = new_namespace()
        notebook.update(_answers(check))
        with contextlib.redirect_stdout(io.StringIO()):
            error = execute(check["source"], check["id"], notebook, job["cell_seconds"])
        ours = error is not None and not isinstance(error, CheckFailed | CellTimeout)
        send("broken" if ours else "mark", check["id"], _words(check["id"], error))


def rehearse(job: Job, send: Send, receive: Receive) -> None:
    """Run a master with its own solutions; send what its checks print, and ask of functions.

    The steps are those of `sit`, but checks have their ``source``. At the end it sends the names of
    the modules that were imported, and what frozen stages gave (see `Store.pack`, in base64), of
    which at most ``room`` bytes, none by default.
    """
    notebook, before = new_namespace(), set(sys.modules)
    for step in job["steps"]:
        live = {
            name: Live(name, notebook[name])
            for name in step.get("names", ())
            if callable(notebook.get(name)) and not hasattr(notebook[name], "stages")
        }
        kept = {name: notebook[name] for name in live}
        notebook.update(live)
        visible, hidden = cut(step["source"], "HIDDEN TESTS")
        for source in [visible, step["source"]] if hidden else [visible]:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                error = execute(source, step["label"], notebook, job["cell_seconds"])
            if error is not None:
                send("error", step["label"], _words(step["label"], error))
            elif "check" in step and source is visible:  # as students see it
                send("output", step["check"], printed.getvalue())
        notebook.update(kept)
        calls = [[name, call] for name, function in live.items() for call in function.calls]
        if "check" in step:
            send("asks", step["check"], list({canonical(call): call for call in calls}.values()))
    send("modules", "", [name for name in sys.modules if name not in before])
    if learning := sys.modules.get("tl_teach.learning.store"):
        with contextlib.suppress(Exception):  # it only saves time
            send("kept", "", base64.b64encode(learning.STORE.pack(job.get("room", 0))).decode())


def steps_of(cells: Iterable[Cell], checks: dict[str, Check], sources: bool) -> list[Job]:
    """Give code cells as steps; with the checks' sources only for a master's own rehearsal."""
    steps: list[Job] = []
    for number, cell in enumerate(cells, start=1):
        step: Job = {"label": f"code cell {number}" if cell.role == "free" else cell.id}
        if cell.role == "check":
            step |= {"check": cell.id, "names": checks[cell.id].names}
        if cell.role != "check" or sources:
            step["source"] = cell.source
        steps.append(step)
    return steps


def new_namespace(main: bool = False) -> Namespace:
    """Begin a notebook, with what Jupyter puts into one; as ``__main__``, if it is a kernel's."""
    module = types.ModuleType("__main__")
    if main:
        sys.modules["__main__"] = module
    names = module.__dict__
    names.update(get_ipython=lambda: _Shell(names), display=lambda *shown: None)
    return names


def execute(
    source: str, label: str, namespace: Namespace, seconds: float | None = None
) -> BaseException | None:
    """Run one cell for at most so many seconds of the processor, and give what it raised.

    Magics that only watch a cell are run through; other magics and shell lines are left out.
    """
    try:
        code = _compiled(source, f"<{label}>")
        with time_limit(seconds):
            exec(code, namespace)
    except BaseException as error:  # SystemExit too: a cell that ends itself ends only itself
        return error
    return None


def _compiled(source: str, name: str) -> types.CodeType:
    """Compile a cell; only one that is no Python, for its magics, is rewritten as IPython does."""
    try:
        return compile(source, name, "exec")
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager

        return compile(TransformerManager().transform_cell(source), name, "exec")


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Let relative names of files mean those in a folder, as in the notebook that stands there."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Interrupt a block by the processor's time, so that a busy machine changes nothing."""
    if seconds is None or not hasattr(signal, "SIGPROF"):
        yield
        return

    def stop(*_: object) -> None:
        raise CellTimeout(f"stopped after {seconds:g} seconds of computing")

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def serve(fd: int) -> None:
    """Play the part that the first line on a socket names."""
    incoming, outgoing = os.fdopen(os.dup(fd), "rb"), os.fdopen(fd, "wb")

    def send(word: str, key: str, content: Any) -> None:
        outgoing.write(f"{word}\t{key}\t{json.dumps(content)}\n".encode())
        outgoing.flush()  # what was sent counts, even if the process is stopped later

    def receive() -> Any:
        return json.loads(incoming.readline())

    job = receive()
    random.seed(0)  # the same submission gets the same mark, whether or not it set a seed
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
    {"sit": sit, "mark": mark, "rehearse": rehearse}[job["part"]](job, send, receive)


class _Shell:
    """What is left of IPython's shell: nothing that reaches outside the cell."""

    def __init__(self, namespace: Namespace):
        self.namespace = namespace

    def run_line_magic(self, *_: object, **__: object) -> None:
        """Leave it out."""

    system = getoutput = run_line_magic

    def run_cell_magic(self, name: str, line: str, body: str) -> None:
        """Run the cell under a magic that only watches it; leave out other languages."""
        if name in ("time", "timeit", "capture", "prun"):
            exec(compile(body, f"<%%{name}>", "exec"), self.namespace)


class _Export:
    """Sends the answers that a check looks at, as long as there is room, and keeps functions."""

    def __init__(self, room: int, send: Send):
        self.room, self.send = room, send
        self.functions: dict[tuple[str, str], Any] = {}

    def whole(self, step: Job, notebook: Namespace) -> bool:
        """Send a check's answers, and tell whether all of them exist."""
        found = {name: self._data(notebook[name]) for name in step["names"] if name in notebook}
        for name, document in found.items():
            if document == {"function": True}:
                self.functions[step["check"], name] = notebook[name]
        self.send("answers", step["check"], found)
        return len(found) == len(step["names"])

    def _data(self, value: object) -> Any:
        try:
            document = encode(value)
            size = len(json.dumps(document))
            if size > self.room:
                raise AnswerError(f"takes {size / 2**20:.0f} MB, which is too much for an answer")
        except Exception as error:
            return {"problem": str(error)[:LONGEST]}
        self.room -= size
        return document


def _ask(function: Any, name: str, asked: Any) -> tuple[bool, Any]:
    if function is None:
        return False, f"{name} is no function"
    try:
        return True, Live(name, function).ask(asked)
    except AnswerError as error:
        return False, str(error)[:LONGEST]
    except BaseException as error:
        return False, f"{name} raised {type(error).__name__}: {error}"[:LONGEST]


def _answers(check: Job) -> Namespace:
    """Build what one check looks at; what cannot be built is an AnswerError in its place."""
    results: dict[str, dict[str, tuple[bool, Any] | None]] = {}
    for name, question, text in check["calls"]:
        told = read_json(text)
        answer = (told[0] is True, told[1]) if isinstance(told, list) and len(told) == 2 else None
        results.setdefault(name, {})[canonical(question)] = answer
    answers: Namespace = {}
    told = read_json(check["answers"])
    documents = told if isinstance(told, dict) else {}
    for name in documents.keys() & set(check["names"]):
        document = documents[name]
        if document == {"function": True}:
            answers[name] = Replay(name, results.get(name, {}))
            continue
        try:
            problem = isinstance(document, dict) and document.get("problem")
            known = isinstance(problem, str)
            answers[name] = AnswerError(problem) if known else decode(document)
        except AnswerError as error:
            answers[name] = error
    return answers


def _words(label: str, error: BaseException | None) -> str | None:
    if error is None or isinstance(error, CheckFailed):
        return None if error is None else str(error)[:LONGEST]
    return f"The cell {label!r} raises {type(error).__name__}: {error}"[:LONGEST]
