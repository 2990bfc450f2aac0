import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from torch.utils.data import DataLoader, Subset, random_split

import tl_teach as tl
from tl_teach.tasks import SealedError, SealedSplit, split

from . import tiny


@pytest.fixture(autouse=True)
def _whole(monkeypatch):
    monkeypatch.setattr(split, "_broken", set())


ROUTES = {
    "an index": lambda test: test[0],
    "a negative index": lambda test: test[-1],
    "a slice": lambda test: test[:2],
    "iteration": lambda test: list(test),
    "a for loop": lambda test: [item for item in test],  # noqa: C416
    "reversed": lambda test: list(reversed(test)),
    "membership": lambda test: 3 in test,
    "Sequence.index": lambda test: test.index(3),
    "Sequence.count": lambda test: test.count(3),
    "unpacking": lambda test: [*test],
    "images": lambda test: test.images,
    "indices": lambda test: test.indices,
    "labels": lambda test: test.labels,
    "targets": lambda test: test.targets,
    "pixels": lambda test: test.pixels(0),
    "digests": lambda test: test.digests(),
    "fingerprint": lambda test: test.fingerprint(),
    "for_network": lambda test: test.for_network(tiny.network()),
    "numpy": np.asarray,
    "a DataLoader": lambda test: next(iter(DataLoader(test, batch_size=2))),
    "a subset": lambda test: Subset(test, [0])[0],
    "a random split": lambda test: random_split(test, [1, len(test) - 1])[0][0],
    "dataclasses.replace": lambda test: replace(test),
    "evaluate": lambda test: tl.evaluate(tiny.network(), test),
    "extract_features": lambda test: tl.extract_features(tiny.network(), test),
    "show_examples": tl.show_examples,
    "show_top_images": lambda test: tl.show_top_images(tiny.network(), test, "stem"),
    "a shallow copy": lambda test: copy.copy(test)[0],
    "a deep copy": lambda test: copy.deepcopy(test)[0],
    "a pickled copy": lambda test: pickle.loads(pickle.dumps(test))[0],
}


@pytest.mark.parametrize("route", ROUTES)
def test_a_sealed_test_refuses(route):
    kind = TypeError if route == "dataclasses.replace" else SealedError
    with pytest.raises(kind):
        ROUTES[route](tiny.task().test)


def test_a_worker_process_cannot_open_it_either():
    loader = DataLoader(tiny.task().test, num_workers=1, multiprocessing_context="fork")
    with pytest.raises(SealedError):
        next(iter(loader))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copied_task_keeps_its_seal(copied):
    test = copied(tiny.task()).test
    assert isinstance(test, SealedSplit) and not test.seal_broken


def test_its_size_may_be_known_and_its_items_may_not():
    test = tiny.task().test
    assert len(test) == 12 and repr(test) == "<sealed test split of 'tiny': 12 items>"


def test_the_refusal_says_what_to_do_instead():
    with pytest.raises(SealedError, match=r"validation split.*tl\.final_exam\(net, task\)"):
        tiny.task().test[0]


def test_breaking_the_seal_by_name_opens_it_and_is_remembered():
    task = tiny.task(name="broken")
    assert len(task.test.break_seal().targets) == 12
    assert task.test.seal_broken


def test_loading_the_task_anew_or_by_another_name_does_not_mend_the_seal():
    tiny.task().test.break_seal()
    assert tiny.task(split_seed=3).test.seal_broken
    assert tiny.task(name="another").test.seal_broken
    assert not tiny.task(seed=1).test.seal_broken


def test_what_is_asked_makes_the_exam_and_not_the_numbers_of_its_items():
    same, other = tiny.task(name="content"), tiny.task(name="content", seed=1)
    assert np.array_equal(same.test._open_for_exam().indices, other.test._open_for_exam().indices)
    same.test.break_seal()
    assert tiny.task(name="content", split_seed=2, labels=5).test.seal_broken
    assert not other.test.seal_broken
