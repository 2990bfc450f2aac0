from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_teach.tasks import ArrayImages, Collection, divide
from tl_teach.tasks.splitting import as_strata, hold_out, stratified_order

from . import tiny


def task(truth, kind="classification", classes=("ant", "bee", "cow"), *, groups=None, **budget):
    """Divide noise that no label belongs to: what counts here are the labels alone."""
    pictures = np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8)
    about = tiny.info("things", kind, classes)
    whole = Collection(about, ArrayImages(pictures), truth, tiny.TINY8, 0.2, groups)
    return divide(whole, **budget)


def parts(divided):
    return divided.train, divided.validation, divided.test._open_for_exam()


THREE = np.arange(60) % 3
VALUES = np.random.default_rng(1).lognormal(size=60)
PAIRS = np.stack([VALUES, np.random.default_rng(2).normal(size=60)], axis=1)

WRONG = {
    "floats as classes": (THREE / 2, "classification", r"float64 values .* whole number from 0 to"),
    "names as classes": (
        np.array(["ant"] * 60),
        "classification",
        r"<U3 values .* give the place of each item's class",
    ),
    "rows as classes": (np.eye(3, dtype=int)[THREE], "classification", r"\(60, 3\), but"),
    "counted from one": (THREE + 1, "classification", r"label 3 .* numbered from 0 to 2"),
    "a negative class": (THREE - 1, "classification", r"label -1 .* names no class"),
    "one class only": (np.zeros(60, int), "classification", r"All 60 .* one label \('ant'\)"),
    "a class of one": (
        np.array([0, 1] * 29 + [0, 2]),
        "classification",
        r"'cow' .* 1 usable item,",
    ),
    "a class of none": (np.arange(60) % 2, "classification", r"'cow' .* has 0 usable items"),
    "too few labels": (THREE[:50], "classification", r"60 items but 50 labels"),
    "an unknown kind": (THREE, "clasification", r"did you mean 'classification'"),
    "more than one label": (np.eye(3)[THREE] * 2, "multilabel", r"zeros and ones"),
    "a column too few": (np.eye(2, dtype=int)[THREE % 2], "multilabel", r"row of 3 zeros and ones"),
    "no number": (np.where(THREE, VALUES, np.nan), "regression", r"20 of the 60 .* item 0;"),
    "an endless number": (np.where(THREE == 2, np.inf, VALUES), "regression", r"of item 2;"),
    "an output too many": (PAIRS, "regression", r"1 number an item"),
    "words as values": (np.array(["high"] * 60), "regression", r"<U4 values"),
    "one value only": (np.full(60, 3.5), "regression", r"one label \(3.5\)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_labels_that_do_not_fit_are_refused_in_one_sentence(case):
    labels, kind, said = WRONG[case]
    with pytest.raises(ValueError, match=said) as refusal:
        task(labels, kind, ("ant",) if kind == "regression" else ("ant", "bee", "cow"))
    assert str(refusal.value).count("\n") == 0


def test_groups_must_be_one_a_picture():
    with pytest.raises(ValueError, match=r"groups .* shape \(50,\), but 60 items"):
        task(THREE, groups=np.arange(50))


def test_groups_that_leave_a_part_empty_are_refused():
    with pytest.raises(ValueError, match=r"none is left for the validation part"):
        task(THREE, groups=np.zeros(60))


def test_a_class_that_leaves_nothing_to_learn_from_is_refused():
    two_ants = np.where(np.isin(np.arange(60), (2, 5)), 0, 1 + THREE % 2)
    assert 0 in parts(task(two_ants))[2].targets  # one of them is always in the test
    refused = 0
    for seed in range(40):
        try:
            assert set(task(two_ants, seed=seed).train.targets.tolist()) == {0, 1, 2}
        except ValueError as error:
            assert "'ant'" in str(error) and "leave none to learn from" in str(error)
            refused += 1
    assert 0 < refused < 40


def test_a_class_in_one_group_stays_in_one_part():
    groups = np.where(THREE == 2, 100, np.arange(60))
    divided = task(THREE, groups=groups)
    assert [int((part.targets == 2).sum()) for part in parts(divided)] == [20, 0, 0]


def test_too_few_items_for_three_parts_are_refused():
    about = tiny.info(kind="regression", classes=("height",))
    pictures = ArrayImages(tiny.pictures([0, 1]))
    with pytest.raises(ValueError, match=r"of its 2 items.* none is left"):
        divide(Collection(about, pictures, np.array([1.0, 2.0]), tiny.TINY8, 0.2))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([40, 200, 1000]))
def test_values_are_divided_with_the_same_spread_on_both_sides(seed, count):
    values = np.random.default_rng(seed).lognormal(size=count)
    strata = as_strata(values, "regression")
    rest, held_out = hold_out(strata, 0.25, np.random.default_rng(seed))
    for quantile in (0.2, 0.5, 0.8):
        place = np.quantile(values[rest], quantile)
        # Less than one item a stratum off its course, of which there are ten.
        assert abs(np.mean(values[held_out] < place) - quantile) < 0.05 + 5 / len(held_out)


def test_bins_hold_equally_many_items():
    assert np.bincount(
        as_strata(np.random.default_rng(0).normal(size=500), "regression")
    ).tolist() == ([50] * 10)


def test_few_levels_are_strata_of_their_own():
    levels = np.array([0, 1 / 3, 2 / 3, 1])[np.arange(80) % 4]
    assert as_strata(levels, "regression").tolist() == (np.arange(80) % 4).tolist()


def test_a_value_that_most_items_have_is_told_from_the_others():
    values = np.concatenate([np.zeros(900), np.linspace(1, 2, 100)])
    strata = as_strata(values, "regression")
    assert not set(strata[:900]) & set(strata[900:])


def test_two_outputs_share_about_ten_strata():
    strata = as_strata(PAIRS, "regression")
    assert strata.shape == (60,) and len(np.unique(strata)) == 9


def test_budgets_of_values_are_nested_and_keep_their_spread():
    kept = [task(VALUES, "regression", ("size",), labels=count).train for count in (5, 10, 20, 36)]
    assert all(set(a.indices) < set(b.indices) for a, b in pairwise(kept))
    strata = as_strata(VALUES, "regression")
    counts = np.bincount(strata[kept[2].indices], minlength=10)
    assert counts.min() >= 1 and counts.max() <= 3


def test_a_beginning_of_values_has_the_spread_of_the_whole():
    strata = as_strata(np.random.default_rng(0).normal(size=1000), "regression")
    beginning = strata[stratified_order(strata, np.random.default_rng(0))][:100]
    assert np.abs(np.bincount(beginning) - 10).max() <= 1


def test_the_same_test_for_every_seed_where_values_are_predicted():
    first, second = (task(VALUES, "regression", ("size",), seed=seed) for seed in (0, 5))
    assert np.array_equal(parts(first)[2].indices, parts(second)[2].indices)


def test_several_outputs_make_rows_of_floats():
    divided = task(PAIRS, "regression", ("width", "height"))
    for part in parts(divided):
        assert part.targets.shape == (len(part), 2) and part.targets.dtype == torch.float32
        assert np.allclose(part.targets.numpy(), PAIRS[part.indices])
    assert divided.outputs == 2 and "regression, 2 outputs" in repr(divided)


def test_a_column_of_values_is_one_value_an_item():
    column = task(VALUES[:, None], "regression", ("size",))
    assert column.train.targets.shape == (len(column.train),)


@pytest.mark.parametrize(
    ("divided", "metric"),
    [
        (tiny.task(), "accuracy"),
        (tiny.multilabel_task(), "accuracy"),
        (tiny.regression_task(), "R2"),
    ],
    ids=["classification", "multilabel", "regression"],
)
def test_a_task_says_its_metric(divided, metric):
    assert divided.metric == metric
