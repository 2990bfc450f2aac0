"""The book is built where the lab's digits cannot be had; the page then says what is missing."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import tl_teach as tl
from tl_teach.assets import AssetError


def build(folder: Path) -> tuple[str, str]:
    (folder / "_static" / "lab").mkdir(parents=True, exist_ok=True)
    app = SimpleNamespace(outdir=folder, builder=SimpleNamespace(format="html"))
    importlib.import_module("lab").write_scripts(app, None)
    names = ("network-data.js", "digits-data.js")
    return tuple((folder / "_static" / "lab" / name).read_text("ascii") for name in names)


def test_without_the_digits_the_network_is_there_all_the_same(tmp_path, monkeypatch):
    def lost(*args: object, **options: object) -> None:
        raise AssetError("mnist-5k cannot be had here.")

    monkeypatch.setattr(tl, "load_task", lost)
    network, digits = build(tmp_path)
    assert network.startswith("globalThis.LabData")
    assert digits == ""


def test_what_was_written_before_is_made_anew(tmp_path):
    build(tmp_path)
    (tmp_path / "_static" / "lab" / "network-data.js").write_text("of other weights", "ascii")
    network, digits = build(tmp_path)
    assert network.startswith("globalThis.LabData")
    assert digits.startswith("globalThis.LabData")
