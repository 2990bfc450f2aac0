import copy

import pytest
import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.tasks import SealedError

SPLIT = tiny.task().train


def numbers(picture):
    axes = picture.figure.axes[0]
    names = [
        [tick.get_text() for tick in ticks]
        for ticks in (axes.get_yticklabels(), axes.get_xticklabels())
    ]
    cells = {}
    for text in axes.texts:
        column, row = map(int, text.get_position())
        cells[names[0][row], names[1][column]] = text.get_text(), text.get_weight()
    return cells


def test_each_cell_compares_the_features_of_two_stages():
    before, after = tiny.network(seed=0), tiny.network(outputs=5, seed=1)
    cells = numbers(tl.show_cka(before, after, SPLIT))
    assert len(cells) == 16
    for (one, other), (text, weight) in cells.items():
        x = tl.extract_features(before, SPLIT, one).values
        y = tl.extract_features(after, SPLIT, other).values
        assert text == f"{tl.cka(x, y):.2f}" and weight == ("bold" if one == other else "normal")


def test_a_frozen_stage_is_1_and_the_least_alike_is_named():
    after = copy.deepcopy(tl.freeze(tiny.network(), through="block1"))
    with torch.no_grad():
        for parameter in after.stages["block2"].parameters():
            parameter.copy_(
                torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
            )
    alt = tl.show_cka(tiny.network(), after, SPLIT).alt
    assert "on 36 pictures of tiny" in alt and "itself: stem 1.00, block1 1.00, block2 0." in alt
    assert "Least alike: block2." in alt or "Least alike: head." in alt


def test_labels_are_not_needed_and_a_sealed_test_refuses():
    assert tl.show_cka(tiny.network(), tiny.network(), tiny.task().unlabelled)
    with pytest.raises(SealedError):
        tl.show_cka(tiny.network(), tiny.network(), tiny.task().test)
    with pytest.raises(TypeError, match="Expected a network with named stages"):
        tl.show_cka(tiny.network(), 3, SPLIT)


def test_rows_of_other_stages_are_compared_too():
    stages = {"flat": torch.nn.Flatten(), "head": torch.nn.Linear(64, 3)}
    net = tl.Network("flat", stages, tiny.TINY8, ("a", "b", "c"))
    picture = tl.show_cka(net, tiny.network(), SPLIT)
    assert len(numbers(picture)) == 8 and picture.alt.endswith("Least alike: head.")
