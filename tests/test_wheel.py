"""The published package: small, typed, complete, and able to run without the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that what lies in the repository's build folder cannot slip in."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "tl_teach", "pyproject.toml", "README.md", "LICENSE"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(out), "."],
        cwd=source,
        check=True,
    )
    (built,) = out.glob("*.whl")
    return built


def test_it_is_small_typed_and_has_its_weights(wheel):
    assert wheel.stat().st_size < 1_000_000
    names = zipfile.ZipFile(wheel).namelist()
    assert "tl_teach/py.typed" in names
    assert any(re.fullmatch(r"tl_teach/networks/weights/.*\.safetensors", name) for name in names)
    assert {name.split("/")[0] for name in names} == {
        "tl_teach",
        *(name.split("/")[0] for name in names if ".dist-info/" in name),
    }


def test_outside_the_repository_it_runs_the_example_of_the_readme(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.S)
    where = "import tl_teach\nassert 'installed' in tl_teach.__file__, tl_teach.__file__\n"
    (tmp_path / "example.py").write_text(where + example, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "network.png").exists()
