from dataclasses import fields, replace

import numpy as np
import pytest
import torch

import tl_teach as tl
from tl_teach.tasks import ArrayImages, Collection, SealedError, Split, divide

from . import tiny


def leaky(**changes):
    """A task whose parts are given by hand: pictures 0 to 9, and copies of some of them."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 200, (14, 16, 16), dtype=np.uint8)
    pictures[10] = pictures[0]  # equal
    pictures[11] = pictures[1] + 9  # looks the same
    pictures[12] = pictures[2] + 9
    pictures[13] = pictures[5] + 9
    about, images = tiny.info(classes=("ant", "bee")), ArrayImages(pictures)

    def part(role, members):
        labels = torch.tensor(members) % 2
        return Split(images, np.array(members), labels, about, role, tiny.TINY8)

    whole = divide(Collection(about, images, np.arange(14) % 2, tiny.TINY8, 0.2))
    return replace(
        whole,
        train=part("train", [0, 1, 2, 3, 4]),
        validation=part("validation", [5, 6, 10, 11]),
        test=type(whole.test)(part("test", [7, 8, 9, 12, 13])),
        **changes,
    )


def test_equal_pictures_and_those_that_look_the_same_are_told_apart():
    found = tl.audit(leaky())
    assert found.exact == {
        ("train", "validation"): 1,
        ("train", "test"): 0,
        ("validation", "test"): 0,
    }
    assert found.near == {
        ("train", "validation"): 1,
        ("train", "test"): 1,
        ("validation", "test"): 1,
    }


def test_the_pairs_of_train_and_validation_can_be_looked_at():
    task = leaky()
    pairs = tl.audit(task).pairs
    assert pairs == [(0, 2), (1, 3)]
    for i, j in pairs:
        difference = task.train.pixels(i).int() - task.validation.pixels(j).int()
        assert difference.unique().numel() == 1


def test_nothing_of_the_test_is_shown_and_its_seal_holds():
    task = leaky()
    found = tl.audit(task)
    values = [getattr(found, field.name) for field in fields(found)]
    assert not any(isinstance(value, Split) for value in values)
    assert not task.test.seal_broken
    with pytest.raises(SealedError):
        task.test[0]


def test_groups_on_two_sides_are_counted():
    groups = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 4, 8, 2])
    assert tl.audit(leaky(groups=groups)).straddling == {
        ("train", "validation"): 2,
        ("train", "test"): 1,
        ("validation", "test"): 0,
    }
    assert tl.audit(leaky()).straddling is None


def test_a_task_with_groups_has_none_on_two_sides():
    about = tiny.collection(20)
    whole = Collection(about.info, about.images, about.labels, tiny.TINY8, 0.2, np.arange(60) // 3)
    assert set(tl.audit(divide(whole)).straddling.values()) == {0}


def test_the_items_of_each_class_are_counted_in_each_part():
    assert tl.audit(tiny.task(labels_per_class=4)).counts == {
        "train": {"ant": 4, "bee": 4, "cow": 4},
        "validation": {"ant": 4, "bee": 4, "cow": 4},
        "test": {"ant": 4, "bee": 4, "cow": 4},
    }
    assert tl.audit(tiny.regression_task()).counts["test"] == {"items": 12}
    several = tl.audit(tiny.multilabel_task()).counts["train"]
    assert list(several) == ["odd", "high"] and 17 <= several["odd"] <= 19


def test_it_shows_itself_as_text_with_the_caution_of_the_task():
    text = repr(tl.audit(replace(leaky(), info=replace(leaky().info, caution="Mind the gap."))))
    assert text.splitlines() == [
        "audit of 'tiny'",
        "          train  validation        test",
        "ant           3           2           2",
        "bee           2           2           3",
        "equal pictures in two parts: 1 in train and validation",
        "pictures that look the same in two parts: 1 in train and validation, 1 in train and test, "
        "1 in validation and test",
        "groups in two parts: no groups are known",
        "Mind the gap.",
    ]


def test_what_is_no_task_is_refused():
    with pytest.raises(TypeError, match=r"Expected a task, but got Split"):
        tl.audit(tiny.task().train)


def test_of_texts_equal_ones_are_counted():
    texts = [f"text {n}" for n in range(40)]
    task = tl.make_task(texts, [0, 1] * 20, classes=["a", "b"])
    found = tl.audit(task)
    assert set(found.exact.values()) == set(found.near.values()) == {0}
    assert "equal texts in two parts: none" in repr(found) and "pictures" not in repr(found)
    leaky = tl.audit(replace(task, validation=replace(task.train, role="validation")))
    assert leaky.exact["train", "validation"] == len(task.train) == len(leaky.pairs)
