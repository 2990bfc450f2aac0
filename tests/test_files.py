"""Files and lines that other systems than Linux would not take."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

import tl_teach as tl
from tl_teach import cli, files
from tl_teach.cli import doctor
from tl_teach.wording import say


@pytest.mark.parametrize(("times", "left"), [(2, "new"), (1000, "old")])
def test_a_file_that_is_looked_at_is_waited_for_as_on_windows(tmp_path, monkeypatch, times, left):
    waited = []

    def busy(part, target):
        if len(waited) < times:
            raise PermissionError(13, "Access is denied")
        os.replace(part, target)

    monkeypatch.setattr(files, "os", SimpleNamespace(name="nt", replace=busy, fsync=os.fsync))
    monkeypatch.setattr(files, "time", SimpleNamespace(sleep=waited.append))
    path = tmp_path / "numbers.txt"
    path.write_text("old")
    refused = pytest.raises(PermissionError) if left == "old" else contextlib.nullcontext()
    with refused, files.replacing(path) as part:
        part.write_text("new")
    assert path.read_text() == left and len(list(tmp_path.iterdir())) == 1
    assert len(waited) == 2 if left == "new" else 1 < sum(waited) < 3  # seconds


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_claim_is_told_where_no_tick_can_be_printed(monkeypatch, encoding):
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", output)
    tl.claim("it holds", 1.0, above=0)
    say("plain")
    output.flush()
    lines = output.buffer.getvalue().decode(encoding).splitlines()
    assert lines == ["\\u2713 it holds: 1.00 (claimed: above 0)", "plain"]


def test_the_command_writes_what_a_console_cannot_show_as_an_escape(tmp_path):
    cache = tmp_path / "Żółw"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "TL_TEACH_CACHE": str(cache)}
    command = [sys.executable, "-X", "utf8=0", "-m", "tl_teach", "assets"]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    assert rb"\u017b\xf3\u0142w" in done.stdout


def test_doctor_judges_a_folder_on_a_drive_that_is_not_there(monkeypatch, tmp_path):
    assert doctor._cannot_write(tmp_path / "not" / "yet") is None
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(doctor.os.path, "exists", lambda path: False)
    monkeypatch.setattr(type(tmp_path), "open", refused)
    assert doctor._cannot_write(tmp_path) == "No such device"


def refused(*_):
    raise OSError(19, "No such device")


def test_stars_are_followed_where_no_shell_has_done_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.jpg", "a.jpg", "c[1].jpg"):
        (tmp_path / name).touch()
    from tl_teach.cli.predict import _named

    assert list(_named(["?.jpg", "c[1].jpg", "none*.jpg"])) == [
        "a.jpg",
        "b.jpg",
        "c[1].jpg",
        "none*.jpg",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take every letter")
def test_a_program_is_exported_under_any_name(tmp_path):
    code = (
        "import sys, torch, tl_teach as tl\n"
        "path = tl.export_network(tl.load_network('letters-resnet'), sys.argv[1], 'torch.export')\n"
        "torch.export.load(open(path, 'rb'))"
    )
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", code, tmp_path / "Jürgen.pt2"]
    done = subprocess.run(command, capture_output=True, text=True, env=plain, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["Jürgen.pt2"]


def test_help_can_be_printed_anywhere(monkeypatch):
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    assert cli.main(["--help"]) == 0
