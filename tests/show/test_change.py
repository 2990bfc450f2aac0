import copy

import pytest

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.networks import stage_change
from tl_teach.show.change import percent


@pytest.fixture(scope="module")
def trained():
    before = tiny.network()
    after = tl.freeze(tl.replace_head(before, 3), through="block1")
    tl.fit(after, tiny.task(), epochs=2, lr=1e-2)
    return before, after


def test_the_words_say_what_moved_and_what_stood_still(trained):
    alt = tl.show_change(*trained).alt
    parameters, buffers = alt.split(" Buffers ")
    assert "Parameters: block2 by " in parameters and "(BatchNorm's statistics): block2" in buffers
    assert alt.count("stem, block1 by exactly 0 (frozen)") == 2
    assert "new: head" in parameters and "head" not in buffers


def test_a_bar_is_as_high_as_the_change_and_a_frozen_stage_has_none(trained):
    change = stage_change(*trained)
    for axes, kind in zip(tl.show_change(*trained).figure.axes, (0, 1), strict=True):
        heights = {round(bar.get_x() + 0.31): bar.get_height() for bar in axes.patches}
        assert heights == {0: 0, 1: 0, 2: pytest.approx(100 * change["block2"][kind])}
        texts = [text.get_text() for text in axes.texts]
        assert texts == ["0", "0", percent(change["block2"][kind]), "new"]


def test_a_frozen_stage_whose_buffers_moved_is_named():
    before = tl.freeze(tiny.network())
    after = copy.deepcopy(before)
    after.stages["stem"].bn.running_var *= 2
    alt = tl.show_change(before, after).alt
    assert "Parameters: head by exactly 0; stem, block1, block2 by exactly 0 (frozen)." in alt
    assert "frozen and yet moved: stem by 100 %; block1, block2 by exactly 0 (frozen)." in alt


@pytest.mark.parametrize("share", [1e-9, 0.0004, 0.0996, 0.5, 12.3])
def test_what_has_moved_never_reads_as_0(share):
    text = percent(share)
    assert text != "0" and float(text.split()[0]) == pytest.approx(100 * share, rel=0.06)
