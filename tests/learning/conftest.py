"""Each test begins with an empty store, apart from the reader's own."""

import pytest

from tl_teach.learning import looks, prefix
from tl_teach.learning.store import STORE


@pytest.fixture(autouse=True)
def empty_store(monkeypatch, tmp_path):
    monkeypatch.setattr(STORE, "_folder", tmp_path / "activations")
    STORE.clear()
    prefix._ready.clear()
    looks._looks.clear()
    yield
    STORE.clear()
