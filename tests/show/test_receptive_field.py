import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.show.receptive_field import _field, _shapes
from tl_teach.tasks import Preprocess, SealedError

GREY = {"channels": 1, "mean": (0.0,), "std": (1.0,)}


def row(size, *layers):
    stages = {"layers": nn.Sequential(*layers), "head": nn.Flatten()}
    return tl.Network("row", stages, Preprocess(size=size, **GREY), ("a",)).eval()


def field(net, unit, stage="layers"):
    return _field(net, stage, unit, _shapes(net, stage)[stage])


def by_gradient(net, unit, stage="layers"):
    """Where a unit's gradient is not 0; an underestimate where a layer chooses or cuts off."""
    x = torch.rand(1, *net.preprocess.shape, requires_grad=True)
    net.run(x, through=stage)[0, :, unit[0], unit[1]].sum().backward()
    rows, columns = x.grad.abs().sum((0, 1)).nonzero(as_tuple=True)
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


layers = st.lists(
    st.tuples(st.sampled_from([1, 2, 3, 5]), st.integers(1, 2)), min_size=1, max_size=4
)


@given(layers, st.integers(0, 100), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_the_field_of_convolutions_is_where_the_gradient_is(layers, row_, column):
    torch.manual_seed(0)
    net = row(24, *[nn.Conv2d(1, 1, kernel, stride, kernel // 2) for kernel, stride in layers])
    height, width = _shapes(net, "layers")["layers"]
    unit = row_ % height, column % width
    assert field(net, unit)[2:] == tuple(map(int, by_gradient(net, unit)))


@pytest.mark.parametrize(
    ("layer", "sides"),
    [
        (nn.MaxPool2d(2), (2, 2)),  # the gradient would see the largest pixel alone
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.Threshold(9, 0)), (3, 3)),  # always silent
        (nn.Conv2d(1, 1, (1, 5)), (1, 5)),
        (nn.Conv2d(1, 1, 3, dilation=2), (5, 5)),
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.InstanceNorm2d(1)), (12, 12)),
        (nn.Identity(), (1, 1)),
    ],
    ids=["max", "silent", "wide", "dilated", "normalised by the picture", "none"],
)
def test_the_field_is_what_a_unit_can_see_not_what_it_uses(layer, sides):
    found = field(row(12, layer), (4, 4))
    assert (found.bottom - found.top, found.right - found.left) == sides


def test_weights_of_zero_are_connections_too():
    convolution = nn.Conv2d(1, 1, 3, padding=1)
    nn.init.zeros_(convolution.weight)
    assert field(row(8, convolution), (3, 3))[2:] == (2, 5, 2, 5)


def test_the_sizes_are_those_of_the_textbook_formula():
    net = tl.load_network("mobilenet_v2", "random", image_size=128)
    alt = tl.show_receptive_field(net, tiny.task().train, "block2").alt
    sizes, step = {}, 1
    size = 1
    for stage, strides in {"stem": [2, 1], "block1": [2, 1], "block2": [2, 1, 1]}.items():
        for stride in strides:
            size, step = size + 2 * step, step * stride
        sizes[stage] = f"{stage} {size}×{size}"
    assert ", ".join(sizes.values()) in alt


def test_a_unit_at_the_border_sees_less():
    alt = tl.show_receptive_field(
        tl.load_network("letters-resnet"), tiny.task().train, None, (0, 6)
    ).alt
    assert "block3 13×16" in alt and "row 0, column 6 of its 7×7 map" in alt


def test_the_square_is_drawn_around_what_is_seen():
    net = tiny.network()
    axes = tl.show_receptive_field(net, tiny.task().train, "stem", (2, 3)).figure.axes[0]
    square = axes.patches[-1]
    assert square.get_xy() == (1.5, 0.5) and (square.get_width(), square.get_height()) == (3, 3)


def test_pictures_and_inputs_are_taken_too():
    net, split = tiny.network(), tiny.task().train
    drawn = [tl.show_receptive_field(net, some) for some in (split, split[0][0], split.pixels(0))]
    assert drawn[0].alt == drawn[1].alt == drawn[2].alt
    assert drawn[1].png() == drawn[2].png() != drawn[0].png()  # which has a credit


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"stage": "head"},
            r"stage 'head' of 'tiny-net' gives no feature maps; choose one of stem",
        ),
        ({"stage": "bloc1"}, r"named 'bloc1'.*did you mean 'block1'"),
        ({"position": (4, 0)}, r"position=\(4, 0\) does not work: .* rows 0 to 3 and the columns"),
        ({"position": (0, -1)}, r"position=\(0, -1\) does not work"),
    ],
)
def test_a_unit_that_does_not_exist_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        tl.show_receptive_field(tiny.network(), tiny.task().train, **options)


def test_a_sealed_test_is_not_drawn():
    with pytest.raises(SealedError):
        tl.show_receptive_field(tiny.network(), tiny.task().test)
