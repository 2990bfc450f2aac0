import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

import tl_teach as tl
from tests.learning.scored import scored
from tests.tasks import tiny
from tl_teach.learning.calibration import calibration, confidences


def binary(confidence, right):
    """Answers of a given confidence, at least 1/2, each right or wrong."""
    confidence = torch.tensor(confidence, dtype=torch.float64)
    outputs = torch.stack([torch.logit(confidence), torch.zeros(len(confidence))], dim=1)
    return scored(outputs, (~torch.tensor(right)).long(), classes=("yes", "no"))


def test_by_hand():
    result = calibration(binary([0.95, 0.95, 0.85, 0.65], [True, False, True, True]), bins=10)
    assert result.counts.tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 1, 2]
    assert result.accuracy[[6, 8, 9]].tolist() == [1, 1, 0.5]
    assert result.confidence[[6, 8, 9]] == pytest.approx([0.65, 0.85, 0.95])
    assert np.isnan(result.accuracy[0]) and np.isnan(result.confidence[0])
    assert result.error == pytest.approx((0.35 + 0.15 + 2 * 0.45) / 4)


answers = st.lists(st.tuples(st.floats(0.5001, 0.9999), st.booleans()), min_size=1, max_size=60)


@given(answers, st.integers(1, 20))
@settings(max_examples=50, deadline=None)
def test_bins_are_those_of_scikit_learn(answers, bins):
    confidence, right = map(list, zip(*answers, strict=True))
    answers = binary(confidence, right)
    result = calibration(answers, bins)
    sure = confidences(answers).numpy()
    accuracy, mean = calibration_curve(right, sure, n_bins=bins, strategy="uniform")
    used = result.counts > 0
    assert result.accuracy[used] == pytest.approx(accuracy)
    assert result.confidence[used] == pytest.approx(mean)
    expected = (result.counts[used] * abs(accuracy - mean)).sum() / len(right)
    assert result.error == pytest.approx(expected) and 0 <= result.error <= 1
    assert result.counts.sum() == len(right)


def test_a_network_that_is_always_sure_and_right_has_no_error():
    result = calibration(scored(torch.eye(3) * 1000, torch.arange(3)))
    assert result.error == 0 and result.counts.tolist() == [0] * 9 + [3]


def test_each_label_of_several_is_an_answer():
    outputs = torch.tensor([[2.0, -2.0], [0.5, -3.0]])
    several = scored(outputs, [[1, 1], [1, 0]], kind="multilabel", classes="ab")
    result = calibration(several, bins=2)
    assert result.counts.tolist() == [0, 4] and result.accuracy[1] == 0.75
    assert result.confidence[1] == pytest.approx(torch.tensor([2, 2, 0.5, 3]).sigmoid().mean())


def test_what_has_no_confidence_is_refused():
    task = tiny.regression_task()
    with pytest.raises(ValueError, match=r"'tiny-regression' is a regression.*needs classes"):
        calibration(tl.baseline(task))
    with pytest.raises(TypeError, match=r"but got float; give tl\.evaluate"):
        calibration(0.9)
    with pytest.raises(ValueError, match="bins=0 does not work"):
        calibration(binary([0.9], [True]), bins=0)
