import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_teach.tasks.images import ArrayImages
from tl_teach.tasks.splitting import distinct, first_per_class, hold_out, stratified_order

quick = settings(deadline=None, max_examples=60)

SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=5)  # of the classes
STRATA = SIZES.map(lambda sizes: np.repeat(np.arange(len(sizes)), sizes))
SEEDS = st.integers(0, 2**32 - 1)


def rng(seed):
    return np.random.default_rng(seed)


@quick
@given(STRATA, SEEDS)
def test_a_stratified_order_holds_each_item_once(strata, seed):
    assert sorted(stratified_order(strata, rng(seed)).tolist()) == list(range(len(strata)))


@quick
@given(STRATA, SEEDS, st.floats(0, 1))
def test_every_beginning_of_a_stratified_order_has_the_mix_of_the_whole(strata, seed, share):
    beginning = strata[stratified_order(strata, rng(seed))][: round(len(strata) * share)]
    for stratum in np.unique(strata):
        part = np.mean(strata == stratum)
        # Each class is less than one item off its course, and so is each other class.
        allowed = 1 + part * len(np.unique(strata))
        assert abs(np.sum(beginning == stratum) - len(beginning) * part) < allowed


@quick
@given(STRATA, SEEDS)
def test_the_same_seed_gives_the_same_order(strata, seed):
    first, second = stratified_order(strata, rng(seed)), stratified_order(strata, rng(seed))
    assert np.array_equal(first, second)


@quick
@given(STRATA, SEEDS, st.floats(0, 1))
def test_holding_out_divides_the_items_without_loss_or_overlap(strata, seed, fraction):
    rest, held_out = hold_out(strata, fraction, rng(seed))
    assert len(held_out) == round(len(strata) * fraction)
    assert sorted([*rest, *held_out]) == list(range(len(strata)))


@quick
@given(STRATA, st.integers(1, 8), st.integers(0, 8))
def test_a_small_number_per_class_is_part_of_a_large_one(strata, count, more):
    small, large = first_per_class(strata, count), first_per_class(strata, count + more)
    assert set(small) <= set(large)


@quick
@given(STRATA, st.integers(1, 8))
def test_no_class_gets_more_than_was_asked_for(strata, count):
    chosen = strata[first_per_class(strata, count)]
    for stratum in np.unique(strata):
        assert np.sum(chosen == stratum) == min(count, np.sum(strata == stratum))


@quick
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=40))
def test_of_equal_pictures_one_stays_and_of_contradicted_ones_none(items):
    contents, labels = (np.array(column) for column in zip(*items, strict=True))
    images = ArrayImages(np.repeat(contents, 4).reshape(-1, 2, 2).astype(np.uint8))
    kept, left_out = distinct(images, labels)
    certain = {c for c in contents if len(set(labels[contents == c])) == 1}
    assert sorted(contents[kept]) == sorted(certain)
    assert all(index == np.flatnonzero(contents == contents[index])[0] for index in kept)
    others = sorted(set(range(len(contents))) - set(kept))
    assert sorted(int(problem.file.removeprefix("item ")) for problem in left_out) == others
