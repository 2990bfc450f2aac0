"""Each test begins before any exam, with nothing adapted and nothing kept."""

from importlib import import_module

import pytest

from tl_teach.learning.store import STORE
from tl_teach.tasks import split

exam = import_module("tl_teach.learning.exam")
adabn = import_module("tl_teach.adapt.adabn")


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    monkeypatch.setattr(STORE, "_folder", tmp_path / "activations")
    monkeypatch.setattr(split, "_broken", set())
    exam._taken.clear()
    adabn._known.clear()
    STORE.clear()
    yield
    exam._taken.clear()
    STORE.clear()
