import copy
import sys

import numpy as np
import pytest
import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.show.attribution import where
from tl_teach.tasks import SealedError

SPLIT = tiny.task().validation


def tiles(picture):
    return [np.asarray(i.get_array()) for axes in picture.figure.axes for i in axes.get_images()]


def captured(monkeypatch, name):
    """What captum's method gave, before it was drawn."""
    from captum import attr

    given, original = [], getattr(attr, name).attribute

    def attribute(self, *args, **options):
        given.append(original(self, *args, **options))
        return given[-1]

    monkeypatch.setattr(getattr(attr, name), "attribute", attribute)
    return given


@pytest.mark.parametrize("stage", ["stem", "block1", "block2"])
def test_grad_cam_weighs_each_map_by_its_mean_gradient(stage, monkeypatch):
    net, given = tiny.network(), captured(monkeypatch, "LayerGradCam")
    tl.show_grad_cam(tl.freeze(net, through="block1"), SPLIT, 0, "cow", stage=stage)
    with torch.no_grad():
        maps = net.run(SPLIT[0][0][None], through=stage)
    maps.requires_grad_()
    (slope,) = torch.autograd.grad(net.run(maps, after=stage)[0, 2], maps)
    expected = (slope.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).clamp(min=0)
    assert torch.allclose(given[0], expected, atol=1e-6)
    assert float(expected.detach().abs().sum()) > 0


def test_integrated_gradients_add_up_to_the_rise_of_the_output(monkeypatch):
    net, given = tiny.network(), captured(monkeypatch, "IntegratedGradients")
    picture = tl.show_integrated_gradients(net, SPLIT, [0, 4], "bee")
    black = net.preprocess(torch.zeros(1, 8, 8, dtype=torch.uint8))
    with torch.no_grad():
        outputs = net(torch.stack([SPLIT[0][0], SPLIT[4][0], black]))[:, 1]
    rise = outputs[:2] - outputs[2]
    assert torch.allclose(given[0].sum((1, 2, 3)).float(), rise, atol=0.02)
    way = "adds" if rise[0] > 0 else "takes"
    assert f"this one {way} {abs(float(rise[0])):.1f} " in picture.alt


def test_by_default_the_networks_own_answer_is_explained():
    net = tiny.network()
    said = tl.evaluate(net, SPLIT).predictions
    alt = tl.show_grad_cam(net, SPLIT, [0, 3]).alt
    for item in (0, 3):
        true, answer = (SPLIT.classes[number] for number in (SPLIT.targets[item], said[item]))
        assert f"Item {item}, true {true}, answered {answer} (0." in alt
    assert tl.show_grad_cam(net, SPLIT, 1, 2).alt == tl.show_grad_cam(net, SPLIT, 1, "cow").alt


def test_every_stage_of_a_network_that_works_in_place_can_be_read():
    net = tl.load_network("mobilenet_v2", "random", image_size=32)
    net = tl.freeze(tl.replace_head(net, 3), through="block5")
    before = copy.deepcopy(net)
    for stage in net.stage_names[:-1]:
        assert f"stage {stage} of" in tl.show_grad_cam(net, SPLIT, 0, stage=stage).alt
    assert tl.fingerprint(net) == tl.fingerprint(before)


@pytest.mark.parametrize("show", [tl.show_grad_cam, tl.show_integrated_gradients])
def test_a_network_that_is_frozen_from_end_to_end_is_explained_the_same(show):
    net = tiny.network()
    free = show(net, SPLIT, [0, 1, 2])
    frozen = show(tl.freeze(net, through="head"), SPLIT, [0, 1, 2])
    assert frozen.alt == free.alt and frozen.png() == free.png()


@pytest.mark.parametrize(
    ("task", "words"),
    [(tiny.regression_task(), "what speaks for height"), (tiny.multilabel_task(), "true ")],
    ids=["regression", "multilabel"],
)
def test_other_kinds_of_task_are_explained_too(task, words):
    net = tl.replace_head(tiny.network(), task)
    assert words in tl.show_integrated_gradients(net, task.validation, 0).alt


def test_pictures_without_labels_are_explained_too():
    assert "Item 0, answered " in tl.show_grad_cam(tiny.network(), tiny.task().unlabelled, 0).alt


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_the_place_of_the_heat_is_named(row, column):
    heat = np.zeros((12, 12))
    heat[4 * row + 1, 4 * column + 1] = 1
    place = f"{('top', 'middle', 'bottom')[row]} {('left', 'centre', 'right')[column]}"
    inside = 3 <= 4 * row + 1 < 9 and 3 <= 4 * column + 1 < 9
    expected = f"strongest in the {place}, {100 * inside} % in the middle half"
    assert where(heat, "ant").endswith(expected)


def test_an_even_heat_has_a_quarter_in_the_middle_and_none_speaks_for_nothing():
    assert "25 % in the middle half" in where(np.ones((28, 28)), "ant")
    assert where(-np.ones((8, 8)), "ant") == "no region speaks for ant"


def test_the_picture_stands_beside_the_heat():
    net = tiny.network()
    original, _ = tiles(tl.show_grad_cam(net, SPLIT, 5))
    assert np.allclose(original, SPLIT.pixels(5)[0] / 255, atol=1e-6)


def test_without_captum_the_reader_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    for show in (tl.show_grad_cam, tl.show_integrated_gradients):
        with pytest.raises(ImportError, match=r"needs the package captum.*tl-teach\[attribution\]"):
            show(tiny.network(), SPLIT, 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"items": 12}, r"items=12 does not work: the validation part of 'tiny' has .* 0 to 11"),
        ({"items": [0, -1]}, r"items=\[0, -1\] does not work"),
        ({"items": []}, r"items=\[\] does not work"),
        ({"items": 0.5}, r"items=0\.5 does not work"),
        ({"items": 0, "target": "be"}, r"no class of 'tiny' named 'be'.*did you mean 'bee'"),
        ({"items": 0, "target": 3}, r"target=3 does not work: 'tiny' has the classes 0 to 2"),
        ({"items": 0, "stage": "head"}, r"'head' of 'tiny-net' gives no feature maps; choose one"),
        ({"items": 0, "stage": "blok1"}, r"named 'blok1'.*did you mean 'block1'"),
    ],
)
def test_what_cannot_be_explained_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        tl.show_grad_cam(tiny.network(), SPLIT, **options)


def test_a_stage_without_maps_is_refused():
    stages = {"flat": torch.nn.Flatten(), "head": torch.nn.Linear(64, 3)}
    net = tl.Network("flat", stages, tiny.TINY8, ("a", "b", "c"))
    with pytest.raises(ValueError, match=r"stage 'flat' of 'flat' gives no feature maps"):
        tl.show_grad_cam(net, SPLIT, 0)


def test_a_sealed_test_is_not_explained():
    with pytest.raises(SealedError):
        tl.show_grad_cam(tiny.network(), tiny.task().test, 0)
