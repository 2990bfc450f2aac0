"""Batches computed side by side: the same numbers, nobody's threads changed, no loose end."""

import threading
import time
from dataclasses import replace

import pytest
import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning import feed as feed_module
from tl_teach.learning.feed import feed
from tl_teach.learning.lanes import MOST, lanes
from tl_teach.learning.store import STORE
from tl_teach.tasks import ArrayImages


@pytest.fixture(autouse=True)
def cores():
    """Whatever machine this is, PyTorch believes in four cores; it is told the truth afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield 4
    assert torch.get_num_threads() == 4  # every test leaves it as it found it
    torch.set_num_threads(before)


def together(count):
    """A task that ends only once `count` threads are at it at the same time."""
    barrier = threading.Barrier(count)

    def task(item):
        barrier.wait(timeout=30)
        return item, threading.get_ident(), torch.get_num_threads()

    return task


@pytest.mark.parametrize(("cores", "count", "each"), [(2, 2, 1), (4, 4, 1), (19, MOST, 2)])
def test_lanes_share_the_cores_and_give_results_in_order(cores, count, each):
    with lanes(cores) as side_by_side:
        results = list(side_by_side(together(count), range(4 * count)))
    items, threads, threads_each = zip(*results, strict=True)
    assert items == tuple(range(4 * count))
    assert len(set(threads)) == count
    assert set(threads_each) == {each}


def test_one_core_needs_no_lane():
    with lanes(1) as one_by_one:
        results = list(one_by_one(lambda _: threading.get_ident(), range(3)))
    assert set(results) == {threading.get_ident()}


def test_threads_that_start_later_have_all_cores_again():
    with lanes(2) as side_by_side:
        list(side_by_side(together(2), range(2)))
    seen = []
    later = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert seen == [4]


def test_after_an_error_nothing_more_is_begun():
    begun = []

    def fails_first(item):
        begun.append(item)
        if item == 0:
            raise OSError("unreadable")
        time.sleep(0.01)

    with pytest.raises(OSError, match="unreadable"), lanes(2) as side_by_side:
        list(side_by_side(fails_first, range(1000)))
    assert len(begun) < 100


class OneReaderOnly(ArrayImages):
    """Notices when it is asked by two threads at a time."""

    inside = 0

    def pixels(self, index):
        self.inside += 1
        alone = self.inside == 1
        time.sleep(1e-3)
        self.inside -= 1
        assert alone, "two threads read at a time"
        return super().pixels(index)


def test_pictures_are_read_by_one_thread_at_a_time(monkeypatch):
    monkeypatch.setattr(feed_module, "_AT_A_TIME", 2)
    net = tl.freeze(tiny.network(), through="block1")
    split = tiny.task().train
    split = replace(split, images=OneReaderOnly(split.images._array))
    assert len(feed(net, split)) == len(split)


def test_many_lanes_give_what_one_gives(monkeypatch):
    monkeypatch.setattr(feed_module, "_AT_A_TIME", 2)
    net, split = tl.freeze(tiny.network(), through="block1"), tiny.task().train
    items = torch.arange(len(split))
    four = feed(net, split)(items)
    STORE.clear()
    torch.set_num_threads(1)
    one = feed(net, split)(items)
    torch.set_num_threads(4)
    assert torch.allclose(four, one, rtol=0, atol=1e-4 * float(one.abs().max()))


def test_random_views_are_the_same_in_lanes(monkeypatch):
    monkeypatch.setattr(feed_module, "_AT_A_TIME", 2)

    def trained():
        STORE.clear()
        net = tl.freeze(tiny.network(), through="block1")
        tl.fit(net, tiny.task(), epochs=2, augment=rolled, views=3)
        return net

    def rolled(picture):
        return picture.roll(int(torch.randint(8, ())), -1)

    four = trained()
    torch.set_num_threads(1)
    one = trained()
    torch.set_num_threads(4)
    pairs = zip(four.parameters(), one.parameters(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in pairs)
