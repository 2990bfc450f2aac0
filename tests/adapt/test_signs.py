import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as reference

from tl_teach.adapt import Signs, agreement, class_shares, entropy

logits = st.lists(st.lists(st.floats(-30, 30), min_size=3, max_size=3), min_size=1, max_size=6).map(
    lambda rows: torch.tensor(rows, dtype=torch.float64)
)


@given(logits)
def test_entropy_is_that_of_the_softmax(outputs):
    expected = reference(outputs.softmax(1).numpy(), axis=1)
    assert np.allclose(entropy(outputs), expected, atol=1e-9)


def test_entropy_of_certain_predictions_is_zero_and_not_nan():
    assert entropy(torch.tensor([[1e4, 0.0, -1e4]])).tolist() == [0]


@given(logits)
def test_shares_sum_to_one_and_count_the_predictions(outputs):
    shares = class_shares(outputs)
    assert sum(shares) == pytest.approx(1)
    expected = np.bincount(outputs.numpy().argmax(1), minlength=3) / len(outputs)
    assert shares == pytest.approx(expected.tolist())


@given(logits)
def test_a_network_agrees_with_itself(outputs):
    assert agreement(outputs, outputs * 2) == 1


def test_agreement_counts_equal_choices():
    first = torch.eye(4)
    assert agreement(first, first.roll(1, 0)) == 0
    assert agreement(first, first[[0, 1, 3, 2]]) == 0.5


def test_signs_read_as_a_table():
    signs = Signs(["before", "dann"], [0.5, 0.25], [[1.0], [1.0]], [1.0, 0.75])
    assert repr(signs).splitlines() == [
        "        entropy  agreement",
        "before    0.500      1.000",
        "dann      0.250      0.750",
    ]
