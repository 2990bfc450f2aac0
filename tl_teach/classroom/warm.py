"""The warm parent: a process that has imported once what all need, and forks slots; they, jails.

It learns no more of the master than what it imports and loads: a job goes past it and its slot,
straight into the jail, through a socket that the grader hands over. What frozen stages gave to the
master, only the slots for checks are told. A slot watches what a jail uses, and ends it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import jail
from .limits import Limits, NoIsolation

_FIRST_USER = 1_900_000_000  # far above the numbers that systems give to people and services
_LOOK = 0.05  # seconds between two looks at what a jail uses
_ROOM = 1.125  # of the limit on memory; a single process is told before, by MemoryError
_PAGE, _TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Import and fork as told, until the other end of the socket is gone."""
    control, isolated = socket.socket(fileno=int(sys.argv[1])), sys.argv[2] == "isolated"
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # whatever was inherited: children are counted
    for name in ("numpy.random", "tl_teach.classroom.run", "IPython.core.inputtransformer2"):
        importlib.import_module(name)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the grader is gone
        while True:
            message, fds, _, _ = socket.recv_fds(control, 1 << 18, 2)
            if not message:
                break
            answer: dict[str, Any] = {}
            if not fds:
                _warm_up(**json.loads(message))
            else:
                try:
                    answer["process"] = _slot(control, fds, isolated)
                except OSError as error:  # there is no memory for another, perhaps
                    answer["lost"] = str(error)
                for fd in fds:
                    os.close(fd)
            control.sendall(json.dumps(answer).encode())
    return 0


def _slot(ours: socket.socket, fds: list[int], isolated: bool) -> int:
    """Fork a slot, which serves jobs until the grader is gone; give its process."""
    fd, kept = fds
    with contextlib.suppress(ChildProcessError):  # slots that have ended
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        ours.close()
        with os.fdopen(kept, "rb") as file:
            _shelve(file.read())
        number, control = os.getpid(), socket.socket(fileno=fd)
        control.settimeout(None)  # a module may have set another for all
        try:
            mapped = isolated and jail.seclude()
            user = None if mapped or not isolated else _FIRST_USER + number
            SlotProcess(control, isolated, user).serve()
        except NoIsolation as error:
            control.sendall(json.dumps({"refused": str(error)}).encode())
        code = 0
    except (BrokenPipeError, ConnectionResetError):  # the grader is gone
        code = 0
    except BaseException:
        traceback.print_exc()
    os._exit(code)


class SlotProcess:
    """Forks jails and watches them, one at a time.

    Through `control` come limits, with the socket of a job, and out goes what it used. Without
    isolation there are only the limits that every system knows. Students' processes get
    the number `user`, this slot's own, where the kernel lets this one give it to them.
    """

    def __init__(self, control: socket.socket, isolated: bool, user: int | None):
        self.control, self.isolated, self.user = control, isolated, user
        self.folders = _folders()
        self.baseline = _anonymous(os.getpid())
        if isolated:
            self.calls = jail.forbidden_calls()
            self.home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def serve(self) -> None:
        """Answer until the grader is gone."""
        self.control.sendall(json.dumps({"ready": True}).encode())
        while True:
            message, fds, _, _ = socket.recv_fds(self.control, 4096, 1)
            if not message:
                return
            used = self._job(Limits(**json.loads(message)), fds[0])
            self.control.sendall(json.dumps(used).encode())

    def _job(self, limits: Limits, fd: int) -> dict[str, Any]:
        keeper = self._new_processes() if self.isolated else None
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            self._become(limits, fd, writing)
        if keeper:
            jail._call("setns", self.home, jail.PROCESSES)
        os.close(writing)
        os.close(fd)
        with os.fdopen(reading) as told:
            problem = told.read()  # until the child is in its jail
        used = {"refused": problem} if problem else self._watch(child, keeper, limits)
        if keeper:
            keeper.kill()  # and with it, everything in its namespace
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if keeper:
            keeper.wait()
        if not problem and not used["ended"] and code != 0:
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            used["ended"] = f"it ended itself ({how})"
        return used

    def _new_processes(self) -> subprocess.Popen:
        """Begin a namespace for processes; its first waits for the end of this one."""
        jail._call("unshare", jail.PROCESSES)
        return subprocess.Popen(
            ["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={}, cwd="/"
        )

    def _become(self, limits: Limits, fd: int, writing: int) -> None:
        """In the child: go to jail, run the job, never return."""
        try:
            os.setsid()
            os.environ.update(HOME="/tmp", PWD="/tmp")
            null = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):
                os.dup2(null, standard)
            low, high = sorted((fd, writing))
            for first, end in ((3, low), (low + 1, high), (high + 1, 1 << 20)):
                os.closerange(first, end)
            if self.isolated:
                jail.enter(limits, self.user, self.folders, self.calls)
            else:
                _plain_limits(limits)
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
            os._exit(1)
        os.close(writing)
        code = 1
        with contextlib.suppress(BaseException):
            from .run import serve

            serve(fd)
            code = 0
        os._exit(code)

    def _watch(self, child: int, keeper: subprocess.Popen | None, limits: Limits) -> dict[str, Any]:
        """Look at what a jail uses until it ends, or has used too much."""
        poll, watch = select.poll(), os.pidfd_open(child)
        poll.register(watch, select.POLLIN)
        poll.register(self.control, select.POLLIN)
        started, ended, seconds = time.monotonic(), "", 0.0
        while not ended:
            changed = dict(poll.poll(_LOOK * 1000))
            if watch in changed:
                break
            if self.control.fileno() in changed:
                ended = "the grader stopped"
            held, worked = self._burden([child] + ([keeper.pid] if keeper else []))
            seconds = max(seconds, worked)
            if held > _ROOM * limits.memory:
                ended = f"it was stopped at {limits.memory / 2**20:,.0f} MB of memory"
            elif seconds > limits.seconds:
                ended = f"it was stopped after {limits.seconds:g} s of computing"
            elif time.monotonic() - started > limits.wall:
                ended = f"it was stopped after {limits.wall:g} s"
        os.close(watch)
        return {"ended": ended, "seconds": round(seconds, 2)}

    def _burden(self, roots: list[int]) -> tuple[int, float]:
        """Memory that processes do not share with this one, and their seconds of computing."""
        held, worked, todo = 0, 0.0, list(roots)
        while todo:
            pid = todo.pop()
            with contextlib.suppress(OSError, ValueError, IndexError):  # it may end meanwhile
                for thread in os.listdir(f"/proc/{pid}/task"):
                    children = Path(f"/proc/{pid}/task/{thread}/children").read_text()
                    todo += [int(child) for child in children.split()]
                held += max(0, _anonymous(pid) - self.baseline)
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                worked += sum(map(int, fields[11:15])) / _TICK
        return held, worked


def _anonymous(pid: int) -> int:
    _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(resident) - int(shared)) * _PAGE


def _warm_up(modules: list[str], tasks: Sequence[str] = (), networks: Sequence[str] = ()) -> None:
    """Import what the master imports and read what it reads, so that no child has to."""
    for name in modules:
        with contextlib.suppress(BaseException):  # whoever needs it is told what is wrong with it
            importlib.import_module(name)
    for function, names in (("load_task", tasks), ("load_network", networks)):
        for name in names:
            with contextlib.suppress(BaseException):
                getattr(importlib.import_module("tl_teach"), function)(name)
    _settle()


def _shelve(kept: bytes) -> None:
    """Put up the shelves of what frozen stages gave to the master."""
    if kept:
        from ..learning.store import STORE

        with contextlib.suppress(Exception):  # it only saves time
            STORE.unpack(kept)
    _settle()


def _settle() -> None:
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page that it touches


def _folders() -> list[str]:
    """The folders that Python reads: no more than these can be seen from a jail."""
    import tl_teach

    from .. import assets

    package = Path(tl_teach.__file__).parent
    wanted = [package, assets.folder(), Path("/usr"), Path(sys.prefix), Path(sys.base_prefix)]
    # Of other folders that Python imports from, a teacher's own may hold masters.
    wanted += [
        Path(entry) for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))
    ]
    wanted += [Path(name) for name in ("/bin", "/lib", "/lib64") if not os.path.islink(name)]
    folders = [str(each) for each in wanted if os.path.isdir(each) and each != Path("/")]
    inside = [each for each in folders if any(each.startswith(f"{other}/") for other in folders)]
    return sorted(set(folders) - set(inside))


def _plain_limits(limits: Limits) -> None:
    most = {resource.RLIMIT_CPU: int(limits.seconds) + 2, resource.RLIMIT_FSIZE: limits.disk}
    for name, value in most.items():
        resource.setrlimit(name, (value, value))


if __name__ == "__main__":
    sys.exit(main())
