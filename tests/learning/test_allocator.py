"""Freed memory is used again, without asking the system for it."""

import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tl_teach.learning.allocator import keep_freed_memory

CODE = """
import resource, sys, torch
from tl_teach.learning.allocator import keep_freed_memory
if "keep" in sys.argv:
    assert keep_freed_memory() and keep_freed_memory()
def batch():
    return torch.ones(80 * 2**20, dtype=torch.uint8)[:8].sum()
batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*words, **environment):
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words], env=environment, capture_output=True, text=True
    )
    return int(done.stdout) if done.returncode == 0 else done.stderr


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_a_batch_uses_the_memory_of_the_one_before():
    assert faults("keep") < faults() / 3


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
@pytest.mark.parametrize("admitted", [2**40, 2**25])
def test_an_older_glibc_gets_the_most_that_it_admits(monkeypatch, admitted):
    asked = []

    def mallopt(which, value):
        asked.append((which, value))
        return int(which != -3 or value <= admitted)

    library = SimpleNamespace(mallopt=mallopt)
    monkeypatch.setattr("ctypes.CDLL", lambda name: library)
    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_TUNABLES"))]:
        monkeypatch.delenv(name)
    assert keep_freed_memory.__wrapped__()
    assert min(2**28, admitted) in [value for which, value in asked if which == -3]
    assert asked[-1][0] == -1


def test_who_has_set_it_otherwise_is_obeyed():
    assert "AssertionError" in str(faults("keep", MALLOC_TRIM_THRESHOLD_="0"))
