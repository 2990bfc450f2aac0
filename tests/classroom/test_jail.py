"""What a student's process cannot see, reach or use up; tried with code that does no harm."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="jails are made of what Linux has")

import tl_teach
from tl_teach.classroom import jail
from tl_teach.classroom.master import Master
from tl_teach.classroom.slot import WarmParent

from .small import LIMITS

pytestmark = pytest.mark.timeout(120)


def attempt(action, prepare=""):
    """Code that notes in `found` what an action gave, or why it failed."""
    return (
        f"import os, socket, ctypes, resource, subprocess, sys\n{prepare}\n"
        f"try:\n    found = {action}\n"
        "except Exception as error:\n    found = f'{type(error).__name__}'"
    )


def test_it_has_a_user_number_of_its_own_and_no_rights(run):
    found = run(attempt("open('/proc/thread-self/status').read()")).found
    rights = dict(line.split(":\t", 1) for line in found.splitlines() if ":\t" in line)
    assert int(rights["CapEff"], 16) == int(rights["CapPrm"], 16) == 0
    assert (rights["NoNewPrivs"], rights["Seccomp"]) == ("1", "2")
    assert os.getuid() != 0 or rights["Uid"].split()[0] != "0"


def test_it_sees_the_python_environment_and_nothing_else(run):
    seen = set(run(attempt("os.listdir('/')")).found)
    assert not seen & {"etc", "home", "var", "srv", "boot", "sys", "mnt", "opt"} - {
        Path(sys.prefix).parts[1],
        Path(sys.base_prefix).parts[1],
    }
    assert run(attempt("os.path.exists('/etc/passwd')")).found is False
    assert run(attempt("os.listdir('/dev')")).found is not None
    assert set(run(attempt("os.listdir('/dev')")).found) == {
        *("null", "random", "urandom", "shm"),
    }


def test_the_repository_around_the_package_is_not_there(run):
    around = Path(tl_teach.__file__).parent.parent
    environment = Path(sys.prefix)  # `make` puts it into the repository
    allowed = {"tl_teach"}
    if around in environment.parents:
        allowed.add(environment.relative_to(around).parts[0])
    assert set(run(attempt(f"os.listdir({str(around)!r})")).found) == allowed


@pytest.mark.parametrize("place", ["/", "/usr", str(Path(tl_teach.__file__).parent), "/dev"])
def test_it_can_write_nowhere_but_in_its_own_folder(run, place):
    assert run(attempt(f"open({place!r} + '/new', 'w')")).found in ("OSError", "PermissionError")


def test_its_own_folder_is_empty_private_and_limited(run):
    fill = "size = 0\nfor n in range(40):\n    f = open(f'{n}', 'wb')\n    try:\n"
    fill += "        size += f.write(b'x' * 2**20)\n        f.flush()\n    except OSError:\n"
    fill += "        size -= 2**20\n        break\n"
    assert run(attempt("size", fill)).found <= LIMITS.disk
    assert run(attempt("[name for name in os.listdir() if name.isdigit()]")).found == []


def test_one_file_cannot_be_larger_than_the_disk(run):
    found = run(attempt("os.truncate('f', 2**31)", "open('f', 'w').close()")).found
    assert found == "OSError"


def test_there_is_no_network(run):
    connect = "socket.create_connection(('127.0.0.1', 22), 1)"
    assert run(attempt(connect)).found in ("OSError", "PermissionError")
    assert run(attempt("socket.getaddrinfo('example.org', 80)")).found != []


@pytest.mark.parametrize("name", ["root", "cwd", "environ", "mem"])
def test_the_first_process_cannot_be_looked_into(run, name):
    look = f"os.stat('/proc/1/{name}/')" if name in ("root", "cwd") else f"open('/proc/1/{name}')"
    assert run(attempt(look)).found == "PermissionError"


def test_no_process_outside_can_be_seen(run):
    found = run(attempt("[name for name in os.listdir('/proc') if name.isdigit()]")).found
    assert found == ["1", "2"]


@pytest.mark.parametrize(
    "call",
    [
        "unshare(0x10000000)",
        "setns(0, 0)",
        "chroot(b'/')",
        "mount(b'a', b'/tmp', b'tmpfs', 0, None)",
        "ptrace(16, 1, 0, 0)",
        "shmget(0, 4096, 0o1600)",
    ],
)
def test_calls_that_lead_out_are_refused(run, call):
    assert run(attempt(f"ctypes.CDLL(None).{call}")).found == -1


def test_the_environment_is_scrubbed(run, monkeypatch):
    known = run(attempt("dict(os.environ)")).found
    assert known["HOME"] == "/tmp"
    assert not {"USER", "LOGNAME", "SSH_AUTH_SOCK", "VIRTUAL_ENV", "TL_TEACH_MIRROR"} & set(known)


def test_a_folder_that_python_imports_from_is_not_shown(master, tmp_path, monkeypatch):
    (tmp_path / "master.ipynb").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    look = attempt(f"os.path.exists({str(tmp_path)!r})")
    steps = [{"label": "a", "source": look}, {"label": "b", "check": "b", "names": ["found"]}]
    job = {"part": "sit", "cell_seconds": 5, "steps": steps, "room": 2**20}
    with WarmParent(master) as warm, warm.slot() as slot:
        assert slot.run(job, LIMITS, then=list).of("answers")["b"] == '{"found": false}\n'


def test_nothing_of_the_warm_parent_is_open(run):
    look = "import os, stat\nfound = []\nfor fd in range(3, 200):\n    try:\n"
    look += "        found.append(stat.S_ISSOCK(os.fstat(fd).st_mode))\n    except OSError: pass"
    assert run(look).found == [True, True]  # the socket of its job, read and written


def test_the_name_of_a_mirror_is_nowhere_in_the_process(master, monkeypatch):
    loaded, secret = [], "/a/mirror"
    monkeypatch.setenv("TL_TEACH_MIRROR", secret)
    monkeypatch.setattr(Master, "loads", lambda self, function: [function])
    for function in ("load_task", "load_network"):
        monkeypatch.setattr(tl_teach, function, loaded.append)
    look = f"""
import ctypes
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # so that it may look at itself
secret = {secret[:4]!r} + {secret[4:]!r}
found = secret in open('/proc/self/environ').read()
for line in open('/proc/self/maps'):
    if '[stack]' in line:
        first, end = (int(number, 16) for number in line.split()[0].split('-'))
        found = (found, secret.encode() in ctypes.string_at(first, end - first))
"""
    steps = [{"label": "a", "source": look}, {"label": "b", "check": "b", "names": ["found"]}]
    job = {"part": "sit", "cell_seconds": 5, "steps": steps, "room": 2**20}
    with WarmParent(master) as warm, warm.slot() as slot:
        heard = slot.run(job, LIMITS, then=list)
    assert heard.of("answers")["b"] == '{"found": {"tuple": [false, false]}}\n', heard.of("error")
    assert loaded == ["load_task", "load_network"]  # it was asked by the grader itself


def test_the_computing_of_children_counts_also_if_nobody_waits_for_them(run):
    burn = """
import os, signal, time
try:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # now they would end unseen
except OSError:
    pass
for _ in range(400):
    if os.fork() == 0:
        end = time.process_time() + 0.03
        while time.process_time() < end:
            pass
        os._exit(0)
    try:
        os.wait()
    except OSError:
        pass
"""
    assert run(burn).ended == f"it was stopped after {LIMITS.seconds:g} s of computing"


def test_programs_may_start_programs(run):
    start = "subprocess.run(['sh', '-c', 'cat /dev/null; echo $(echo yes)'], capture_output=True)"
    assert run(attempt(f"{start}.stdout.decode().strip()")).found == "yes"
    pool = "multiprocessing.get_context('fork').Pool(2)"
    assert run(attempt(f"{pool}.map(abs, [-1, 2])", "import multiprocessing")).found == [1, 2]


@pytest.mark.parametrize(
    "action",
    ["mmap.mmap(-1, 4096).size()", "mmap.mmap(os.open('/dev/zero', os.O_RDWR), 4096).size()"],
)
def test_there_is_no_shared_memory_that_no_limit_counts(run, action):
    assert run(attempt(action, "import mmap")).found in ("PermissionError", "FileNotFoundError")


def test_addresses_are_limited_too_since_their_tables_take_memory(run):
    action = "mmap.mmap(-1, 2**40, flags=mmap.MAP_PRIVATE | 0x4000, prot=mmap.PROT_READ).size()"
    assert run(attempt(action, "import mmap")).found == "OSError"


def test_limits_cannot_be_raised(run):
    raise_it = "resource.setrlimit(resource.RLIMIT_NPROC, (4000, 4000))"
    assert run(attempt(raise_it)).found == "ValueError"


def test_programs_run_under_the_same_limits(run):
    asked = "subprocess.run(['cat', '/etc/passwd'], capture_output=True).returncode"
    assert run(attempt(asked)).found == 1


def test_what_one_leaves_behind_the_next_does_not_find(run):
    place = "os.path.join(tempfile.gettempdir(), 'left')"
    leave = f"import os, tempfile\nopen({place}, 'w').write('x')\nos.environ['LEFT'] = 'x'\n"
    left = f"(os.path.exists({place}), 'LEFT' in os.environ)"
    assert run(leave + f"found = {left}").found == (True, True)
    assert run("import os, tempfile\n" + attempt(left)).found == (False, False)


def test_chance_is_settled(run):
    draw = attempt("(random.random(), hash('a'))", "import random")
    assert run(draw).found == run(draw).found


def test_other_systems_are_refused_in_one_sentence(master, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(jail.NoIsolation, match=r"needs Linux, and this is darwin"):
        WarmParent(master)


@pytest.fixture(scope="module")
def ordinary_user(tmp_path_factory):
    """A command that runs Python as a user who is not root."""
    if os.getuid() != 0:
        pytest.skip("the tests run as an ordinary user already")
    setpriv = shutil.which("setpriv")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = next((each for each in (f"/usr/bin/{version}", sys.executable) if _open(each)), None)
    if setpriv is None or python is None:
        pytest.skip("there is no setpriv, or no Python that others may run")
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o777)
    paths = [str(Path(tl_teach.__file__).parents[1]), *(p for p in sys.path if "site-" in p)]
    environment = {"HOME": str(home), "PYTHONPATH": os.pathsep.join(paths), "PATH": "/usr/bin"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    user = [setpriv, "--reuid=61111", "--regid=61111", "--clear-groups", python, "-c"]
    ready = [*user, "import tl_teach.classroom, numpy"]
    if subprocess.run(ready, env=environment, cwd="/", capture_output=True).returncode:
        pytest.skip("an ordinary user cannot read this Python environment")
    return user, environment


def _open(python):
    """Whether others may run it: not if it lies in a folder that is root's alone."""
    real = Path(python).resolve()
    return real.exists() and all(part.stat().st_mode & 0o001 for part in (real, *real.parents))


TRIAL = """
from tl_teach.classroom.master import Master
from tl_teach.classroom.slot import WarmParent
from tl_teach.classroom.limits import Limits, NoIsolation
import sys
look = '''
import os, socket
def fails(action):
    try:
        action()
    except OSError:
        return True
found = [
    fails(lambda: open("/etc/passwd")), fails(lambda: os.stat("/proc/1/root/")),
    fails(lambda: socket.create_connection(("127.0.0.1", 22), 1)),
    fails(lambda: open("/usr/new", "w")), os.listdir("/proc").count("3") == 0,
]
'''
try:
    warm = WarmParent(Master("trial", ()))
    slot = warm.slot()
except NoIsolation as reason:
    sys.exit(f"SKIP {reason}")
with warm, slot:
    steps = [{"label": "a", "source": look}, {"label": "b", "check": "b", "names": ["found"]}]
    job = {"part": "sit", "cell_seconds": 5, "steps": steps, "room": 2**20}
    print(slot.run(job, Limits(wall=20), then=list).of("answers"))
    bomb = "import os, time\\nfound = 0\\ntry:\\n    for _ in range(60):\\n"
    bomb += "        if os.fork() == 0: time.sleep(2); os._exit(0)\\n"
    bomb += "        found += 1\\nexcept OSError: pass"
    steps[0]["source"] = bomb
    print(slot.run(job, Limits(wall=20, processes=24), then=list).of("answers"))
"""


def test_an_ordinary_user_gets_the_same_walls(ordinary_user):
    command, environment = ordinary_user
    done = subprocess.run(
        [*command, TRIAL], env=environment, cwd="/", capture_output=True, text=True, timeout=100
    )
    if "SKIP" in done.stderr:
        pytest.skip(done.stderr.partition("SKIP ")[2])
    assert done.returncode == 0, done.stderr
    walls, forks = done.stdout.splitlines()
    assert walls.count("true") == 5, done.stdout + done.stderr
    assert int("".join(filter(str.isdigit, forks.partition("found")[2]))) < 24


def test_without_namespaces_it_is_refused_and_not_weakened(ordinary_user):
    command, environment = ordinary_user
    trial = "from tl_teach.classroom import jail\n"
    trial += "jail.USERS = 0\ntry:\n    jail.seclude()\n"  # as where users may make no namespaces
    trial += "except jail.NoIsolation as reason:\n    print(reason)"
    done = subprocess.run(
        [*command, trial], env=environment, cwd="/", capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("This kernel does not allow isolation here"), done.stderr
    assert "--no-isolation" in done.stdout
