"""Pictures or texts in memory become a task like any other."""

import numpy as np
import pytest
import torch
from PIL import Image

import tl_teach as tl
from tl_teach.tasks import Preprocess
from tl_teach.tasks.own.files import read_picture
from tl_teach.tasks.own.held import _held


def pictures(count=40, *, colour=False):
    shape = (count, 8, 10, 3) if colour else (count, 8, 10)
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("colour", [False, True])
def test_the_inputs_are_the_central_squares_from_minus_one_to_one(colour):
    stack = pictures(colour=colour)
    task = tl.make_task(stack, [0, 1] * 20, classes=["a", "b"])
    inputs, label = task.train[0]
    original = stack[task.train.indices[0]][:, 1:-1]
    expected = torch.from_numpy(original / 127.5 - 1).float()
    expected = expected.movedim(-1, 0) if colour else expected[None]
    assert torch.allclose(inputs, expected, atol=1e-6)
    assert label == task.train.indices[0] % 2


def test_no_and_yes_are_the_classes_0_and_1():
    task = tl.make_task(pictures(), np.arange(40) % 4 == 0, classes=["no", "yes"])
    truth = task.train.indices % 4 == 0
    assert task.train.targets.tolist() == truth.astype(int).tolist()


def test_without_classes_it_is_a_regression():
    task = tl.make_task(pictures(), np.linspace(0, 1, 40), name="ages")
    assert (task.kind, task.name, task.train.targets.dtype) == ("regression", "ages", torch.float32)


def test_groups_stay_whole_and_a_preprocessing_is_used():
    own = Preprocess(size=4, channels=1, mean=(0.0,), std=(1.0,))
    groups = np.arange(40) // 4
    task = tl.make_task(pictures(), [0, 1] * 20, classes=["a", "b"], groups=groups, preprocess=own)
    assert task.train[0][0].shape == (1, 4, 4)
    parts = [set(groups[part.indices]) for part in (task.train, task.validation)]
    assert not parts[0] & parts[1]


def test_it_can_be_learned():
    stack = pictures(120) // 4
    labels = np.arange(120) % 2
    stack[labels == 1] += 128  # the second class is brighter
    task = tl.make_task(stack, labels, classes=["dark", "bright"])
    net = tl.replace_head(tl.load_network("letters-resnet"), task)
    tl.fit(tl.freeze(net), task, epochs=5, lr=1e-2)
    assert tl.evaluate(net, task.validation).score > 0.9


def test_a_list_of_pictures_or_a_tensor_is_the_same():
    stack = pictures()
    first, *others = (
        tl.make_task(given, [0, 1] * 20, classes=["a", "b"]).train
        for given in (stack, list(stack), torch.from_numpy(stack))
    )
    assert all(torch.equal(other[3][0], first[3][0]) for other in others)


BAD = {
    "floats": (pictures().astype(float), "must hold uint8 values"),
    "one row": (pictures()[0, 0], r"have the shape \(10,\); give an array of shape"),
    "nothing": (pictures()[:0], "Expected pictures or texts, but got"),
    "no sequence": (7, "Expected pictures or texts, but got 7"),
    "one text": ("a text", "Expected pictures or texts, but got 'a text'"),
    "two sizes": ([np.zeros((8, 8)), np.zeros((9, 8))], r"such as \(8, 8\) and \(9, 8\); make"),
    "two channels": (np.zeros((40, 8, 8, 2), np.uint8), "must have 1 channel"),
    "a mixture": (["a text", 3], "Item 1 is no text, but others are"),
    "names of files": (["a.png", "b.JPG"], "'a.png' is the name of a picture"),
}


@pytest.mark.parametrize("what", BAD)
def test_items_that_cannot_be_used_get_a_sentence(what):
    given, sentence = BAD[what]
    with pytest.raises((TypeError, ValueError), match=sentence):
        tl.make_task(given, [0, 1] * 20, classes=["a", "b"])


@pytest.mark.parametrize(
    ("labels", "options", "sentence"),
    [
        ([0, 1], {}, "has 40 items but 2 labels"),
        ([0, 2] * 20, {}, "The label 2 of 'pictures' names no class"),
        (["a", "b"] * 20, {}, "from 0 to 1; give the place of each item's class"),
        ([0.5, 1.5] * 20, {}, "from 0 to 1; give the place of each item's class"),
        (["a", "b"] * 20, {"classes": None}, "or name the classes with classes="),
        ((n % 2 for n in range(40)), {}, "labels=<generator .*> does not work: expected a list"),
        (1, {}, "labels=1 does not work: expected a list of one label an item"),
        ([0, 1] * 20, {"classes": 3}, "classes=3 does not work: expected the names"),
        ([0, 1] * 20, {"classes": []}, r"classes=\[\] does not work: expected the names"),
        ([0, 1] * 20, {"classes": ["a", "a", "b"]}, "'b'\\] does not work: .* all different"),
        ([0, 1] * 20, {"groups": [1, 2]}, "40 items need one group each"),
        ([0, 1] * 20, {"held_out": 0.5}, "held_out=0.5 does not work: expected a share above 0"),
        ([0, 1] * 20, {"held_out": -1}, "held_out=-1 does not work"),
        ([0, 1] * 20, {"held_out": "a"}, "held_out='a' does not work"),
    ],
)
def test_what_does_not_fit_the_items_gets_a_sentence(labels, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        tl.make_task(pictures(), labels, **{"classes": ["a", "b"], **options})


def test_very_large_pictures_are_made_smaller_for_networks_without_a_size_of_their_own():
    _, preprocess, _ = _held(np.zeros((1, 4100, 4200), np.uint8))
    assert preprocess.shape == (1, 4096, 4096)


def test_names_of_classes_are_text():
    assert tl.make_task(pictures(), [0, 1, 2, 0] * 10, classes=range(3)).classes == ("0", "1", "2")


def test_of_equal_items_one_is_used_and_the_others_are_reported():
    twice = np.concatenate([pictures(), pictures()[:4]])
    with pytest.warns(UserWarning, match=r"'pictures', 4 are not used:\n  4 same item as another"):
        task = tl.make_task(twice, [0, 1] * 22, classes=["a", "b"])
    assert sum(map(len, (task.train, task.validation, task.test))) == 40
    assert [problem.file for problem in task.report] == [f"item {n}" for n in range(40, 44)]
    assert str(task.with_labels(seed=1).report) == str(task.report)


def test_equal_items_with_two_labels_are_left_out_and_reported():
    twice = np.concatenate([pictures(), pictures()[:1]])
    with pytest.warns(UserWarning, match="2 same item, two labels: item 0, item 40"):
        task = tl.make_task(twice, [0, 1] * 20 + [1], classes=["a", "b"])
    assert 0 not in np.concatenate([task.unlabelled.indices, task.validation.indices])


def test_where_every_item_contradicts_another_the_message_says_so():
    twice = [f"text {n}" for n in range(40)] * 2
    with pytest.raises(ValueError, match="left out: 80 same item, two labels"):
        tl.make_task(twice, [0] * 40 + [1] * 40, classes=["a", "b"])


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK"])
def test_pictures_of_every_mode_are_read_as_from_a_folder(mode, tmp_path):
    images = [Image.fromarray(values).convert(mode) for values in pictures(colour=True)]
    task = tl.make_task(images, [0, 1] * 20, classes=["a", "b"])
    item = int(task.train.indices[0])
    path = tmp_path / "picture.tif"
    images[item].save(path)
    assert torch.equal(task.train.pixels(0), read_picture(path))
