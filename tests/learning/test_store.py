"""Promises of the store: found by content, never stale, whole or not at all, bounded."""

import errno
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import time

import numpy as np
import pytest
import torch

from tl_teach.learning import store as store_module
from tl_teach.learning.store import DiskShelf, Shelf, Store


def digests_of(*names):
    return [hashlib.sha256(str(name).encode()).digest() for name in names]


def rows_of(shelf, *names):
    return torch.tensor([shelf.rows[digest] for digest in digests_of(*names)])


@pytest.fixture(params=["memory", "disk"])
def shelf(request, tmp_path):
    return Shelf() if request.param == "memory" else DiskShelf(tmp_path / "key", row_nbytes=12)


def test_rows_are_found_by_what_they_belong_to(shelf):
    shelf.add(digests_of("a", "b"), torch.tensor([[1.0, 1, 1], [2, 2, 2]]))
    shelf.add(digests_of("c"), torch.tensor([[3.0, 3, 3]]))
    assert len(shelf.rows) == 3
    assert shelf.take(rows_of(shelf, "c", "a", "c", "b"))[:, 0].tolist() == [3, 1, 3, 2]


def test_a_shelf_on_disk_is_found_again_by_the_next_process(tmp_path):
    DiskShelf(tmp_path, 8).add(digests_of("a", "b"), torch.tensor([[1.0, 2], [3, 4]]))
    again = DiskShelf(tmp_path, 8)
    assert again.take(rows_of(again, "b")).tolist() == [[3, 4]]


@pytest.mark.parametrize("damage", ["flip", "cut", "foreign", "no check", "pickle"])
def test_a_damaged_segment_is_dropped_and_can_be_made_again(tmp_path, damage):
    DiskShelf(tmp_path, 8).add(digests_of("a", "b"), torch.tensor([[1.0, 2], [3, 4]]))
    (segment,) = tmp_path.glob("*.segment")
    values = segment / "values.npy"
    data = bytearray(values.read_bytes())
    if damage == "flip":
        data[-1] ^= 1
        values.write_bytes(data)
    elif damage == "cut":
        values.write_bytes(data[:-4])
    elif damage == "foreign":
        values.write_bytes(b"something else")
    elif damage == "no check":
        (segment / "check.json").unlink()
    else:
        np.save(values, np.array([{"an": "object"}], dtype=object))
    assert not DiskShelf(tmp_path, 8).rows
    DiskShelf(tmp_path, 8).add(digests_of("a"), torch.tensor([[5.0, 6]]))
    again = DiskShelf(tmp_path, 8)
    assert again.take(rows_of(again, "a")).tolist() == [[5, 6]]


def test_changing_a_row_that_was_taken_changes_nothing_on_the_shelf(shelf):
    shelf.add(digests_of("a"), torch.ones(1, 3))
    shelf.take(rows_of(shelf, "a")).zero_()
    assert shelf.take(rows_of(shelf, "a")).sum() == 3


def add_forever(folder):
    shelf = DiskShelf(folder, 4_000_000)
    for number in range(10_000):
        shelf.add(digests_of(number), torch.full((1, 1_000_000), float(number)))


def test_a_killed_run_leaves_only_whole_segments(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=add_forever, args=(tmp_path,))
    process.start()
    while len(list(tmp_path.glob("*.segment"))) < 3:
        assert process.is_alive()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    survived = DiskShelf(tmp_path, 4_000_000)
    assert len(survived.rows) >= 3
    for number in range(3):
        assert (survived.take(rows_of(survived, number)) == number).all()


def test_what_a_killed_run_was_writing_is_swept_but_not_what_is_being_written(tmp_path):
    for name, seconds in (("old", 90_000), ("new", 3 * 3600)):
        (tmp_path / f"{name}.part").mkdir()
        os.utime(tmp_path / f"{name}.part", (time.time() - seconds,) * 2)
    DiskShelf(tmp_path, 4)
    assert [part.name for part in tmp_path.iterdir()] == ["new.part"]


def test_a_shelf_that_another_process_takes_away_meanwhile_counts_as_gone(tmp_path, monkeypatch):
    for key in "ab":
        DiskShelf(tmp_path / key, 4).add(digests_of(key), torch.ones(1, 1))
    is_dir = type(tmp_path).is_dir

    def evicted(path):
        found = is_dir(path)
        if path.name == "a":
            shutil.rmtree(path, ignore_errors=True)
        return found

    monkeypatch.setattr(type(tmp_path), "is_dir", evicted)
    assert list(Store(tmp_path).on_disk()) == ["b"]


def test_two_processes_may_add_to_one_shelf(tmp_path):
    one, other = DiskShelf(tmp_path, 4), DiskShelf(tmp_path, 4)
    one.add(digests_of("a"), torch.ones(1, 1))
    other.add(digests_of("a", "b"), torch.ones(2, 1))
    assert len(DiskShelf(tmp_path, 4).rows) == 2


def test_memory_is_bounded_and_the_shelf_unused_for_longest_goes_first(monkeypatch, tmp_path):
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", 1000)
    store = Store(tmp_path)
    for key in "abc":
        store.shelf(key, 4, digests_of(*range(100))).add(
            digests_of(*range(100)), torch.zeros(100, 1)
        )
        store.shelf("a", 4, digests_of(*range(100)))
    assert list(store._shelves) == ["c", "a"] or list(store._shelves) == ["a", "c"]
    assert len(store.shelf("a", 4, digests_of(*range(100))).rows) == 100
    assert len(store.shelf("b", 4, digests_of(*range(100))).rows) == 0


def test_one_shelf_keeps_the_bound_too(monkeypatch, tmp_path):
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", 1000)
    store, first, second = Store(tmp_path), range(100), range(100, 300)
    store.shelf("a", 4, digests_of(*first)).add(digests_of(*first), torch.zeros(100, 1))
    shelf = store.shelf("a", 4, digests_of(*second))
    assert len(shelf.rows) == 0, "300 rows would take 1,200 bytes"
    shelf.add(digests_of(*second), torch.zeros(200, 1))
    assert store._held() <= 1000
    some = [*range(100, 300), *range(50)]
    assert store.shelf("a", 4, digests_of(*some)) is shelf, "250 rows fit"


def test_one_shelf_keeps_the_bound_on_disk_too(monkeypatch, tmp_path):
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", 0)
    monkeypatch.setattr(store_module, "DISK_BUDGET", 8_200)
    store = Store(tmp_path)
    store.shelf("a", 4000, digests_of("x")).add(digests_of("x"), torch.zeros(1, 1000))
    assert len(store.shelf("a", 4000, digests_of("x", "y")).rows) == 0, "the old row had to go"
    assert store.shelf("a", 4000, digests_of("x", "y", "z")) is None


def test_a_segment_that_another_program_holds_is_not_removed(monkeypatch, tmp_path):
    shelf = DiskShelf(tmp_path, 8)
    shelf.add(digests_of("a"), torch.ones(1, 2))
    honest = np.load

    def held(*words, **options):
        raise PermissionError(13, "a scanner looks at it")

    monkeypatch.setattr(np, "load", held)
    assert len(DiskShelf(tmp_path, 8).rows) == 0
    with pytest.raises(OSError, match="cannot be read back; set TL_TEACH_CACHE"):
        shelf.add(digests_of("b"), torch.ones(1, 2))
    monkeypatch.setattr(np, "load", honest)
    assert len(DiskShelf(tmp_path, 8).rows) == 2


@pytest.mark.parametrize("reason", [OSError(errno.ENOMEM, "no memory"), OSError(errno.EIO, "x")])
def test_what_cannot_be_read_for_a_moment_is_no_fault_of_the_file(reason, monkeypatch, tmp_path):
    DiskShelf(tmp_path, 8).add(digests_of("a"), torch.ones(1, 2))

    def fails(*words, **options):
        raise reason

    with monkeypatch.context() as patch:
        patch.setattr(np, "load", fails)
        assert len(DiskShelf(tmp_path, 8).rows) == 0
    assert len(DiskShelf(tmp_path, 8).rows) == 1


def test_room_is_made_only_where_it_helps(monkeypatch, tmp_path):
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", 0)
    store = Store(tmp_path)
    for key, items in (("other", "a"), ("own", "bc")):
        shelf = store.shelf(key, 4000, digests_of(*items))
        shelf.add(digests_of(*items), torch.zeros(len(items), 1000))
    monkeypatch.setattr(store_module, "DISK_BUDGET", 9000)
    assert len(store.shelf("own", 4000, digests_of(*"bc")).rows) == 2, "nothing is missing"
    assert len(store.shelf("own", 4000, digests_of(*"de")).rows) == 0, "its own had to go"
    assert list(store.on_disk()) == ["other"], "and no other"


def test_what_does_not_fit_into_memory_goes_to_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", 1000)
    assert isinstance(Store(tmp_path).shelf("key", 4, digests_of(*range(251))), DiskShelf)
    assert not isinstance(Store(tmp_path).shelf("key", 4, digests_of(*range(250))), DiskShelf)


def test_disk_is_bounded_and_the_shelf_unused_for_longest_goes_first(monkeypatch, tmp_path):
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", 0)
    store = Store(tmp_path)
    for place, key in enumerate("abc"):
        store.shelf(key, 4000, digests_of(key)).add(digests_of(key), torch.zeros(1, 1000))
        os.utime(tmp_path / key, (place, place))
    monkeypatch.setattr(store_module, "DISK_BUDGET", 15_000)
    store.shelf("d", 4000, digests_of("d"))
    assert set(store.on_disk()) == {"b", "c"}


def test_clear_forgets_memory_and_disk(monkeypatch, tmp_path):
    store = Store(tmp_path)
    store.shelf("memory", 4, digests_of("a")).add(digests_of("a"), torch.zeros(1, 1))
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", 0)
    store.shelf("disk", 4, digests_of("a")).add(digests_of("a"), torch.zeros(1, 1))
    store.clear()
    assert store.on_disk() == {} and not store._shelves


def test_the_checksum_stands_beside_the_rows(tmp_path):
    DiskShelf(tmp_path, 8).add(digests_of("a"), torch.ones(1, 2))
    (segment,) = tmp_path.glob("*.segment")
    assert json.loads((segment / "check.json").read_text())["rows"] == 1


def test_a_folder_that_cannot_be_written_is_named_with_the_remedy(tmp_path):
    (tmp_path / "a file").touch()
    with pytest.raises(OSError, match=r"cannot be kept in .*; set TL_TEACH_CACHE to a folder"):
        DiskShelf(tmp_path / "a file" / "key", 12).add(digests_of("a"), torch.ones(1, 3))


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    def full(path, array):
        path.write_bytes(b"half")
        raise OSError("2097152 requested and 786400 written")  # as NumPy says it

    shelf = DiskShelf(tmp_path, 12)
    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match=r"cannot be kept in .* \(2097152 requested.*and has room"):
        shelf.add(digests_of("a"), torch.ones(1, 3))
    assert list(tmp_path.iterdir()) == []


def test_another_process_is_given_what_is_in_memory(tmp_path):
    store = Store(tmp_path)
    for key, values in (("a", [[1.0, 2.0]]), ("b", [[3.0, 4.0], [5.0, 6.0]])):
        shelf = store.shelf(key, 8, digests_of(*range(len(values))))
        for name, row in enumerate(values):  # several blocks
            shelf.add(digests_of(name), torch.tensor([row]))
    store.shelf("empty", 8, digests_of("a"))
    other = Store(tmp_path)
    other.unpack(store.pack(1000))
    assert set(other._shelves) == {"a", "b"}
    shelf = other.shelf("b", 8, digests_of("x", "y"))
    assert shelf.take(rows_of(shelf, 1, 0)).tolist() == [[5.0, 6.0], [3.0, 4.0]]
    shelf.add(digests_of("new"), torch.tensor([[7.0, 8.0]]))
    assert shelf.take(rows_of(shelf, "new", 0)).tolist() == [[7.0, 8.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("most", "kept"), [(39, set()), (40, {"a"}), (80, {"b"}), (119, {"b"}), (120, {"a", "b"})]
)
def test_no_more_is_packed_than_may_be_and_the_last_used_first(tmp_path, most, kept):
    store, other = Store(tmp_path), Store(tmp_path)
    store.shelf("a", 8, digests_of("x")).add(
        digests_of("x"), torch.zeros(1, 2)
    )  # 8 bytes, and 32 of the digest
    store.shelf("b", 8, digests_of("x", "y")).add(digests_of("x", "y"), torch.zeros(2, 2))
    other.unpack(store.pack(most))
    assert set(other._shelves) == kept
