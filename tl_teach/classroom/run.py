"""What runs in a notebook's place: cells in order, in one namespace; and checks on its answers.

Three parts, for processes of their own: ``sit`` runs a student's cells and sends answers out;
``mark`` runs the master's checks on those answers; ``rehearse`` runs the master with its own
solutions and notes what its checks ask of functions. They speak in lines: a word, a key, JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .answers import AnswerError, Live, Replay, canonical, decode, encode
from .notebook import Cell, Check, cut
from .questions import CheckFailed

Send = Callable[[str, str, Any], None]
Namespace = dict[str, Any]


class CellTimeout(BaseException):
    """A cell computed for too long; not an Exception, so that few students catch it by accident."""


def sit(job: dict[str, Any], send: Send, receive: Callable[[], Any]) -> None:
    """Run a submission's cells and send its answers.

    Parameters
    ----------
    job : dict
        ``steps``: each with a ``label`` and a ``source`` to run, or a ``check`` and the ``names``
        that it looks at; ``cell_seconds``; ``room``: bytes that all answers may have together.
    send : callable
        Takes a word, a key and what JSON can hold.
    receive : callable
        Gives, once the cells have ended, what to ask of the student's functions.
    """
    notebook, room = new_namespace(main=True), [job["room"]]
    functions: dict[tuple[str, str], Any] = {}
    late = []
    for step in job["steps"]:
        if "source" in step:
            error = execute(step["source"], step["label"], notebook, job["cell_seconds"])
            if error is not None:
                send("error", step["label"], f"{type(error).__name__}: {error}"[:300])
        elif _export(step, notebook, functions, room, send):
            late.append(step)
    for step in late:  # some students compute an answer further down
        _export(step, notebook, functions, room, send)
    send("done", "", None)
    for number, (check, name, asked) in enumerate(receive()):
        with time_limit(job["cell_seconds"]):
            result = _ask(functions.get((check, name)), name, asked)
        send("call", str(number), result)


def mark(job: dict[str, Any], send: Send, receive: Callable[[], Any]) -> None:
    """Run the master's checks on answers that came as data.

    Parameters
    ----------
    job : dict
        ``checks``: each with ``id``, ``source``, the encoded ``answers`` as JSON text, and
        ``calls``: what a function was asked, and what it answered, as JSON text.
    send : callable
        Gets ``mark``, the check's identifier and None, or why it failed.
    receive : callable
        Not used.
    """
    for check in job["checks"]:
        notebook = new_namespace()
        notebook.update(_answers(check))
        with contextlib.redirect_stdout(io.StringIO()):
            error = execute(check["source"], check["id"], notebook, job["cell_seconds"])
        ours = error is not None and not isinstance(error, CheckFailed | CellTimeout)
        verdict = None if error is None else _words(check["id"], error)
        send("broken" if ours else "mark", check["id"], verdict)


def rehearse(job: dict[str, Any], send: Send, receive: Callable[[], Any]) -> None:
    """Run a master with its own solutions, and send what its checks ask of functions.

    Parameters
    ----------
    job : dict
        ``steps``, as for `sit`, but checks with their ``source``; ``cell_seconds``.
    send : callable
        Gets ``error``, a label and a text; ``asks``, a check and a list of name and arguments;
        ``output``, a check and what its visible part prints.
    receive : callable
        Not used.
    """
    notebook = new_namespace()
    for step in job["steps"]:
        sources = [step["source"]]
        if "check" in step:  # first as students see it, then, if it is more, as it counts
            visible, hidden = cut(step["source"], "HIDDEN TESTS")
            sources = [visible, *sources] if hidden else sources
        functions = {
            name: Live(name, notebook[name])
            for name in step.get("names", ())
            if _is_function(notebook.get(name))
        }
        kept = {name: notebook[name] for name in functions}
        notebook.update(functions)
        for source in sources:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                error = execute(source, step["label"], notebook, job["cell_seconds"])
            if error is not None:
                send("error", step["label"], _words(step["label"], error))
            elif "check" in step and source is sources[0]:
                send("output", step["check"], printed.getvalue())
        notebook.update(kept)
        asked = {
            canonical([name, call]): [name, call]
            for name, live in functions.items()
            for call in live.calls
        }
        if "check" in step:
            send("asks", step["check"], list(asked.values()))


def steps_of(cells: Iterable[Cell], checks: dict[str, Check], sources: bool) -> list[Namespace]:
    """Give cells as steps of a job.

    Parameters
    ----------
    cells : iterable of Cell
        Code cells, in order.
    checks : dict of str to Check
        The master's.
    sources : bool
        Whether the checks' sources may be in it: never for a student's process.
    """
    steps: list[Namespace] = []
    for number, cell in enumerate(cells, start=1):
        label = f"code cell {number}" if cell.role == "free" else cell.id
        if cell.role == "check":
            step: Namespace = {"label": label, "check": cell.id, "names": checks[cell.id].names}
            steps.append(step | ({"source": cell.source} if sources else {}))
        else:
            steps.append({"label": label, "source": cell.source})
    return steps


def new_namespace(main: bool = False) -> Namespace:
    """Begin a notebook, with what Jupyter puts into one.

    Parameters
    ----------
    main : bool
        Make it the module ``__main__`` of this process, as in a kernel.
    """
    module = types.ModuleType("__main__")
    if main:
        sys.modules["__main__"] = module
    names = module.__dict__
    names.update(get_ipython=lambda: _Shell(names), display=lambda *shown: None)
    return names


def execute(
    source: str, label: str, namespace: Namespace, seconds: float | None = None
) -> BaseException | None:
    """Run one cell.

    Parameters
    ----------
    source : str
        Its text; magics for timing are run through, other shell lines and magics are left out.
    label : str
        Stands for the file name in tracebacks.
    namespace : dict
        The notebook's.
    seconds : float, optional
        How long it may compute.

    Returns
    -------
    BaseException or None
        What it raised.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        code = compile(TransformerManager().transform_cell(source), f"<{label}>", "exec")
        with time_limit(seconds):
            exec(code, namespace)
    except BaseException as error:  # SystemExit too: a cell that ends itself ends only itself
        return error
    return None


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Interrupt the block when it has computed for so many seconds.

    Parameters
    ----------
    seconds : float or None
        Seconds of the processor, so that a busy machine changes nothing; None for no limit.
    """
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


def _export(
    step: Namespace, notebook: Namespace, functions: dict, room: list[int], send: Send
) -> bool:
    """Send a check's answers; tell whether some do not exist yet."""
    sent, missing = {}, False
    for name in step["names"]:
        if name not in notebook:
            missing = True
            continue
        try:
            sent[name] = encode(notebook[name])
            size = len(json.dumps(sent[name]))
            if size > room[0]:
                raise AnswerError(f"takes {size / 2**20:.0f} MB, which is too much for an answer")
            room[0] -= size
        except Exception as error:
            sent[name] = {"problem": str(error)[:300]}
        if sent[name] == {"function": True}:
            functions[step["check"], name] = notebook[name]
    send("answers", step["check"], sent)
    return missing


def _ask(function: Any, name: str, asked: Any) -> tuple[bool, Any]:
    if function is None:
        return False, f"{name} is no function"
    try:
        return True, Live(name, function).ask(asked)
    except AnswerError as error:
        return False, str(error)[:500]
    except BaseException as error:
        return False, f"{name} raised {type(error).__name__}: {error}"[:500]


def _answers(check: dict[str, Any]) -> Namespace:
    """Build what one check looks at; what cannot be built is an AnswerError in its place."""
    results: dict[str, dict[str, tuple[bool, Any] | None]] = {}
    for name, question, text in check["calls"]:
        answer = None
        with contextlib.suppress(ValueError, RecursionError, TypeError):
            given, result = json.loads(text)
            answer = (given is True, result)
        results.setdefault(name, {})[canonical(question)] = answer
    try:
        documents = dict(json.loads(check["answers"]))
    except (ValueError, RecursionError, TypeError):
        documents = {}
    answers: Namespace = {}
    for name in check["names"]:
        document = documents.get(name)
        if document == {"function": True}:
            answers[name] = Replay(name, results.get(name, {}))
        elif name in documents:
            try:
                problem = isinstance(document, dict) and document.get("problem")
                answers[name] = AnswerError(str(problem)) if problem else decode(document)
            except AnswerError as error:
                answers[name] = error
    return answers


def _is_function(value: object) -> bool:
    try:
        return encode(value) == {"function": True}
    except AnswerError:
        return False


def _words(label: str, error: BaseException) -> str:
    if isinstance(error, CheckFailed):
        return str(error)
    return f"The cell {label!r} raises {type(error).__name__}: {error}"


def serve(fd: int) -> None:
    """Play the part that the first line names.

    Parameters
    ----------
    fd : int
        A socket: jobs come in, results go out.
    """
    incoming, outgoing = os.fdopen(os.dup(fd), "rb"), os.fdopen(fd, "wb")

    def send(word: str, key: str, content: Any) -> None:
        outgoing.write(f"{word}\t{key}\t{json.dumps(content)}\n".encode())
        outgoing.flush()  # what was sent counts, even if the process is stopped later

    def receive() -> Any:
        return json.loads(incoming.readline())

    job = receive()
    _settle_chance()
    {"sit": sit, "mark": mark, "rehearse": rehearse}[job["part"]](job, send, receive)


def _settle_chance() -> None:
    """The same submission gets the same mark, whether or not it set a seed."""
    random.seed(0)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
