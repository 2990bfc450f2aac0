from dataclasses import replace
from importlib import import_module

import pytest

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.tasks import SealedError, SealedSplit, split

exam = import_module("tl_teach.learning.exam")


@pytest.fixture(autouse=True)
def no_exam_taken(monkeypatch):
    monkeypatch.setattr(exam, "_taken", {})
    monkeypatch.setattr(split, "_broken", set())


def test_the_exam_scores_the_sealed_items():
    task, net = tiny.task(), tiny.network()
    result = tl.final_exam(net, task)
    assert result.role == "test" and len(result.outputs) == len(task.test)
    assert result.score == tl.evaluate(net, task.test.break_seal()).score
    assert result.note == ""


def test_the_same_weights_get_the_same_answer_again():
    first = tl.final_exam(tiny.network(), tiny.task())
    assert tl.final_exam(tiny.network(), tiny.task()) is first


def test_other_weights_are_refused():
    tl.final_exam(tiny.network(seed=0), tiny.task())
    with pytest.raises(SealedError, match=r"already sat.*peeking.*validation.*break_seal=True"):
        tl.final_exam(tiny.network(seed=1), tiny.task())


def test_training_on_after_the_exam_makes_another_network():
    net, task = tiny.network(), tiny.task()
    tl.final_exam(net, task)
    tl.fit(net, task, epochs=1)
    with pytest.raises(SealedError):
        tl.final_exam(net, task)


def test_a_moved_buffer_makes_another_network():
    net = tiny.network()
    tl.final_exam(net, tiny.task())
    net.stages["stem"].bn.running_mean += 0.1
    with pytest.raises(SealedError):
        tl.final_exam(net, tiny.task())


def test_another_image_size_makes_another_candidate():
    net = tiny.network()
    tl.final_exam(net, tiny.task())
    net.preprocess = replace(net.preprocess, size=16, resize=16)
    with pytest.raises(SealedError):
        tl.final_exam(net, tiny.task())


@pytest.mark.parametrize("options", [{"split_seed": 4}, {"labels_per_class": 2}, {"labels": 5}])
def test_another_seed_or_budget_is_the_same_exam(options):
    tl.final_exam(tiny.network(seed=0), tiny.task())
    with pytest.raises(SealedError):
        tl.final_exam(tiny.network(seed=1), tiny.task(**options))


def test_another_task_is_another_exam():
    tl.final_exam(tiny.network(seed=0), tiny.task())
    assert tl.final_exam(tiny.network(seed=1), tiny.task(30)).note == ""


def test_another_name_is_no_other_exam():
    tl.final_exam(tiny.network(seed=0), tiny.task())
    with pytest.raises(SealedError):
        tl.final_exam(tiny.network(seed=1), tiny.task(name="other"))


def test_whoever_insists_looks_again_and_the_result_says_so():
    tl.final_exam(tiny.network(seed=0), tiny.task())
    second = tl.final_exam(tiny.network(seed=1), tiny.task(), break_seal=True)
    assert "The seal was broken" in repr(second) and "look number 2" in second.note


def test_the_first_answer_stays_clean_after_a_second_look():
    first = tl.final_exam(tiny.network(seed=0), tiny.task())
    tl.final_exam(tiny.network(seed=1), tiny.task(), break_seal=True)
    assert tl.final_exam(tiny.network(seed=0), tiny.task()) is first and first.note == ""


def test_permission_to_break_a_whole_seal_breaks_nothing():
    assert tl.final_exam(tiny.network(), tiny.task(), break_seal=True).note == ""


def test_a_seal_that_was_broken_by_hand_is_told():
    task = tiny.task()
    task.test.break_seal()
    assert "The seal was broken" in tl.final_exam(tiny.network(), task).note


def test_loading_the_task_anew_does_not_hide_a_broken_seal():
    tiny.task().test.break_seal()
    assert "The seal was broken" in tl.final_exam(tiny.network(), tiny.task(split_seed=1)).note


def test_an_exam_that_cannot_be_sat_is_not_counted():
    with pytest.raises(ValueError, match="needs 3"):
        tl.final_exam(tiny.network(9), tiny.task())
    assert tl.final_exam(tiny.network(), tiny.task()).note == ""


def test_the_exam_leaves_the_test_sealed():
    task = tiny.task()
    tl.final_exam(tiny.network(), task)
    assert isinstance(task.test, SealedSplit)
    with pytest.raises(SealedError):
        task.test[0]


def test_the_exam_leaves_the_networks_mode():
    net = tiny.network().train()
    tl.final_exam(net, tiny.task())
    assert net.training
