import numpy as np
import pytest
import torch

import tl_teach as tl
from tl_teach.learning import ClaimError


@pytest.mark.parametrize(
    ("value", "band"),
    [
        (0.5, {"above": 0.2}),
        (0.5, {"below": 0.7}),
        (0.5, {"above": 0.2, "below": 0.7}),
        ([0.3, 0.5], {"above": 0.2}),
        (np.array([0.3, 0.5]), {"above": 0.2}),
        (torch.tensor(0.5), {"above": 0.2}),
    ],
)
def test_a_claim_that_holds_is_printed_with_its_number(value, band, capsys):
    assert tl.claim("frozen wins", value, **band) is None
    printed = capsys.readouterr().out
    assert printed.startswith("✓ frozen wins: ") and "0.50" in printed and "claimed:" in printed


@pytest.mark.parametrize(
    ("value", "band"),
    [
        (0.1, {"above": 0.2}),
        (0.2, {"above": 0.2}),
        (0.9, {"below": 0.7}),
        (0.7, {"below": 0.7}),
        ([0.3, 0.1], {"above": 0.2}),
        (float("nan"), {"above": 0.2}),
        (float("nan"), {"below": 0.2}),
        ([0.3, float("nan")], {"above": 0.2}),
        ([], {"above": 0.2}),
        (np.array([]), {"below": 0.2}),
    ],
)
def test_a_claim_that_fails_says_what_was_measured(value, band, capsys):
    with pytest.raises(ClaimError, match=r"✗ frozen wins: .*claimed: (above|below)"):
        tl.claim("frozen wins", value, **band)
    assert capsys.readouterr().out == ""


def test_a_failed_claim_is_an_assertion():
    assert issubclass(ClaimError, AssertionError)


def test_a_claim_without_a_band_is_refused():
    with pytest.raises(ValueError, match="'frozen wins' needs a band"):
        tl.claim("frozen wins", 0.5)
