from dataclasses import replace

import numpy as np
import pytest
import sklearn.metrics as reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning import measures
from tl_teach.learning.evaluation import score_outputs


def evaluation(classes=3, seed=0, skill=1.0, count=40, positive=None, rounded=None):
    names = tuple("abcdefgh"[:classes])
    task = tiny.task(count, classes=names, positive=positive)
    split = task.validation
    noise = torch.randn(len(split), classes, generator=torch.Generator().manual_seed(seed))
    outputs = noise + skill * torch.nn.functional.one_hot(split.targets, classes)
    return score_outputs(outputs if rounded is None else outputs.round(decimals=rounded), split)


def values(seed=0, noise=0.3):
    split = tiny.regression_task(90).validation
    drawn = torch.randn(len(split), generator=torch.Generator().manual_seed(seed))
    return score_outputs((split.targets + noise * drawn)[:, None], split)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(2, 4), st.sampled_from([None, 0]))
def test_measures_of_classes_are_those_of_scikit_learn(seed, classes, rounded):
    one = evaluation(classes, seed, rounded=rounded)
    truth, guess = one.targets.numpy(), one.predictions.numpy()
    assert one.measure("accuracy").mean == pytest.approx(reference.accuracy_score(truth, guess))
    balanced = reference.balanced_accuracy_score(truth, guess)
    assert one.measure("balanced accuracy").mean == pytest.approx(balanced)
    chances = one.probabilities.numpy()
    area = np.mean([reference.roc_auc_score(truth == c, chances[:, c]) for c in range(classes)])
    assert one.measure("AUC").mean == pytest.approx(area, abs=1e-6)
    assert (one.confusion == reference.confusion_matrix(truth, guess)).all()


@pytest.mark.parametrize("seed", range(3))
def test_measures_of_values_are_those_of_scikit_learn(seed):
    one = values(seed)
    truth, guess = one.targets.numpy(), one.predictions.numpy()
    assert one.measure("R2").mean == pytest.approx(reference.r2_score(truth, guess), abs=1e-5)
    error = reference.mean_absolute_error(truth, guess)
    assert one.measure("mean absolute error").mean == pytest.approx(error, rel=1e-5)


def test_the_interval_of_an_accuracy_is_about_wilsons():
    one = evaluation(count=150)
    _, low, high = one.measure("accuracy")
    assert low == pytest.approx(one.interval[0], abs=0.02)
    assert high == pytest.approx(one.interval[1], abs=0.02)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    inside = 0
    for seed in range(60):
        one = evaluation(2, seed, skill=1.0, count=60)
        _, low, high = one.measure("AUC")
        inside += low <= 0.841 <= high  # margins lie 2 apart, their difference spreads by 2
    assert inside >= 50


@pytest.mark.parametrize("name", ["accuracy", "balanced accuracy", "AUC", "sensitivity"])
def test_a_perfect_network_has_a_perfect_measure(name):
    one = evaluation(2, skill=1e6, positive="b")
    assert one.measure(name) == (1.0, 1.0, 1.0)


def test_a_regression_without_spread_explains_nothing():
    one = values()
    flat = score_outputs(torch.ones(len(one.targets), 1), tiny.regression_task(90).validation)
    assert flat.score == pytest.approx(0, abs=1.0) and flat.score <= 0


def test_several_outputs_are_averaged():
    one = values()
    doubled = type(one)(**{**vars(one), "outputs": one.outputs.repeat(1, 2),
                           "targets": one.targets[:, None].repeat(1, 2)})  # fmt: skip
    assert measures.point(doubled, "R2") == pytest.approx(one.score)


def test_another_measure_than_the_task_has_is_refused():
    with pytest.raises(ValueError, match=r"no measure named 'F1'; expected one of 'accuracy'"):
        evaluation().measure("F1")
    with pytest.raises(ValueError, match="no measure named 'sensitivity'"):
        evaluation().measure("sensitivity")
    assert list(values().measures()) == ["R2", "mean absolute error"]
    with pytest.raises(ValueError, match="has no classes to confuse"):
        values().confusion
    with pytest.raises(ValueError, match="is a regression"):
        values().probabilities


# --- Two networks on the same items ---------------------------------------------------------------


def test_a_network_does_not_differ_from_itself():
    one = evaluation()
    assert tl.paired_difference(one, one) == (0.0, 0.0, 0.0)


def test_pairing_makes_the_interval_narrower_than_two_separate_ones():
    split = tiny.task(100).validation
    noise = torch.randn(len(split), 3, generator=torch.Generator().manual_seed(0))
    truth = torch.nn.functional.one_hot(split.targets, 3)
    first, second = (score_outputs(noise + skill * truth, split) for skill in (1.0, 1.3))
    difference = tl.paired_difference(second, first)
    assert difference.low > 0 and difference.mean == pytest.approx(second.score - first.score)
    assert second.interval[0] < first.interval[1]  # the separate intervals overlap


def test_other_items_cannot_be_paired():
    other = score_outputs(torch.randn(12, 3), tiny.task(split_seed=1).validation)
    mine = score_outputs(torch.randn(12, 3), tiny.task().validation)
    with pytest.raises(ValueError, match=r"different items.*same split"):
        tl.paired_difference(mine, other)
    with pytest.raises(TypeError, match="a score of a network, but got float"):
        tl.paired_difference(mine, 0.5)
    with pytest.raises(ValueError, match="no measure named 'F1'"):
        tl.paired_difference(mine, mine, "F1")


# --- When the two mistakes cost differently -------------------------------------------------------


def cost(one, threshold, miss, false_alarm):
    said = one.positive_probability.numpy() >= threshold
    missed, alarms = one.is_positive & ~said, ~one.is_positive & said
    return miss * missed.sum() + false_alarm * alarms.sum()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 500), st.floats(0.1, 20), st.floats(0.1, 20), st.sampled_from([None, 0]))
def test_no_threshold_costs_less_than_the_chosen_one(seed, miss, false_alarm, rounded):
    one = evaluation(2, seed, positive="a", rounded=rounded)
    chosen = tl.choose_threshold(one, miss=miss, false_alarm=false_alarm)
    least = min(cost(one, t, miss, false_alarm) for t in np.linspace(0, 1, 501))
    assert cost(one, chosen, miss, false_alarm) <= least + 1e-9


def test_a_dear_miss_makes_the_alarm_ring_sooner():
    one = evaluation(2, positive="b", count=120)
    even, dear = (tl.choose_threshold(one, miss=miss) for miss in (1, 20))
    assert dear < even and one.at(dear).sensitivity > one.at(even).sensitivity


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 500), st.floats(0.02, 0.98))
def test_at_a_threshold_items_are_called_positive_from_it_on(seed, threshold):
    one = evaluation(2, seed, positive="b")
    said = one.positive_probability.double().numpy() > threshold
    assert (one.at(threshold).predictions.numpy() == said).all()
    assert "'b' is said from" in repr(one.at(threshold))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, "0.5", None, float("nan")])
def test_a_threshold_lies_between_0_and_1(threshold):
    with pytest.raises(ValueError, match="expected a number from 0 to 1"):
        evaluation(2, positive="b").at(threshold)


def test_thresholds_need_a_positive_class_among_two():
    for one in (evaluation(3), evaluation(2), evaluation(3, positive="a")):
        with pytest.raises(ValueError, match="needs two classes, one of them named positive"):
            tl.choose_threshold(one, miss=2)
    with pytest.raises(ValueError, match="miss=0 does not work: expected a positive cost"):
        tl.choose_threshold(evaluation(2, positive="b"), miss=0)
    with pytest.raises(TypeError, match=r"Expected a score of a network, but got float; give tl"):
        tl.choose_threshold(0.5, miss=2)


@pytest.mark.parametrize("miss, everyone", [(1000, True), (1e-3, False)])
def test_a_threshold_that_is_chosen_can_be_used_even_of_saturated_outputs(miss, everyone):
    split = tiny.task(20, classes=("a", "b"), positive="b").validation
    one = score_outputs(
        torch.tensor([[0.0, -200 if everyone else 200]]).repeat(len(split), 1), split
    )
    again = one.at(tl.choose_threshold(one, miss=miss))
    assert (again.predictions == int(everyone)).all() and again.probabilities.isfinite().all()


@pytest.mark.parametrize("unit", [1e-7, 1.0, 1e7])
def test_r2_does_not_depend_on_the_unit(unit):
    one = values()
    scaled = replace(one, outputs=one.outputs * unit, targets=one.targets * unit)
    assert scaled.measure("R2").mean == pytest.approx(one.measure("R2").mean, rel=1e-4)


def test_outputs_that_are_no_numbers_explain_less_than_any_number():
    one = values()
    diverged = replace(one, outputs=one.outputs * float("nan"))
    found = diverged.measure("R2")
    assert found.mean == found.low == found.high == -np.inf < one.measure("R2").mean
