import copy
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning.calibration import calibration
from tl_teach.learning.evaluation import score_outputs, scored
from tl_teach.tasks import SealedError


def outputs_for(split, seed=0, outputs=None):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(split), outputs or len(split.classes), generator=generator)


@pytest.mark.parametrize("mode", ["train", "eval", "mixed"])
@pytest.mark.parametrize("call", [tl.evaluate, tl.extract_features])
def test_looking_leaves_every_part_in_the_mode_that_it_had(call, mode):
    net = tiny.network().train(mode != "eval")
    if mode == "mixed":
        net.stages["block1"].bn1.eval()
    before = [module.training for module in net.modules()]
    call(net, tiny.task().validation)
    assert [module.training for module in net.modules()] == before


def test_looking_leaves_weights_gradients_and_random_numbers_alone():
    net = tiny.network().train()
    net(torch.randn(2, 1, 8, 8)).sum().backward()
    gradients = [parameter.grad.clone() for parameter in net.parameters()]
    before, state = tl.fingerprint(net), torch.random.get_rng_state()
    tl.evaluate(net, tiny.task().validation)
    assert tl.fingerprint(net) == before and torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a, p.grad) for a, p in zip(gradients, net.parameters(), strict=True))


def test_a_network_is_judged_in_eval_mode_whatever_its_mode():
    net, split = tiny.network(dropout=0.9), tiny.task().validation
    assert torch.equal(
        tl.evaluate(net.train(), split).outputs, tl.evaluate(net.eval(), split).outputs
    )


@pytest.mark.parametrize("through", [None, "stem", "block2", "head"])
def test_outputs_are_those_of_the_network_itself(through):
    net, split = tiny.network(), tiny.task().validation
    if through:
        tl.freeze(net, through=through)
    with torch.no_grad():
        expected = net(torch.stack([image for image, _ in split]))
    assert torch.allclose(tl.evaluate(net, split).outputs, expected, atol=1e-6)


def test_accuracy_is_the_share_of_right_answers():
    split = tiny.task().validation
    outputs = outputs_for(split)
    expected = sklearn.metrics.accuracy_score(split.targets, outputs.argmax(1))
    assert score_outputs(outputs, split).score == pytest.approx(expected)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 12))
def test_the_interval_of_an_accuracy_is_wilsons(right):
    split = tiny.task().validation
    n, z = len(split), scipy.stats.norm.ppf(0.975)
    guesses = (split.targets + (torch.arange(n) >= right)) % 3
    result = score_outputs(torch.nn.functional.one_hot(guesses, 3).float(), split)
    p = right / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert result.score == pytest.approx(p)
    assert result.interval == pytest.approx((centre - reach, centre + reach))


@pytest.mark.parametrize("make", [tiny.task, tiny.multilabel_task])
def test_a_network_that_diverged_has_no_right_answer(make):
    task = make()
    net = tiny.network(task.outputs)
    torch.nn.init.constant_(net.head.output.weight, float("nan"))
    result = tl.evaluate(net, task.validation)
    assert result.score == 0 and result.measure("accuracy").mean == 0
    assert result.measure("AUC").mean == 0.5
    assert "12 of 12 answers are no numbers" in repr(result)
    with pytest.raises(ValueError, match=r"no numbers; .* smaller learning"):
        calibration(result)


def test_what_needs_every_answer_refuses_where_there_is_none():
    task, net = tiny.task(), tiny.network()
    for value in (float("nan"), float("inf")):
        torch.nn.init.constant_(net.head.output.bias, value)
        for ask in (
            lambda: tl.evaluate(net, task.validation).confusion,
            lambda: calibration(tl.evaluate(net, task.validation)),
            lambda: tl.show_errors(net, task.validation),
        ):
            with pytest.raises(ValueError, match="12 answers 12 are no numbers; the training"):
                ask()
    cells = tl.load_task("solar-cells").validation
    for outputs in (torch.full((len(cells), 2), float("nan")), torch.zeros(len(cells), 2)):
        result = score_outputs(outputs, cells)
        assert ("no numbers" in result.at(0.5).note) == bool(outputs.isnan().any())
        if outputs.isnan().any():
            with pytest.raises(ValueError, match="are no numbers; the training"):
                tl.choose_threshold(result, miss=2)


def test_a_regression_that_diverged_says_so():
    part = tiny.regression_task().validation
    result = score_outputs(torch.full((len(part), 1), float("nan")), part)
    assert f"{len(part)} of {len(part)} answers are no numbers" in repr(result)


def test_a_single_answer_that_is_no_number_counts_as_wrong():
    result = tl.evaluate(tiny.network(), tiny.task().validation)
    right = int((result.predictions == result.targets).nonzero()[0, 0])
    outputs = result.outputs.clone()
    outputs[right, 0] = float("nan")
    spoiled = scored(result, outputs)
    assert spoiled.score == pytest.approx(result.score - 1 / 12)
    assert "1 of 12 answers" in spoiled.note and not result.note


def test_labels_of_one_item_are_no_independent_draws():
    task = tiny.multilabel_task(300)
    result = tl.evaluate(tiny.network(2), task.validation)
    assert result.interval == pytest.approx(result.measure("accuracy")[1:])


def test_sensitivity_and_specificity_are_those_of_the_named_class():
    split = tiny.task(positive="bee").validation
    outputs = outputs_for(split, 3)
    truth, guess = split.targets.numpy(), outputs.argmax(1).numpy()
    result = score_outputs(outputs, split)
    assert result.sensitivity == pytest.approx(
        sklearn.metrics.recall_score(truth, guess, labels=[1], average=None)[0]
    )
    right = truth == guess
    assert result.specificity == pytest.approx(right[truth != 1].mean())


def test_with_two_classes_sensitivity_and_specificity_are_sklearns():
    split = tiny.task(classes=("sound", "defective"), positive="defective").validation
    outputs = outputs_for(split, 1)
    truth, guess = split.targets, outputs.argmax(1)
    result = score_outputs(outputs, split)
    assert result.sensitivity == pytest.approx(sklearn.metrics.recall_score(truth, guess))
    specificity = sklearn.metrics.recall_score(truth, guess, pos_label=0)
    assert result.specificity == pytest.approx(specificity)


def test_where_mistakes_cost_the_same_no_class_is_singled_out():
    result = score_outputs(outputs_for(tiny.task().validation), tiny.task().validation)
    assert result.sensitivity is None and "sensitivity" not in repr(result)


def test_a_score_never_stands_alone():
    split = tiny.task(positive="bee").validation
    text = repr(score_outputs(outputs_for(split), split))
    for part in ("accuracy", "95 % interval", "constant guess", "sensitivity for 'bee'", "specif"):
        assert part in text


def test_the_constant_guess_is_the_share_of_the_commonest_class():
    split = tl.load_task("solar-cells").validation
    outputs = torch.zeros(len(split), 2)
    share = float((split.targets == 0).float().mean())
    assert score_outputs(outputs, split).constant_guess == pytest.approx(share)
    assert 0.65 < share < 0.71


def test_the_baseline_answers_what_is_commonest_in_training():
    task = tl.load_task("solar-cells")
    result = tl.baseline(task)
    assert set(result.predictions.tolist()) == {0}
    assert result.score == pytest.approx(result.constant_guess)
    assert (result.sensitivity, result.specificity) == (0.0, 1.0)


def test_the_baseline_of_a_regression_is_the_mean_of_training():
    task = tiny.regression_task()
    result = tl.baseline(task)
    assert result.predictions.unique().tolist() == pytest.approx([float(task.train.targets.mean())])
    assert abs(result.score) < 0.2 and result.constant_guess == 0


def test_the_baseline_of_several_labels_takes_the_commoner_answer_of_each():
    task = tiny.multilabel_task()
    expected = (task.train.targets.float().mean(0) > 0.5).long()
    assert torch.equal(tl.baseline(task).predictions.unique(dim=0)[0], expected)


def test_r2_is_sklearns_and_its_interval_holds_it():
    split = tiny.regression_task().validation
    outputs = split.targets[:, None] + 0.3 * outputs_for(split, outputs=1)
    result = score_outputs(outputs, split)
    expected = sklearn.metrics.r2_score(split.targets, outputs[:, 0])
    assert result.score == pytest.approx(expected)
    assert result.interval[0] < result.score < result.interval[1] <= 1


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=12))
def test_the_interval_of_a_mean_is_students(values):
    mean, low, high = tl.mean_interval(values)
    error = scipy.stats.sem(values)
    assert mean == pytest.approx(np.mean(values), abs=1e-9)
    if error > 0:
        expected = scipy.stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=error)
        assert (low, high) == pytest.approx(expected, abs=1e-9)
    else:
        assert low == high == pytest.approx(mean)


@pytest.mark.parametrize("values", [[], [0.5], 0.5, [[0.5, 0.6]]])
def test_an_interval_of_too_few_repetitions_is_refused(values):
    with pytest.raises(ValueError, match=r"at least two repetitions.*more seeds"):
        tl.mean_interval(values)


def test_equal_repetitions_have_an_interval_of_no_width():
    assert tuple(tl.mean_interval([0.5, 0.5, 0.5])) == (0.5, 0.5, 0.5)


def test_the_networks_own_preprocessing_is_used_and_not_the_tasks():
    net, task = tl.load_network("letters-resnet"), tl.load_task("printed-letters")
    validation = task.validation[:200]
    foreign = replace(validation, preprocess=tl.load_task("solar-cells").preprocess)
    assert tl.evaluate(net, foreign).score == tl.evaluate(net, validation).score


def test_wrong_normalisation_costs_tens_of_points_silently():
    right = tl.load_network("letters-resnet")
    wrong = copy.deepcopy(right)
    wrong.preprocess = replace(right.preprocess, mean=(0.0,), std=(1.0,))
    validation = tl.load_task("printed-letters").validation[:400]
    assert tl.evaluate(right, validation).score > 0.95
    assert tl.evaluate(wrong, validation).score < 0.5


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: tl.evaluate("net", tiny.task().train), TypeError, "but got str; load one with"),
        (lambda: tl.evaluate(tiny.network(), tiny.task()), TypeError, "Expected a part of a task"),
        (lambda: tl.evaluate(tiny.network(), [1]), TypeError, r"got list; give .*task\.validation"),
        (lambda: tl.evaluate(tiny.network(5), tiny.task().train), ValueError, r"tl\.replace_head"),
        (lambda: tl.evaluate(tiny.network(), tiny.task().unlabelled), SealedError, "withheld"),
        (lambda: tl.extract_features(tiny.network(), tiny.task()), TypeError, "part of a task"),
        (lambda: tl.extract_features(tiny.network(), tiny.task().train, "x"), ValueError, "stage"),
        (lambda: tl.baseline(tiny.task().train), TypeError, "Expected a task, but got Split"),
        (lambda: tl.final_exam(tiny.network(), "tiny"), TypeError, "Expected a task, but got str"),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(call, kind, words):
    with pytest.raises(kind, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stage", ["stem", "block1", "block2"])
def test_features_of_a_stage_are_its_channels_averaged_over_the_picture(stage):
    net, split = tiny.network(), tiny.task().train
    with torch.no_grad():
        maps = net.run(torch.stack([image for image, _ in split]), through=stage)
    features = tl.extract_features(net, split, stage)
    assert np.allclose(features.values, maps.mean((2, 3)), atol=1e-6)
    whole = tl.extract_features(net, split, stage, pool=False)
    assert np.allclose(whole.values, maps.flatten(1), atol=1e-6)
    assert features.values.dtype == np.float32 and features.stage == stage


def test_features_by_default_are_what_enters_the_last_layer():
    net, split = tiny.network(dropout=0.5), tiny.task().train
    features = tl.extract_features(net, split)
    with torch.no_grad():
        outputs = net.head.output(torch.from_numpy(features.values))
    assert torch.allclose(outputs, tl.evaluate(net, split).outputs, atol=1e-6)


def test_features_of_the_head_are_the_outputs():
    net, split = tiny.network(), tiny.task().train
    values = torch.from_numpy(tl.extract_features(net, split, "head").values)
    assert torch.allclose(values, tl.evaluate(net, split).outputs, atol=1e-6)


def test_features_come_in_the_splits_order_with_its_targets():
    split = tiny.task().train
    features = tl.extract_features(tiny.network(), split)
    assert features.targets.tolist() == split.targets.tolist() and len(features) == len(split)


def test_changing_the_features_targets_changes_no_task():
    task = tiny.task()
    before = task.train.targets.tolist()
    tl.extract_features(tiny.network(), task.train).targets[:] = 0
    assert task.train.targets.tolist() == before


def test_features_of_an_unlabelled_part_have_no_targets():
    assert tl.extract_features(tiny.network(), tiny.task().unlabelled).targets is None
