import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tl_teach as tl
from tl_teach.learning.losses import LOSSES, choose_loss

SEEDS = st.integers(0, 2**31)


def draw(seed, outputs):
    rng = np.random.default_rng(seed)
    count = rng.integers(1, 12)
    return rng, rng.normal(0, 3, (count, outputs)), count


def given_by(kind, outputs, targets):
    return float(LOSSES[kind](torch.tensor(outputs), torch.tensor(targets)))


@settings(deadline=None)
@given(SEEDS)
def test_classification_takes_the_mean_negative_log_of_the_true_class(seed):
    rng, outputs, count = draw(seed, 5)
    targets = rng.integers(0, 5, count)
    softmax = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    expected = -np.log(softmax[np.arange(count), targets]).mean()
    assert given_by("classification", outputs, targets) == pytest.approx(expected, rel=1e-6)


@settings(deadline=None)
@given(SEEDS)
def test_several_labels_take_the_mean_negative_log_of_each_yes_or_no(seed):
    rng, outputs, count = draw(seed, 4)
    targets = rng.integers(0, 2, (count, 4))
    chance = 1 / (1 + np.exp(-outputs))
    expected = -np.mean(targets * np.log(chance) + (1 - targets) * np.log(1 - chance))
    assert given_by("multilabel", outputs, targets) == pytest.approx(expected, rel=1e-5)


@settings(deadline=None)
@given(SEEDS)
def test_regression_takes_the_mean_squared_error(seed):
    rng, outputs, count = draw(seed, 1)
    targets = rng.normal(0, 3, count)
    expected = np.mean((outputs[:, 0] - targets) ** 2)
    assert given_by("regression", outputs, targets) == pytest.approx(expected, rel=1e-5)


def test_a_loss_of_ones_own_compares_each_output_with_its_own_target():
    task = tl.load_task("digit-rotation", labels=4)
    outputs, targets = torch.tensor([[0.0], [2.0], [5.0]]), torch.tensor([1.0, 2.0, 9.0])
    loss = choose_loss(task, torch.nn.functional.l1_loss, None)
    assert float(loss(outputs, targets)) == pytest.approx((1 + 0 + 4) / 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_targets_are_numbers_of_the_outputs_kind(dtype):
    """Not every PyTorch learns from two kinds at once."""
    seen = []

    def note(outputs, targets):
        seen.append(targets.dtype)
        return outputs.sum()

    loss = choose_loss(tl.load_task("digit-rotation", labels=4), note, None)
    loss(torch.zeros(3, 1, dtype=dtype, requires_grad=True), torch.zeros(3))
    assert seen == [dtype]
