import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_teach.learning.losses import LOSSES

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
