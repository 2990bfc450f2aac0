"""The grader's end of one warm parent: jobs go out, lines come back, and no line is trusted."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import tl_teach

from .. import assets
from .limits import Limits, NoIsolation, require_linux
from .master import Master

_MOST_LINES = 10_000
_PASSED_ON = ("HOME", "OPENBLAS_CORETYPE", "LD_LIBRARY_PATH")


class Lost(RuntimeError):
    """The warm parent has ended, and its job with it."""


@dataclass
class Heard:
    """What came out of a jail: by word and key, JSON text as it came; why it ended; seconds."""

    lines: dict[str, dict[str, str]] = field(default_factory=dict)
    ended: str = ""
    seconds: float = 0.0

    def of(self, word: str) -> dict[str, str]:
        """All lines that begin with a word, by key."""
        return self.lines.get(word, {})


class Slot:
    """One warm parent, ready for one job at a time.

    Raises
    ------
    NoIsolation
        If isolation cannot be had.
    Lost
        If the warm parent does not start.
    """

    def __init__(self, master: Master, isolated: bool = True):
        require_linux()
        if "TL_TEACH_MIRROR" in os.environ:
            for function in ("load_task", "load_network"):
                _fetch(function, *master.loads(function))
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "tl_teach.classroom.warm", str(theirs.fileno())]
        command += [] if isolated else ["--open"]
        command += ["--modules", *master.imports]
        command += ["--tasks", *master.loads("load_task")]
        command += ["--networks", *master.loads("load_network")]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=_environment(),
            cwd="/",
            start_new_session=True,  # a key that stops the grader is not for its warm parents
        )
        theirs.close()
        self._told()

    def run(
        self, job: dict[str, Any], limits: Limits, then: Callable[[], Any] | None = None
    ) -> Heard:
        """Run one job in a jail of its own, and hear all that is said until it ends.

        Once the student's cells have ended, what `then` gives is sent.
        """
        heard = Heard()
        mine, theirs = socket.socketpair()
        with mine:
            with theirs, contextlib.suppress(OSError):  # if it is lost, we hear of it below
                message = json.dumps(asdict(limits)).encode()
                socket.send_fds(self.control, [message], [theirs.fileno()])
            try:
                too_much = self._listen(mine, job, limits.answers, heard, then)
            except (BrokenPipeError, ConnectionResetError):  # it was stopped while we spoke
                too_much = False
        used = self._told()
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

    def _told(self) -> dict[str, Any]:
        """Hear the warm parent, which is ours."""
        try:
            message = self.control.recv(1 << 16)
        except OSError:
            message = b""
        if not message:
            self.close()
            raise Lost("The warm parent process ended; its own words, if any, stand above.")
        told = json.loads(message)
        if "refused" in told:
            self.close()
            raise NoIsolation(told["refused"])
        return told

    def close(self) -> None:
        """End the warm parent and whatever runs in its jail."""
        self.control.close()
        self._process.wait()

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


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
