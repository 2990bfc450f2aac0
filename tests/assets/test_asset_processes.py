"""Several processes, killed processes: real ones, against a real server."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tl_teach import assets
from tl_teach.assets.partfile import STALE_SECONDS

from .conftest import BODY, Handler, sha256

ROOT = Path(__file__).parents[2]
FETCH = """
import sys
from tl_teach import assets, cli
from tl_teach.assets.mirrors import Download
url, size, sha256 = sys.argv[1:]
assets.catalogue["tiny"] = assets.Asset(
    "tiny", "Tiny", "tiny.bin", int(size), sha256, "CC0", "Nobody", (Download(url),)
)
sys.exit(cli.main(["assets", "fetch", "tiny"]))
"""


def start(url):
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, url, str(len(BODY)), sha256(BODY)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_that_fetch_at_once_both_succeed(server, cache):
    both = threading.Barrier(2)

    def together(handler):
        both.wait(30)  # neither gets a byte before both have asked
        handler.slow()

    url = server.does("/together", together)
    processes = [start(url), start(url)]
    for process in processes:
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert str(cache / "tiny.bin") in out
    assert [file.name for file in cache.iterdir()] == ["tiny.bin"]
    assert (cache / "tiny.bin").read_bytes() == BODY


def kill_halfway(server):
    process = start(server.does("/hang", Handler.hang))
    assert server.half_sent.wait(30)
    return process


def test_a_killed_download_leaves_nothing_that_passes_for_the_asset(server, tiny, cache):
    process = kill_halfway(server)
    process.kill()
    process.communicate(timeout=30)
    assert not (cache / "tiny.bin").exists()
    tiny(server.gives("/tiny", BODY))
    assert not assets.status()[-1].present
    assert assets.path("tiny").read_bytes() == BODY


def test_leftovers_of_killed_downloads_are_swept_when_they_are_old(server, tiny, cache):
    cache.mkdir()
    old, young = cache / "other.bin.1.part", cache / "other.bin.2.part"
    for part in (old, young):
        part.write_bytes(b"half")
    long_ago = young.stat().st_mtime - STALE_SECONDS - 1
    os.utime(old, (long_ago, long_ago))
    tiny(server.gives("/tiny", BODY))
    assets.path("tiny")
    assert sorted(file.name for file in cache.iterdir()) == ["other.bin.2.part", "tiny.bin"]


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send an interrupt to one process")
def test_an_interrupted_download_leaves_nothing_at_all(server, cache):
    process = kill_halfway(server)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert list(cache.iterdir()) == []


def test_importing_the_room_is_light():
    check = (
        "import sys, tl_teach.assets, tl_teach.cli\n"
        "heavy = {'torch', 'numpy', 'pooch', 'requests', 'tqdm'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)
