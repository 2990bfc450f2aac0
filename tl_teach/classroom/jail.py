"""The jail: what a process that runs a student's code cannot see, reach or use up.

Linux namespaces, entered directly (https://man7.org/linux/man-pages/man7/namespaces.7.html). As
root, the process gets a user number that owns nothing; as an ordinary user it is confined by a
user namespace. What cannot be had is refused: nothing here falls back to less.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
from pathlib import Path
from typing import Any

from .limits import Limits, NoIsolation

MOUNTS, CONTROL_GROUP, HOST_NAME, MESSAGES = 0x20000, 0x2000000, 0x4000000, 0x8000000
USERS, PROCESSES, NETWORK = 0x10000000, 0x20000000, 0x40000000
_NOSUID, _NODEV, _NOEXEC, _BIND, _RECURSIVE, _PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
_READ_ONLY, _AT_RECURSIVE, _AT_CWD, _DETACH = 1, 0x8000, -100, 2
_PR_PARENT_DEATH, _PR_NO_NEW_PRIVILEGES = 1, 38
_NOBODYS = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS
_ADDRESSES = 4 * 2**30  # bytes that may be mapped beyond the limit on memory: libraries, files
_MOUNT_SETATTR = 442  # the same number on every processor
_CAPABILITIES = 0x20080522

ROOT = "/sys"
"""Where the jail is put together: a folder that every Linux has, and that nobody needs inside."""

FORBIDDEN = """
    ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise
    mount umount umount2 move_mount fsopen fsmount fsconfig fspick open_tree mount_setattr
    pivot_root chroot unshare setns name_to_handle_at open_by_handle_at
    keyctl add_key request_key bpf perf_event_open userfaultfd fanotify_init
    io_uring_setup io_uring_enter io_uring_register memfd_create memfd_secret
    shmget shmat shmctl msgget msgsnd msgrcv msgctl semget semop semctl semtimedop mq_open
    init_module finit_module delete_module kexec_load kexec_file_load reboot syslog acct quotactl
    swapon swapoff personality settimeofday clock_settime adjtimex clock_adjtime
    sethostname setdomainname iopl ioperm modify_ldt vhangup lookup_dcookie uselib nfsservctl
    move_pages migrate_pages mbind set_mempolicy remap_file_pages
"""
"""Calls that no notebook needs: they look into other processes, build namespaces, or hold memory
that no limit counts. https://man7.org/linux/man-pages/man2/syscalls.2.html"""


def seclude() -> bool:
    """Move this process into namespaces of its own, before it starts any jail.

    Returns
    -------
    bool
        True in a user namespace, where no other user number can be had.

    Raises
    ------
    NoIsolation
        If the kernel does not let it.
    """
    user, group = os.getuid(), os.getgid()
    mapped = False
    try:
        if user != 0:
            raise PermissionError
        _call("unshare", MOUNTS | PROCESSES)
    except OSError:  # an ordinary user, or a root that is none
        mapped = True
        try:
            _call("unshare", USERS | MOUNTS | PROCESSES)
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {user} 1")
            Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        except OSError as error:
            raise _refusal(error) from None
    first = os.fork()  # the first process in the new namespace: with it, everything in there ends
    if first:
        for fd in range(3, 256):  # so that each end of a socket notices when the other is gone
            with contextlib.suppress(OSError):
                os.close(fd)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 0xFF)
    _call("prctl", _PR_PARENT_DEATH, signal.SIGKILL)
    try:
        _mount(None, "/", None, _RECURSIVE | _PRIVATE)
        _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    except OSError as error:
        raise _refusal(error) from None
    return mapped


def enter(limits: Limits, user: int | None, folders: list[str], calls: Any) -> None:
    """Go to jail. There is no way back.

    Parameters
    ----------
    limits : Limits
        What this process and its children may use.
    user : int or None
        The user number to become; None in a user namespace.
    folders : list of str
        What can be seen, read-only: the Python environment.
    calls : pyseccomp.SyscallFilter
        What `forbidden_calls` gave.
    """
    memory, mapped = (_inherited(what) + limits.memory for what in ("VmData", "VmSize"))
    Path("/proc/self/oom_score_adj").write_text("1000")  # if memory runs out, this goes first
    os.nice(5)  # whoever watches comes first
    _call("unshare", MOUNTS | MESSAGES | NETWORK | HOST_NAME | CONTROL_GROUP)
    socket.sethostname("jail")
    _furnish(limits, folders)
    for name, most in {
        resource.RLIMIT_CPU: int(limits.seconds) + 2,
        resource.RLIMIT_DATA: memory,
        resource.RLIMIT_AS: mapped + _ADDRESSES,
        resource.RLIMIT_FSIZE: limits.disk,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }.items():
        resource.setrlimit(name, (most, most))
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    _call("prctl", _PR_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _drop_capabilities()
    calls.load()


def forbidden_calls() -> Any:
    """Make the filter that answers what is `FORBIDDEN` with "not permitted"; a child loads it."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError) as error:
        raise NoIsolation(
            f"Isolation needs libseccomp ({error}): install it and `pip install pyseccomp`, or "
            "trust every submission with --no-isolation."
        ) from None
    calls, denied = pyseccomp.SyscallFilter(pyseccomp.ALLOW), pyseccomp.ERRNO(errno.EPERM)
    for name in FORBIDDEN.split():
        with contextlib.suppress(Exception):  # not every processor has every call
            calls.add_rule(denied, name)
    for space in (MOUNTS, CONTROL_GROUP, HOST_NAME, MESSAGES, USERS, PROCESSES, NETWORK):
        calls.add_rule(denied, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, space, space))
    # Its flags are in memory, where no filter sees them; without it, clone is used.
    calls.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    calls.add_rule(denied, "socket", pyseccomp.Arg(0, pyseccomp.NE, socket.AF_UNIX))
    # Whoever ignores this signal has children that end uncounted.
    calls.add_rule(denied, "rt_sigaction", pyseccomp.Arg(0, pyseccomp.EQ, signal.SIGCHLD))
    # Memory that is shared and has no file: no limit counts it, nor would those who look at us.
    calls.add_rule(denied, "mmap", pyseccomp.Arg(3, pyseccomp.MASKED_EQ, _NOBODYS, _NOBODYS))
    return calls


def _furnish(limits: Limits, folders: list[str]) -> None:
    """Put together what can be seen, and make it all there is."""
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("jail", ROOT, "tmpfs", _NOSUID | _NODEV, "size=1m,nr_inodes=4k,mode=755")
    for name in ("proc", "dev", "tmp"):
        os.mkdir(f"{ROOT}/{name}")
    size = f"size={limits.disk},nr_inodes=16k,mode=1777"
    _mount("jail", f"{ROOT}/tmp", "tmpfs", _NOSUID | _NODEV, size)
    for folder in folders:
        os.makedirs(ROOT + folder, exist_ok=True)
        _mount(folder, ROOT + folder, None, _BIND | _RECURSIVE)
    for name in ("/bin", "/lib", "/lib64"):
        if os.path.islink(name):
            os.symlink(os.readlink(name), ROOT + name)
    for name in ("null", "random", "urandom"):  # "zero" can be mapped as shared memory
        Path(f"{ROOT}/dev/{name}").touch()
        _mount(f"/dev/{name}", f"{ROOT}/dev/{name}", None, _BIND)
    os.symlink("/tmp", f"{ROOT}/dev/shm")
    _mount("proc", f"{ROOT}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    _set_attributes(ROOT, _AT_RECURSIVE, on=_READ_ONLY | _NOSUID)
    _set_attributes(f"{ROOT}/tmp", 0, off=_READ_ONLY)
    os.chdir(ROOT)
    _call("pivot_root", b".", b".")  # the old root now lies under the new one
    _call("umount2", b".", _DETACH)
    os.chdir("/tmp")


def _inherited(what: str) -> int:
    """Bytes that a limit counts already: what the warm parent has reserved."""
    return 1024 * int(Path("/proc/self/status").read_text().split(f"{what}:")[1].split()[0])


def _drop_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    data = None if options is None else options.encode()
    _call("mount", *texts, ctypes.c_ulong(flags), data)


def _set_attributes(path: str, flags: int, on: int = 0, off: int = 0) -> None:
    wanted = (ctypes.c_uint64 * 4)(on, off, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    number = ctypes.c_long(_MOUNT_SETATTR)
    _call("syscall", number, _AT_CWD, os.fsencode(path), ctypes.c_uint(flags), wanted, size)


def _call(name: str, *arguments: Any) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _refusal(error: OSError) -> NoIsolation:
    return NoIsolation(
        f"This kernel does not allow isolation here ({error.strerror}): run as root on the machine "
        "itself, allow unprivileged user namespaces, or trust every submission with --no-isolation."
    )
