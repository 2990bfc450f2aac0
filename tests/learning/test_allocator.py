"""Freed memory is used again, without asking the system for it."""

import platform
import subprocess
import sys

import pytest

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


def test_who_has_set_it_otherwise_is_obeyed():
    assert "AssertionError" in str(faults("keep", MALLOC_TRIM_THRESHOLD_="0"))
