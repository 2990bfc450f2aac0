"""Channels last where it is faster, and not where it breaks."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from tests.tasks import tiny
from tl_teach.learning.layout import training_layout

CODE = """
import tl_teach as tl
from tests.tasks import tiny
for _ in range(20):
    task = tiny.task()
    tl.fit(tl.replace_head(tiny.network(), task), task, epochs=2, lr=1e-2)
"""


@pytest.mark.parametrize(
    ("layer", "breaks"),
    [
        (nn.Conv2d(4, 6, 1, stride=2), True),
        (nn.Conv2d(4, 6, 1), False),
        (nn.Conv2d(3, 16, 3, stride=2), False),
        (nn.Conv2d(16, 32, 1, stride=2), False),
    ],
)
def test_a_narrow_strided_point_keeps_the_plain_layout(layer, breaks):
    wanted = torch.contiguous_format if breaks else torch.channels_last
    assert training_layout([nn.Linear(2, 2), nn.Sequential(layer)]) is wanted


def test_a_very_narrow_network_learns_to_the_end():
    """On some processors it ended in the middle, with the whole process."""
    assert training_layout(tiny.network().stages.values()) is torch.contiguous_format
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
