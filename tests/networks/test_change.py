import copy

import numpy as np
import pytest
import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.networks import stage_change


def flat(tensors):
    return np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors])


def test_the_change_is_the_distance_relative_to_the_length_before():
    before, after = tiny.network(seed=0), tiny.network(seed=1)
    after.stages["block1"].bn1.running_mean += 1
    change = stage_change(before, after)
    for name in before.stages:
        old, new = before.stages[name], after.stages[name]
        a, b = flat(old.parameters()), flat(new.parameters())
        expected = np.linalg.norm(b - a) / np.linalg.norm(a)
        assert change[name].parameters == pytest.approx(expected)
    # Means of 0 and variances of 1, of which one mean in four becomes 1.
    assert change["block1"].buffers == pytest.approx(np.sqrt(4) / np.sqrt(8))


def test_frozen_stages_have_moved_by_exactly_0_after_training():
    net = tl.freeze(tiny.network(), through="block1")
    before = copy.deepcopy(net)
    tl.fit(net, tiny.task(), epochs=2, lr=1e-2)
    change = stage_change(before, net)
    assert change["stem"] == change["block1"] == (0.0, 0.0, False)
    assert change["block2"].parameters > 0 and change["block2"].buffers > 0


def test_buffers_that_move_while_parameters_stand_still_are_seen():
    before, after = tiny.network(), tiny.network()
    after.stages["stem"].train()
    after.stages["stem"](torch.randn(5, 1, 8, 8))
    change = stage_change(before, after)["stem"]
    assert change.parameters == 0 and change.buffers > 0


def test_a_count_of_batches_is_no_distance():
    before, after = tiny.network(), tiny.network()
    after.stages["stem"].bn.num_batches_tracked += 1000
    assert stage_change(before, after)["stem"].buffers == 0


@pytest.mark.parametrize("outputs", [3, 5])
def test_a_replaced_head_is_new_even_where_its_shape_is_the_old_one(outputs):
    before = tiny.network(outputs=3)
    assert stage_change(before, tl.replace_head(before, outputs))["head"] == (None, None, True)


def test_a_new_head_that_learns_has_moved():
    before = tl.replace_head(tiny.network(), 3)
    after = copy.deepcopy(before)
    tl.fit(after, tiny.task(), epochs=1, lr=1e-2)
    assert stage_change(before, after)["head"].parameters > 0


def test_a_stage_of_zeros_that_moved_has_moved_without_end():
    before, after = tiny.network(), tiny.network()
    for parameter in before.head.parameters():
        torch.nn.init.zeros_(parameter)
    assert stage_change(before, after)["head"].parameters == np.inf
    assert stage_change(before, copy.deepcopy(before))["head"].parameters == 0


def test_a_stage_without_buffers_has_none_that_moved():
    assert stage_change(tiny.network(), tiny.network())["head"] == (0.0, None, False)


def test_other_architectures_are_refused():
    with pytest.raises(ValueError, match=r"not rows of the same stages.*one architecture"):
        stage_change(tiny.network(), tl.load_network("letters-resnet"))
    with pytest.raises(TypeError, match="Expected a network with named stages, but got Linear"):
        stage_change(torch.nn.Linear(1, 1), tiny.network())
