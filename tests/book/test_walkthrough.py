"""The walkthrough runs where its photographs are missing, and on a reader's own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tl_teach import assets

from .contract import ROOT

NOTEBOOK = ROOT / "book/practice/cats-and-dogs.ipynb"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """An environment with no mirror, no network, and a cache without the photographs."""
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in ("mobilenet_v2-imagenet", "elpv-dataset"):
        cached = assets.path(name)
        shutil.copyfile(cached, cache / cached.name)
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), NOWHERE)
    return {
        **{name: value for name, value in os.environ.items() if name != "TL_TEACH_MIRROR"},
        **proxies,
        **{name.upper(): value for name, value in proxies.items()},
        "no_proxy": "",
        "NO_PROXY": "",
        "TL_TEACH_CACHE": str(cache),
        "PYTHONPATH": str(ROOT),
    }


def nbval(notebook: Path, environment: dict[str, str]) -> None:
    """Run a notebook and compare its outputs, as `make test` does."""
    options = ["--nbval", "--nbval-sanitize-with", str(ROOT / "tests/book/nbval-sanitize.cfg")]
    options += ["--nbval-cell-timeout=600", "-q", "-p", "no:cacheprovider", "--rootdir=."]
    command = [sys.executable, "-m", "pytest", *options, notebook.name]
    ran = subprocess.run(
        command, cwd=notebook.parent, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]


def shorter(target: Path, **changes: str) -> Path:
    """Write the notebook with two draws in place of five, one trial, and other changes."""
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    changes = {"range(5)": "range(2)", "trials=4": "trials=1", **changes}
    for old, new in changes.items():
        found = 0
        for cell in content["cells"]:
            if cell["cell_type"] == "code":
                source = "".join(cell["source"])
                found += source.count(old)
                cell["source"] = source.replace(old, new)
        assert found, f"{old!r} stands nowhere in the notebook"
    target.write_text(json.dumps(content), encoding="utf-8")
    return target


def test_without_photographs_and_network_it_says_so_and_goes_on(
    offline: dict[str, str], tmp_path: Path
) -> None:
    nbval(shorter(tmp_path / "cats-and-dogs.ipynb"), offline)


def test_a_readers_folder_of_photographs_goes_through_the_same_cells(
    offline: dict[str, str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for kind, brightness in (("moggy", 90), ("pointer", 160)):
        folder = tmp_path / "my-photographs" / kind
        folder.mkdir(parents=True)
        for number in range(20):
            noise = rng.normal(brightness, 60, (40, 60, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).resize((120, 80)).save(folder / f"{number}.jpg")
    own = {"FOLDER = None": 'FOLDER = "my-photographs"'}
    nbval(shorter(tmp_path / "mine.ipynb", **own), offline)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"cache", "mine.ipynb", "my-photographs"}, "it leaves files beside itself"
