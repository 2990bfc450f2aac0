"""One warm parent for all tests, whose limits have been tried with harmless code first."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tl_teach.classroom.limits import NoIsolation
from tl_teach.classroom.marking import Desks, mark_submission, rehearse
from tl_teach.classroom.master import read_master
from tl_teach.classroom.slot import WarmParent

from .small import LIMITS, MASTER, answered, as_bytes, write


@pytest.fixture(scope="session")
def master_path(tmp_path_factory):
    return write(tmp_path_factory.mktemp("small") / "small" / "master.ipynb", MASTER)


@pytest.fixture(scope="session")
def master(master_path):
    return read_master(master_path)


@pytest.fixture(scope="session")
def warm(master):
    with ExitStack() as stack:
        try:
            warm = stack.enter_context(WarmParent(master))
            warm.slot().close()
        except NoIsolation as reason:
            pytest.skip(str(reason))
        yield warm


@pytest.fixture(scope="session")
def slot(warm):
    with warm.slot() as slot:
        yield slot


@pytest.fixture(scope="session")
def rehearsal(slot, master):
    return rehearse(slot, master, LIMITS)


@pytest.fixture(scope="session")
def run(slot):
    """Run code in the jail and give what it leaves in `found`."""
    import json

    from tl_teach.classroom.answers import decode

    def run(source, limits=LIMITS):
        steps = [{"label": "a", "source": source}, {"label": "b", "check": "b", "names": ["found"]}]
        job = {"part": "sit", "cell_seconds": limits.cell_seconds, "steps": steps, "room": 2**20}
        heard = slot.run(job, limits, then=list)
        documents = json.loads(heard.of("answers").get("b", "{}"))
        heard.found = decode(documents["found"]) if "found" in documents else None
        return heard

    return run


@pytest.fixture(scope="session")
def safe_run(run):
    """The same, once it is known that the limits hold: nothing hostile runs before."""
    processes = run(
        "import os, time\nfound = 0\ntry:\n    for _ in range(60):\n"
        "        if os.fork() == 0:\n            time.sleep(3)\n            os._exit(0)\n"
        "        found += 1\nexcept OSError:\n    pass"
    )
    assert processes.found < LIMITS.processes, "more processes than the limit"
    memory = run(
        "found, held = 0, []\ntry:\n    for _ in range(600):\n"
        "        held.append(b'x' * 2**20)\n        found += 1\nexcept MemoryError:\n    held = []"
    )
    assert memory.found is not None, f"no MemoryError: {memory.ended}"
    assert memory.found * 2**20 < LIMITS.memory + 2**24, "more memory than the limit"
    assert run("import time\ntime.sleep(60)").ended, "more time than the limit"
    return run


@pytest.fixture(scope="session")
def desks(warm, slot, rehearsal):
    with warm.slot(rehearsal.kept) as checks:
        yield Desks(slot, checks)


@pytest.fixture
def mark(safe_run, desks, master, rehearsal):
    """Mark a submission of the small assignment."""

    def mark(extra="", data=None, **answers):
        data = as_bytes(answered(extra, **answers)) if data is None else data
        return mark_submission(desks, master, rehearsal.probes, data, LIMITS)

    return mark
