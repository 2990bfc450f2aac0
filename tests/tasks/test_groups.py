import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tl_teach as tl
from tl_teach.tasks import ArrayImages, Collection, divide
from tl_teach.tasks.splitting import hold_out_groups

from . import tiny

quick = settings(deadline=None, max_examples=60)

# One row a group: its class and its size.
GROUPS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), min_size=1, max_size=60)
SEEDS = st.integers(0, 2**32 - 1)


def spread(groups):
    """Class and group of each item."""
    classes, sizes = (np.array(column) for column in zip(*groups, strict=True))
    return np.repeat(classes, sizes), np.repeat(np.arange(len(groups)), sizes)


def grouped(group_size=4, per_class=40, split_seed=0, **budget):
    """Each group holds the pictures of several classes."""
    about = tiny.collection(per_class)
    groups = np.arange(len(about.labels)) // group_size
    whole = Collection(about.info, about.images, about.labels, tiny.TINY8, 0.2, groups)
    return divide(whole, seed=split_seed, **budget)


def parts(task):
    return task.train, task.validation, task.test._open_for_exam()


@quick
@given(GROUPS, SEEDS, st.floats(0, 1))
def test_dividing_groups_loses_no_item_and_cuts_no_group(rows, seed, fraction):
    strata, groups = spread(rows)
    rest, held_out = hold_out_groups(strata, groups, fraction, np.random.default_rng(seed))
    assert sorted([*rest, *held_out]) == list(range(len(strata)))
    assert not set(groups[rest]) & set(groups[held_out])


@quick
@given(GROUPS, SEEDS, st.floats(0.1, 0.5))
def test_the_share_held_out_is_met_within_the_largest_group(rows, seed, fraction):
    strata, groups = spread(rows)
    _, held_out = hold_out_groups(strata, groups, fraction, np.random.default_rng(seed))
    kinds = len(np.unique(strata))
    largest = max(size for _, size in rows)
    assert abs(len(held_out) - fraction * len(strata)) <= kinds * largest


def test_the_mix_of_classes_is_kept():
    strata = np.repeat([0, 1, 2], [300, 90, 30])
    groups = np.arange(420) // 3
    for seed in range(20):
        _, held_out = hold_out_groups(strata, groups, 0.2, np.random.default_rng(seed))
        assert np.abs(np.bincount(strata[held_out]) - [60, 18, 6]).max() <= 3


def test_mixed_groups_keep_the_mix_too():
    rng = np.random.default_rng(0)
    strata = (rng.random(600) < rng.beta(0.5, 0.5, 60).repeat(10)).astype(int)
    groups = np.arange(600) // 10
    for seed in range(20):
        _, held_out = hold_out_groups(strata, groups, 0.2, np.random.default_rng(seed))
        assert abs(len(held_out) - 120) <= 10
        assert abs(strata[held_out].mean() - strata.mean()) < 0.1


def test_every_group_has_its_turn_to_be_held_out():
    strata, groups = np.zeros(40, dtype=int), np.arange(40) // 2
    seen = [
        set(groups[hold_out_groups(strata, groups, 0.2, np.random.default_rng(seed))[1]])
        for seed in range(60)
    ]
    assert set.union(*seen) == set(range(20))


@pytest.mark.parametrize("seed", range(5))
def test_a_task_keeps_each_group_on_one_side_of_every_division(seed):
    task = grouped(split_seed=seed)
    sides = [set(task.groups[part.indices]) for part in parts(task)]
    assert all(not a & b for a, b in [sides[:2], sides[1:], sides[::2]])
    assert len(set.union(*sides)) == 30


def test_groups_may_be_named():
    about = tiny.collection(20)
    names = np.array([f"patient {number // 4}" for number in range(60)])
    task = divide(Collection(about.info, about.images, about.labels, tiny.TINY8, 0.2, names))
    train, test = (set(names[part.indices]) for part in (task.train, parts(task)[2]))
    assert train and test and not train & test


def test_the_test_of_a_grouped_task_is_the_same_for_every_seed_and_budget():
    first, second = grouped(), grouped(split_seed=9, labels_per_class=2)
    assert np.array_equal(parts(first)[2].indices, parts(second)[2].indices)
    assert not np.array_equal(first.validation.indices, second.validation.indices)


def test_a_budget_drops_items_of_a_group_and_moves_none():
    full, small = grouped(), grouped(labels=20)
    assert set(small.train.indices) < set(full.train.indices)
    assert np.array_equal(small.validation.indices, full.validation.indices)


def digest(*tasks):
    value = hashlib.sha256()
    for task in tasks:
        for part in (*parts(task), task.unlabelled):
            value.update(part.indices.astype("<i8").tobytes())
            if part.labels is not None:
                value.update(part.labels.numpy().astype("<i8").tobytes())
    return value.hexdigest()[:16]


@pytest.mark.parametrize(
    ("name", "expected"), [("handwriting", "e36b500127afc888"), ("solar-cells", "649bb3936126119a")]
)
def test_a_task_without_groups_is_divided_as_it_has_always_been(name, expected):
    few = tl.load_task(name, labels_per_class=5, seed=3), tl.load_task(name, labels=77, seed=12)
    assert digest(tl.load_task(name), *few) == expected


def test_several_labels_an_item_are_divided_as_they_have_always_been():
    assert digest(tiny.multilabel_task()) == "4d57cd90595c3f48"


def test_a_group_of_one_item_each_divides_like_no_groups_at_all():
    images = ArrayImages(tiny.pictures(np.arange(100) % 2))
    whole = Collection(
        tiny.info(classes=("a", "b")),
        images,
        np.arange(100) % 2,
        tiny.TINY8,
        0.2,
        np.arange(100),
    )
    assert [np.bincount(part.targets).tolist() for part in parts(divide(whole))] == [
        [30, 30],
        [10, 10],
        [10, 10],
    ]
