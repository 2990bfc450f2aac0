import ast
import copy
import warnings
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.adapt import METHODS
from tl_teach.tasks import SealedError, SealedSplit, as_target

from . import domains


@pytest.mark.parametrize("method", METHODS)
def test_the_network_that_was_given_stays_as_it_was(method):
    net = domains.network("stem").train()
    before = tl.fingerprint(net), {module: module.training for module in net.modules()}
    result = domains.adapt(method, net)
    assert (tl.fingerprint(net), {module: module.training for module in net.modules()}) == before
    assert result.net is not net and tl.fingerprint(result.net) != before[0]
    assert not result.net.training and result.net.frozen_through == "stem"


@pytest.mark.parametrize("method", METHODS)
def test_labels_of_the_target_change_nothing(method):
    split = tiny.task(name="tiny-target", seed=5).train
    lies = replace(split, labels=split.labels.roll(1))
    results = [domains.adapt(method, unlabelled=one) for one in (split, lies)]
    assert tl.fingerprint(results[0].net) == tl.fingerprint(results[1].net)
    assert repr(results[0].signs) == repr(results[1].signs)


def test_a_method_is_not_even_given_the_labels(monkeypatch):
    given = []
    monkeypatch.setitem(METHODS, "adabn", lambda net, split, *rest, **settings: given.append(split))
    tl.adapt(domains.network(), tiny.task(name="tiny-target", seed=5).train)
    assert given[0].labels is None


@pytest.mark.parametrize("method", METHODS)
def test_no_method_opens_a_sealed_test(method, monkeypatch):
    unlabelled = domains.target().unlabelled

    def opened(test):
        raise AssertionError("a sealed test was opened")

    monkeypatch.setattr(SealedSplit, "_open_for_exam", opened)
    monkeypatch.setattr(SealedSplit, "break_seal", opened)
    domains.adapt(method, unlabelled=unlabelled)


def test_the_code_of_the_room_does_not_know_how_to_break_a_seal():
    room = Path(import_module("tl_teach.adapt").__file__).parent
    words = {"break_seal", "_open_for_exam", "_SealedSplit__split", "_taken"}
    for file in room.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not words & used, file


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_fixes_the_result_and_the_callers_random_numbers_stay(method):
    torch.manual_seed(0)
    np.random.seed(0)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(0)
    np.random.seed(0)
    first = domains.adapt(method, seed=3)
    assert (torch.rand(1), np.random.rand()) == expected
    assert tl.fingerprint(domains.adapt(method, seed=3).net) == tl.fingerprint(first.net)


@pytest.mark.parametrize("method", ["dann", "pseudo-label"])
def test_another_seed_is_another_try(method):
    first, second = (domains.adapt(method, seed=seed).net for seed in (0, 1))
    assert tl.fingerprint(first) != tl.fingerprint(second)


@pytest.mark.parametrize("method", ["coral", "dann", "pseudo-label"])
def test_frozen_parameters_and_buffers_do_not_move(method):
    net = domains.network("block1")
    result = domains.adapt(method, net)
    for stage in ("stem", "block1"):
        assert tl.fingerprint(result.net.stages[stage]) == tl.fingerprint(net.stages[stage])
        change = result.changed[stage]
        assert change.parameters == change.buffers == 0


def test_what_has_changed_is_told_in_relative_lengths():
    net = domains.network()
    result = domains.adapt("dann", net)
    for stage, change in result.changed.items():
        old, new = net.stages[stage], result.net.stages[stage]
        before = np.concatenate([one.detach().numpy().ravel() for one in old.parameters()])
        after = np.concatenate([one.detach().numpy().ravel() for one in new.parameters()])
        expected = np.linalg.norm(after - before) / np.linalg.norm(before)
        assert change.parameters == pytest.approx(expected, rel=1e-5)
    assert result.changed["head"].buffers is None  # it has none
    assert result.changed["stem"].buffers > 0


@pytest.mark.parametrize("method", METHODS)
def test_the_signs_begin_before_and_have_one_number_a_step(method):
    signs = domains.adapt(method).signs
    assert signs.steps[0] == "before" and len(signs.steps) > 1 and signs.agreement[0] == 1
    columns = [signs.entropy, signs.shares, signs.agreement, signs.source_loss]
    columns += [signs.source_accuracy, *signs.others.values()]
    assert {len(column) for column in columns} == {len(signs.steps)}


def test_the_last_signs_are_those_of_the_network_that_comes_back():
    result = domains.adapt("dann")
    validation = tl.evaluate(result.net, domains.source().validation)
    assert result.signs.source_accuracy[-1] == pytest.approx(validation.score)
    assert result.signs.shares[-1] == pytest.approx(
        tl.adapt(result.net, domains.target().unlabelled).signs.shares[0]
    )


def test_without_a_source_the_signs_are_of_the_target_alone():
    signs = tl.adapt(domains.network(), domains.target().unlabelled).signs
    assert signs.source_loss == [] == signs.source_accuracy and len(signs.entropy) == 2


def test_a_result_describes_itself():
    text = repr(domains.adapt("pseudo-label"))
    for word in ("pseudo-label on 48 unlabelled", "block2", "entropy", "taken", "round 2"):
        assert word in text


def test_after_the_labels_were_seen_an_adaptation_warns():
    net, target = domains.network(), domains.target()
    tl.reveal(net, target)
    with pytest.warns(UserWarning, match="labels of 'tiny-target, contrast 0.4' have been seen"):
        tl.adapt(net, target.unlabelled)


def test_after_an_exam_an_adaptation_warns_too():
    net, target = domains.network(), domains.target()
    tl.final_exam(net, target)
    with pytest.warns(UserWarning, match="have been seen"):
        tl.adapt(net, target.unlabelled)


def test_to_run_a_notebook_twice_is_harmless():
    net, target = domains.network(), domains.target()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            adapted = domains.adapt("adabn", net).net
            truth = tl.reveal({"as it was": net, "adapted": adapted}, target)
    assert "broken" not in repr(truth)


def test_wrong_calls_are_answered_in_one_sentence():
    net, target = domains.network(), domains.target()
    unlabelled, source = target.unlabelled, domains.source()
    with pytest.raises(ValueError, match=r"method of adaptation named 'adabm'.*'adabn'"):
        tl.adapt(net, unlabelled, method="adabm")
    with pytest.raises(ValueError, match=r"setting of 'dann' named 'epoch'.*'epochs'"):
        tl.adapt(net, unlabelled, source, method="dann", epoch=2)
    with pytest.raises(ValueError, match="setting of 'adabn' named 'seeds'"):
        tl.adapt(net, unlabelled, seeds=2)
    with pytest.raises(TypeError, match=r"whole of 'tiny-target.*target\.unlabelled"):
        tl.adapt(net, target)
    with pytest.raises(SealedError):
        tl.adapt(net, target.test)
    with pytest.raises(TypeError, match="Expected a network"):
        tl.adapt("letters-resnet", unlabelled)
    with pytest.raises(ValueError, match=r"'tiny-target, contrast 0.4' is a target"):
        tl.adapt(net, unlabelled, target, method="coral")
    with pytest.raises(ValueError, match="at least two pictures of the target, but got 1"):
        tl.adapt(net, unlabelled[:1])
    with pytest.raises(ValueError, match="task of regression"):
        tl.adapt(net, tiny.regression_task().unlabelled)
    with pytest.raises(ValueError, match="network gives 5 outputs"):
        tl.adapt(tiny.network(5), unlabelled, source, method="coral")
    with pytest.raises(ValueError, match="seed=-1"):
        tl.adapt(net, unlabelled, seed=-1)


@pytest.mark.parametrize("method", ["coral", "dann", "pseudo-label"])
def test_methods_that_learn_ask_for_the_source(method):
    with pytest.raises(ValueError, match=rf"'{method}' learns from the source's labels"):
        tl.adapt(domains.network(), domains.target().unlabelled, method=method)


@pytest.mark.parametrize("method", ["coral", "dann", "pseudo-label"])
def test_methods_that_learn_refuse_a_frozen_head(method):
    with pytest.raises(ValueError, match=r"head of 'tiny-net' is frozen.*unfreeze"):
        domains.adapt(method, domains.network("head"))


def test_another_question_in_the_target_is_refused():
    other = as_target(tiny.task(classes=("dog", "elk", "fox"), name="others"))
    with pytest.raises(ValueError, match="one question on both sides"):
        domains.adapt("coral", unlabelled=other.unlabelled)


def test_the_room_does_not_hide_the_function_of_its_name():
    import_module("tl_teach.adapt.coral")
    assert callable(tl.adapt) and tl.adapt is import_module("tl_teach.adapt").adapt


def test_an_adapted_network_can_be_copied_and_trained_on():
    net = domains.adapt("adabn", domains.network("block2")).net
    history = tl.fit(copy.deepcopy(net), domains.source(), epochs=1)
    assert history.trained == ("head",)
