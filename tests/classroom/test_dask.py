"""Beyond one machine: two workers, one of which is killed midway."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from tl_teach.classroom import dask
from tl_teach.classroom.grade import Settings, grade
from tl_teach.classroom.journal import Journal
from tl_teach.classroom.marking import Rehearsal

from .small import HERE, LIMITS, answered, write

distributed = pytest.importorskip("distributed", reason="dask[distributed] is not installed")
pytestmark = pytest.mark.timeout(100)


@pytest.fixture
def cluster(slot, tmp_path):
    """A scheduler and two workers as processes; gives the address and the workers."""
    environment = HERE | {"OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__WORKER__DAEMON": "false"}
    file = tmp_path / "scheduler.json"
    common = [sys.executable, "-m", "distributed.cli"]
    scheduler = [*common[:2], "distributed.cli.dask_scheduler", "--scheduler-file", str(file)]
    scheduler += ["--port", "0", "--no-dashboard", "--host", "127.0.0.1"]
    worker = [*common[:2], "distributed.cli.dask_worker", "--scheduler-file", str(file)]
    worker += ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1"]
    worker += ["--local-directory", str(tmp_path)]
    quiet = {"env": environment, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    processes = [subprocess.Popen(scheduler, **quiet)]
    processes += [subprocess.Popen(worker, **quiet) for _ in range(2)]
    try:
        with distributed.Client(scheduler_file=str(file), timeout=30) as client:
            client.wait_for_workers(2, timeout=30)
            address = client.scheduler.address
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_worker_that_dies_leaves_its_submissions_to_the_other(cluster, master_path, tmp_path):
    address, workers = cluster
    slow = "import time\ntime.sleep(0.5)"
    for number in range(10):
        right = {"total": f"total = {27 - number % 2}"}
        write(tmp_path / "in" / f"s{number}" / "small.ipynb", answered(slow, **right))
    out = tmp_path / "grades.csv"
    journal = Journal(out)
    settings = Settings(limits=LIMITS, scheduler=address)
    if (child := os.fork()) == 0:  # kills one worker as soon as results come in
        while len(journal.entries()) < 2:
            time.sleep(0.02)
        os.kill(workers[0].pid, signal.SIGKILL)
        os._exit(0)
    grade(tmp_path / "in", master_path, out, settings)
    os.waitpid(child, 0)
    entries = journal.entries()
    assert workers[0].wait(10) == -signal.SIGKILL
    assert len(entries) == 10 and not any(entry["result"]["ended"] for entry in entries)
    right = [entry["result"]["checks"]["total-hidden"] is None for entry in entries]
    assert right == [number % 2 == 0 for number in range(10)]


def test_a_bench_serves_one_thread_for_one_master_and_one_way_of_grading(monkeypatch):
    opened, closed, ended = [], [], []

    class Counted(dask.Bench):
        def __init__(self, settings, warm, rehearsal):
            self.settings, self.warm = settings, warm
            opened.append(self)

        def close(self):
            closed.append(self)

        def mark(self, data):
            return self.settings.isolated

    def warm(master, isolated):
        return SimpleNamespace(master=master, learn=list, close=lambda: ended.append(master))

    monkeypatch.setattr(dask, "Bench", Counted)
    monkeypatch.setattr(dask, "WarmParent", warm)
    monkeypatch.setattr(dask, "_own", threading.local())
    monkeypatch.setattr(dask, "_warm", {})
    master, other = SimpleNamespace(digest="one"), SimpleNamespace(digest="two")
    trusting, careful = Settings(isolated=False), Settings()
    again = Settings(regrade="1")  # another way, by the same warm parent
    order = [(trusting, master), (careful, master), (again, master), (careful, other)]
    for settings, each in order * 2:
        for _ in range(2):
            assert dask._mark(settings, each, Rehearsal(), b"") is settings.isolated
    assert len(opened) == 8 and closed == opened[:7]
    assert ended == [master, master, other, master, master]


def test_without_dask_the_teacher_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"needs the package distributed.*pip install"):
        next(dask.elsewhere(Settings(scheduler="tcp://nowhere:1"), None, None, []))
