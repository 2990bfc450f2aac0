"""The grader's end of a warm parent and its slots: jobs go out, lines come back, untrusted."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import tl_teach

from .. import assets
from .limits import Limits, NoIsolation, require_linux
from .master import Master

_MOST_LINES = 10_000
_FIRST_WORDS, _LAST_WORDS = 60.0, 10.0  # seconds that a slot may take to begin and to end
_PASSED_ON = ("HOME", "OPENBLAS_CORETYPE", "LD_LIBRARY_PATH")


class Lost(RuntimeError):
    """A slot or its warm parent has ended, and the job with it."""


@dataclass
class Heard:
    """What came out of a jail: by word and key, JSON text as it came; why it ended; seconds."""

    lines: dict[str, dict[str, str]] = field(default_factory=dict)
    ended: str = ""
    seconds: float = 0.0

    def of(self, word: str) -> dict[str, str]:
        """All lines that begin with a word, by key."""
        return self.lines.get(word, {})


class WarmParent:
    """A process that has imported what a master needs, from which slots are forked.

    Parameters
    ----------
    master : Master
        Says what is imported, and which tasks and networks are read.
    isolated : bool
        Whether what its slots run goes to jail.

    Raises
    ------
    NoIsolation
        If the system has no namespaces.
    """

    def __init__(self, master: Master, isolated: bool = True):
        require_linux()
        tasks, networks = master.loads("load_task"), master.loads("load_network")
        if assets.mirror() is not None:
            _fetch("load_task", *tasks)
            _fetch("load_network", *networks)
        self.master, self.isolated = master, isolated
        self._known = [{"modules": master.imports, "tasks": tasks, "networks": networks}]
        self._turns, self._closed = threading.Lock(), False  # several threads want slots
        self._start()

    def learn(self, modules: list[str]) -> None:
        """Import more, for the slots to come."""
        # In parts, since no message may be too long for the socket.
        more = [{"modules": modules[at : at + 500]} for at in range(0, len(modules), 500)]
        with self._turns:
            self._known += more
            self._tell(more)

    def slot(self, kept: bytes = b"") -> Slot:
        """Fork a slot.

        Parameters
        ----------
        kept : bytes
            What frozen stages gave to the master, from `Store.pack`. For checks alone: a student
            could see in it what the master computed.

        Raises
        ------
        NoIsolation
            If isolation cannot be had.
        Lost
            If the slot does not start.
        """
        with self._turns:
            try:
                return self._fork(kept)
            except Lost:
                if self._closed or self.process.poll() is None:
                    raise
            self.control.close()  # the system has ended the warm parent: it is started again
            self._start()
            return self._fork(kept)

    def close(self) -> None:
        """End the warm parent; its slots go on until they are closed."""
        self._closed = True
        self.control.close()
        self.process.kill()  # it may be at work on what it imported
        self.process.wait()

    def __enter__(self) -> WarmParent:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _start(self) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            way = "isolated" if self.isolated else "open"
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tl_teach.classroom.warm", str(theirs.fileno()), way],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_environment(),
                cwd="/",
                start_new_session=True,  # a key that stops the grader is not for these processes
            )
        self._tell(self._known)

    def _tell(self, messages: list[dict[str, list[str]]]) -> None:
        for message in messages:
            _send(self.control, message)
            _hear(self.control)

    def _fork(self, kept: bytes) -> Slot:
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, os.fdopen(os.memfd_create("kept"), "w+b") as file:
            file.write(kept)
            file.seek(0)
            _send(self.control, {}, theirs.fileno(), file.fileno())
            process = _hear(self.control)["process"]
        return Slot(mine, process)


class Slot:
    """A place for one job at a time, each in a jail of its own; `WarmParent.slot` makes it.

    Parameters
    ----------
    control : socket.socket
        Its other end is the process in which the slot is.
    process : int
        The number of that process.
    """

    def __init__(self, control: socket.socket, process: int):
        self.control, self.process = control, process
        control.settimeout(_FIRST_WORDS)
        _hear(control)
        control.settimeout(None)

    def run(
        self, job: dict[str, Any], limits: Limits, then: Callable[[], Any] | None = None
    ) -> Heard:
        """Run one job in a jail of its own, and hear all that is said until it ends.

        Once the student's cells have ended, what `then` gives is sent.
        """
        heard = Heard()
        mine, theirs = socket.socketpair()
        with mine:
            with theirs:
                _send(self.control, asdict(limits), theirs.fileno())
            try:
                too_much = self._listen(mine, job, limits.answers, heard, then)
            except (BrokenPipeError, ConnectionResetError):  # it was stopped while we spoke
                too_much = False
        used = _hear(self.control)
        heard.ended = "its answers were too large" if too_much else used["ended"]
        heard.seconds = used["seconds"]
        return heard

    def _listen(
        self,
        mine: socket.socket,
        job: dict[str, Any],
        most: int,
        heard: Heard,
        then: Callable[[], Any] | None,
    ) -> bool:
        mine.sendall(json.dumps(job).encode() + b"\n")
        with mine.makefile("rb") as stream:
            for _ in range(_MOST_LINES):
                line = stream.readline(most + 1)
                most -= len(line)
                if not line or most < 0:
                    return most < 0
                word, _, rest = line.decode("utf-8", "replace").partition("\t")
                key, _, text = rest.partition("\t")
                if text.endswith("\n"):  # a whole line: its writer was not stopped within it
                    heard.lines.setdefault(word, {})[key] = text
                if word == "done" and then is not None:
                    mine.sendall(json.dumps(then()).encode() + b"\n")
                    then = None
        return True

    def close(self) -> None:
        """End the slot and whatever runs in its jail."""
        with self.control, contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_WR)
            self.control.settimeout(_LAST_WORDS)
            while self.control.recv(1 << 16):  # until its process has ended
                pass

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _send(control: socket.socket, message: dict[str, Any], *fds: int) -> None:
    try:
        socket.send_fds(control, [json.dumps(message).encode()], fds)
    except OSError as error:
        raise Lost(f"A process of the grader's own cannot be reached ({error}).") from None


def _hear(control: socket.socket) -> dict[str, Any]:
    """Hear a process that is ours."""
    try:
        message = control.recv(1 << 16)
    except OSError:
        message = b""
    if not message:
        raise Lost("A process of the grader's own ended; its own words, if any, stand above.")
    told = json.loads(message)
    if "lost" in told:
        raise Lost(f"The grader could not start another process ({told['lost']}).")
    if "refused" in told:
        raise NoIsolation(told["refused"])
    return told


@functools.cache
def _fetch(function: str, *names: str) -> None:
    """Fetch here what comes from a mirror, whose name no jail may know."""
    for name in names:
        with contextlib.suppress(Exception):  # whoever needs it will be told what is wrong with it
            getattr(tl_teach, function)(name)


def _environment() -> dict[str, str]:
    """What a warm parent inherits: nothing that is the teacher's alone."""
    package = str(Path(tl_teach.__file__).parent.parent)
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1",
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")]).rstrip(":"),
        "TL_TEACH_CACHE": str(assets.folder()),
        "TMPDIR": "/tmp",
        "TQDM_DISABLE": "1",
    }
