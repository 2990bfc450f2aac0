import dataclasses
import hashlib
import http.server
import threading

import numpy as np
import pytest

import tl_teach as tl
from tl_teach import assets
from tl_teach.assets.mirrors import Download
from tl_teach.tasks import catalogue

PER_PART = {"train": 60, "val": 10, "test": 20}


def archive(folder, wrong=False):
    """A file of the published layout: smooth noise, with each scan of the test twice."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in PER_PART.items():
        coarse = rng.integers(20, 200, (count, 7, 7))
        arrays[f"{part}_images"] = coarse.repeat(4, 1).repeat(4, 2).astype(np.uint8)
        arrays[f"{part}_labels"] = (rng.random((count, 1)) < 0.7).astype(np.uint8)
    arrays["train_images"][:20] = arrays["test_images"] + 8
    arrays["train_labels"][:20] = arrays["test_labels"]
    if wrong:
        arrays["train_images"] = np.array([{"a": "pickle"}], dtype=object)
    path = folder / "breastmnist.npz"
    np.savez_compressed(path, **arrays)
    return path


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Let the catalogue describe a local file, and an empty cache wait for it."""

    def publish(mirror=True, url="http://127.0.0.1:9/breastmnist.npz", **options):
        folder = tmp_path / "published"
        folder.mkdir()
        path = archive(folder, **options)
        content = path.read_bytes()
        entry = dataclasses.replace(
            assets.catalogue["breastmnist"],
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            mirrors=(Download(url),),
        )
        monkeypatch.setitem(assets.catalogue, "breastmnist", entry)
        monkeypatch.setenv("TL_TEACH_MIRROR", str(folder if mirror else tmp_path))
        return path

    monkeypatch.setenv("TL_TEACH_CACHE", str(tmp_path / "cache"))
    catalogue._collection.cache_clear()
    yield publish
    catalogue._collection.cache_clear()


def test_malignant_is_class_zero_and_the_one_that_matters(published):
    published()
    task = tl.load_task("breast-tumours")
    assert task.classes == ("malignant", "normal or benign") and task.info.positive == "malignant"
    assert task.train[0][0].shape == (1, 28, 28)


def test_the_published_splits_are_put_together_and_divided_anew(published):
    published()
    task = tl.load_task("breast-tumours")
    parts = task.train, task.validation, task.test._open_for_exam()
    assert sum(map(len, parts)) == 90
    assert [len(part) for part in parts] == pytest.approx([54, 18, 18], abs=2)


@pytest.mark.parametrize("seed", range(3))
def test_near_duplicates_never_straddle(published, seed):
    published()
    task = tl.load_task("breast-tumours", seed=seed)
    assert len(set(task.groups)) == 70
    assert np.array_equal(task.groups[:20], task.groups[70:])  # train and test as published
    sides = [
        set(task.groups[part.indices])
        for part in (task.train, task.validation, task.test._open_for_exam())
    ]
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]


def test_it_comes_from_the_publisher_where_no_mirror_has_it(published, tmp_path, monkeypatch):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path / "published"))

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    published(mirror=False, url=f"http://127.0.0.1:{server.server_port}/breastmnist.npz")
    assert len(tl.load_task("breast-tumours", labels=20).train) == 20
    server.shutdown()
    server.server_close()


def test_without_any_mirror_one_sentence_says_what_to_do(published):
    published(mirror=False)
    with pytest.raises(assets.AssetError, match=r"Cannot get breastmnist\.npz .* TL_TEACH_MIRROR"):
        tl.load_task("breast-tumours")


def test_other_bytes_than_the_published_ones_are_refused(published):
    path = published()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(assets.AssetError, match="the checksum differs"):
        tl.load_task("breast-tumours")


def test_nothing_is_unpickled(published):
    published(wrong=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        tl.load_task("breast-tumours")


def test_the_catalogue_knows_the_file_that_medmnist_knows():
    info = pytest.importorskip("medmnist.info").INFO["breastmnist"]
    entry = assets.catalogue["breastmnist"]
    assert info["url"].split("?")[0] == entry.mirrors[0].url
    assert info["license"] == entry.licence and sum(info["n_samples"].values()) == 780
    assert list(info["label"].values()) == ["malignant", "normal, benign"]
