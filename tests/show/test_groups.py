"""Clusters and neighbours."""

import numpy as np
import pytest

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.tasks import SealedError

TASK = tiny.task()
SPLIT = TASK.train


def drawn(picture):
    """The pictures' pixels, in order."""
    return [np.asarray(i.get_array()) for axes in picture.figure.axes for i in axes.get_images()]


def is_item(pixels, item, split=SPLIT):
    return np.allclose(pixels, split.pixels(item)[0] / 255, atol=1e-6)


def test_each_cluster_has_its_own_pictures_in_the_order_of_the_split():
    labels = np.arange(36) % 2
    shown = drawn(tl.show_clusters(labels, SPLIT, count=3))
    assert all(map(is_item, shown, [0, 2, 4, 1, 3, 5])) and len(shown) == 6


def test_clusters_are_shown_as_their_labels_are():
    found = tl.cluster(np.eye(36), k=2)
    assert tl.show_clusters(found, SPLIT).alt == tl.show_clusters(found.labels, SPLIT).alt


def test_sizes_and_commonest_classes_are_named_largest_cluster_first():
    targets = SPLIT.targets.numpy()
    labels = np.where(targets == 0, 1, 5)
    labels[np.flatnonzero(targets == 1)[:3]] = 1
    alt = tl.show_clusters(labels, SPLIT).alt
    assert "Cluster 5 has 21 pictures, 57 % of them cow; cluster 1 has 15 pictures, 80 % of" in alt


def test_labels_are_not_needed():
    alt = tl.show_clusters(np.zeros(36, dtype=int), TASK.unlabelled[:36]).alt
    assert alt == "1 cluster of 36 pictures of tiny. Cluster 0 has 36 pictures."


def test_items_in_no_cluster_are_counted_but_not_shown():
    labels = np.full(36, -1)
    labels[:4] = 0
    picture = tl.show_clusters(labels, SPLIT)
    assert "32 pictures are in no cluster." in picture.alt and len(drawn(picture)) == 4
    assert "0 clusters" in tl.show_clusters(np.full(36, -1), SPLIT).alt


def test_of_many_clusters_the_largest_are_shown():
    labels = np.repeat(np.arange(18), 2)
    labels[0] = 17
    picture = tl.show_clusters(labels, SPLIT, count=2)
    assert "18 clusters" in picture.alt and "The 12 largest are shown. Cluster 17" in picture.alt
    assert len(drawn(picture)) == 24


def test_neighbours_stand_beside_the_query_in_the_given_order():
    picture = tl.show_neighbours(SPLIT, 4, [7, 3, 9], [0.9, 0.85, 0.1])
    assert all(map(is_item, drawn(picture), [4, 7, 3, 9]))
    names = [SPLIT.classes[number] for number in SPLIT.targets[[4, 7, 3, 9]]]
    listed = ", ".join(f"{n} ({s:.2f})" for n, s in zip(names[1:], [0.9, 0.85, 0.1], strict=True))
    assert f"Item 4 of tiny, a picture of {names[0]}, and the 3 pictures most" in picture.alt
    assert f"{listed}; {names[1:].count(names[0])} of 3 have its class." in picture.alt


def test_a_picture_of_the_readers_own_can_be_the_query():
    own = np.full((8, 8), 200, dtype=np.uint8)
    picture = tl.show_neighbours(SPLIT, own, [1], [0.5])
    assert np.allclose(drawn(picture)[0], 200 / 255) and "have its class" not in picture.alt
    assert picture.alt.startswith("A picture beside those of tiny and the 1 picture most like it")


def test_neighbours_without_labels_are_named_by_their_place():
    alt = tl.show_neighbours(TASK.unlabelled, 0, [5], [0.5]).alt
    assert alt == "Item 0 of tiny and the 1 picture most like it: item 5 (0.50)."


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tl.show_clusters([0, 1], SPLIT), r"each of the 36 items .* of shape \(2,\)"),
        (lambda: tl.show_clusters([0.5] * 36, SPLIT), r"but got float64 values"),
        (lambda: tl.show_clusters([0] * 36, SPLIT, 0), r"count=0 does not work"),
        (lambda: tl.show_neighbours(SPLIT, 0, [1, 2], [0.5]), r"\(2,\) indices and \(1,\) sim"),
        (lambda: tl.show_neighbours(SPLIT, 0, [], []), r"at least one"),
        (lambda: tl.show_neighbours(SPLIT, 0, [36], [0.5]), r"from 0 to 35 .* got \[36\]"),
        (lambda: tl.show_neighbours(SPLIT, -1, [3], [0.5]), r"from 0 to 35 .* got \[-1\]"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_sealed_test_is_not_shown():
    with pytest.raises(SealedError):
        tl.show_clusters([0] * 12, TASK.test)
    with pytest.raises(SealedError):
        tl.show_neighbours(TASK.test, 0, [1], [0.5])
