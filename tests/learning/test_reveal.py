from importlib import import_module

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.tasks import SealedError, as_target, split

exam = import_module("tl_teach.learning.exam")


@pytest.fixture(autouse=True)
def no_exam_taken(monkeypatch):
    exam._taken.clear()
    monkeypatch.setattr(split, "_broken", set())
    yield
    exam._taken.clear()


def target(**options):
    return as_target(tiny.task(**options))


def two_classes():
    return target(classes=("sound", "defective"), positive="defective", name="two")


def test_every_network_is_scored_on_the_sealed_items():
    nets = {"first": [tiny.network(seed=0), tiny.network(seed=1)], "second": tiny.network(seed=2)}
    truth = tl.reveal(nets, target())
    opened = tiny.task().test.break_seal()
    assert truth.scores() == {
        "first": [tl.evaluate(net, opened).score for net in nets["first"]],
        "second": [tl.evaluate(nets["second"], opened).score],
    }
    assert truth["first"][0].note == ""


def test_values_are_scored_by_their_own_measure():
    task = tiny.regression_task()
    truth = tl.reveal(tl.replace_head(tiny.network(), task), as_target(task))
    assert truth.measures == ("R2",) and truth.scores() == truth.scores("R2")


def test_balanced_accuracy_and_auc_are_the_usual_ones():
    truth = tl.reveal(tiny.network(2), two_classes())
    ((result,),) = truth.results.values()
    labels, chosen = result.targets.numpy(), result.predictions.numpy()
    assert truth.measures == ("accuracy", "balanced accuracy", "AUC")
    assert truth.scores("balanced accuracy")["tiny-net"] == pytest.approx(
        [balanced_accuracy_score(labels, chosen)]
    )
    chance = result.outputs.softmax(1)[:, 1].numpy()
    assert truth.scores("AUC")["tiny-net"] == pytest.approx([roc_auc_score(labels, chance)])


def test_the_table_has_intervals_over_seeds_and_a_constant_guess():
    nets = {"three seeds": [tiny.network(2, seed=seed) for seed in range(3)]}
    lines = repr(tl.reveal(nets, two_classes())).splitlines()
    assert lines[0] == "two: 8 test items"
    assert lines[1].split() == ["accuracy", "balanced", "accuracy", "AUC"]
    assert lines[2].startswith("three seeds") and " to " in lines[2]
    assert lines[3].split() == ["a", "constant", "guess", "0.500", "0.500", "0.500"]


def test_the_same_networks_get_the_same_answer_again():
    first = tl.reveal({"a": tiny.network()}, target())
    second = tl.reveal({"b": tiny.network()}, target())
    assert first["a"][0] is second["b"][0]


def test_a_network_that_comes_late_is_refused():
    tl.reveal({"a": tiny.network(seed=0)}, target())
    with pytest.raises(SealedError, match=r"have been seen.*reveal\(nets, target, break_seal=True"):
        tl.reveal({"a": tiny.network(seed=0), "b": tiny.network(seed=1)}, target())


def test_whoever_insists_looks_again_and_the_result_says_so():
    tl.reveal(tiny.network(seed=0), target())
    late = tl.reveal({"late": tiny.network(seed=1)}, target(), break_seal=True)
    assert "The seal was broken" in repr(late)


def test_a_seal_that_was_broken_by_hand_is_told():
    opened = target()
    opened.test.break_seal()
    assert "The seal was broken" in repr(tl.reveal(tiny.network(), opened))


def test_the_exam_knows_who_was_revealed():
    truth = tl.reveal(tiny.network(seed=0), target())
    assert tl.final_exam(tiny.network(seed=0), target()) is truth["tiny-net"][0]
    with pytest.raises(SealedError, match="already sat"):
        tl.final_exam(tiny.network(seed=1), target())


def test_what_is_revealed_knows_who_sat_the_exam():
    tl.final_exam(tiny.network(seed=0), target())
    with pytest.raises(SealedError):
        tl.reveal(tiny.network(seed=1), target())


def test_an_exam_that_one_of_them_cannot_sit_is_not_counted():
    with pytest.raises(ValueError, match="needs 3"):
        tl.reveal({"a": tiny.network(), "b": tiny.network(9)}, target())
    assert exam._taken in ({}, {target().test._identity: {}})


def test_an_ordinary_task_is_refused_since_it_has_a_validation_part():
    with pytest.raises(TypeError, match=r"needs a target, but got Task.*task\.validation"):
        tl.reveal(tiny.network(), tiny.task())


def test_nothing_to_reveal_and_strange_things_are_refused():
    with pytest.raises(ValueError, match="at least one network of each method"):
        tl.reveal({"a": []}, target())
    with pytest.raises(TypeError, match="Expected a network"):
        tl.reveal({"a": [torch.nn.Linear(1, 1)]}, target())
    truth = tl.reveal(tiny.network(), target())
    with pytest.raises(ValueError, match="measure named 'AUC'"):
        truth.scores("AUC")


def test_the_networks_stay_as_they_are():
    net = tiny.network().train()
    before = tl.fingerprint(net)
    tl.reveal(net, target())
    assert net.training and tl.fingerprint(net) == before


def test_only_the_classes_that_occur_count_for_the_balance():
    truth = tl.reveal(tiny.network(), target())
    ((result,),) = truth.results.values()
    expected = balanced_accuracy_score(result.targets, result.predictions)
    assert np.isclose(truth.scores("balanced accuracy")["tiny-net"][0], expected)
