import numpy as np
import pytest
import torch

import tl_teach as tl
from tests.show.test_pictures import texts_of
from tests.tasks import tiny
from tl_teach.tasks import SealedError


@pytest.fixture(scope="module")
def net():
    return tiny.network(seed=2)


def labels(picture):
    return [axes.get_title() for axes in picture.figure.axes if axes.get_title()]


def test_the_surest_mistakes_come_first(net):
    split = tiny.task().validation
    outputs = tl.evaluate(net, split).outputs
    sure, said = outputs.softmax(1).max(1)
    wrong = [item for item in range(len(split)) if said[item] != split.targets[item]]
    order = sorted(wrong, key=lambda item: -sure[item])
    expected = [
        f"true: {split.classes[split.targets[item]]}\n"
        f"said: {split.classes[said[item]]}\n"
        f"sure: {sure[item]:.2f}"
        for item in order
    ]
    assert 3 < len(expected) < len(split)  # else the test would be empty
    picture = tl.show_errors(net, split, count=3)
    assert labels(picture) == expected[:3]
    assert f"The 3 worst of {len(wrong)} mistakes that tiny-net makes on 12 val" in picture.alt
    assert labels(tl.show_errors(net, split, count=99)) == expected
    shown = [image for axes in picture.figure.axes for image in axes.get_images()]
    whole = split.pixels(order[0])[0].numpy() / 255
    assert np.allclose(shown[0].get_array(), whole, atol=1e-6)


def test_source_and_licence_are_named(net):
    texts = [text for text, _ in texts_of(tl.show_errors(net, tiny.task().validation).figure)]
    assert "tiny: CC0" in texts


def test_a_regression_shows_its_largest_residuals():
    task = tiny.regression_task()
    net = tl.replace_head(tiny.network(), task)
    result = tl.evaluate(net, task.validation)
    worst = int((result.predictions - result.targets).abs().argmax())
    picture = tl.show_errors(net, task.validation, count=2)
    true, said = float(result.targets[worst]), float(result.predictions[worst])
    assert labels(picture)[0] == f"true: {true:.3g}\nsaid: {said:.3g}"
    assert f": {true:.3g} taken for {said:.3g}, " in picture.alt


def test_several_labels_are_wrong_where_one_is():
    task, net = tiny.multilabel_task(), tiny.network(outputs=2)
    result = tl.evaluate(net, task.validation)
    wrong = (result.predictions != result.targets).any(1)
    picture = tl.show_errors(net, task.validation, count=2)
    assert f"The 2 worst of {int(wrong.sum())} mistakes" in picture.alt
    sure = (result.outputs.abs().sigmoid() * (result.predictions != result.targets)).max()
    assert labels(picture)[0].endswith(f"\nsure: {sure:.2f}")


def test_a_network_without_mistakes_is_told_so():
    class Knowing(torch.nn.Module):
        """Reads the class off the bright bar of a tiny picture."""

        def forward(self, x):
            return x.mean((1, 3))[:, [1, 3, 5]]

    net = tl.Network(
        "knowing", {"body": torch.nn.Identity(), "head": Knowing()}, tiny.TINY8, ("a", "b", "c")
    )
    picture = tl.show_errors(net, tiny.task().validation)
    assert picture.alt == "knowing makes no mistake on 12 validation items of tiny."


def test_what_cannot_be_shown_is_refused(net):
    with pytest.raises(SealedError):
        tl.show_errors(net, tiny.task().test)
    with pytest.raises(SealedError, match="withheld"):
        tl.show_errors(net, tiny.task().unlabelled)
    with pytest.raises(ValueError, match="There is nothing in"):
        tl.show_errors(net, tiny.task().validation[:0])
    with pytest.raises(ValueError, match="count=0 does not work"):
        tl.show_errors(net, tiny.task().validation, count=0)
    with pytest.raises(ValueError, match=r"gives 3 outputs, but the task .* needs 2"):
        tl.show_errors(net, tiny.multilabel_task().validation)


def test_a_pale_picture_stays_pale():
    task = tl.shift(tiny.task(), "contrast", 0.8)
    picture = tl.show_examples(task, count=4, columns=4)
    clims = {image.get_clim() for axes in picture.figure.axes for image in axes.get_images()}
    assert clims == {(0, 1)}
