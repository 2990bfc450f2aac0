"""The small world's network: a real residual network that trains in seconds."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from ..tasks.printed import GREY28, LETTERS
from .heads import pooled_head
from .network import Network

SHIPPED = "letters-resnet"
"""The network whose weights come with the library."""


class ResidualBlock(nn.Module):
    """Two convolutions whose result is *added* to what came in.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels that come in and go out.
    stride : int
        2 halves height and width.

    References
    ----------
    He, Zhang, Ren, Sun (2016), "Deep residual learning for image recognition",
    https://arxiv.org/abs/1512.03385
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, channels_in, H, W) to (N, channels_out, H / stride, W / stride).

        Parameters
        ----------
        x : torch.Tensor
            Feature maps.
        """
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def letters_resnet() -> Network:
    """Build ``letters-resnet`` with random weights.

    Returns
    -------
    Network
        About 80,000 parameters; grey pictures of 28 x 28 pixels to 37 letters.
    """
    stem = nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(1, 16, 3, padding=1, bias=False), bn=nn.BatchNorm2d(16), relu=nn.ReLU()
        )
    )
    stages = {
        "stem": stem,
        "block1": ResidualBlock(16, 16),
        "block2": ResidualBlock(16, 32, stride=2),
        "block3": ResidualBlock(32, 64, stride=2),
        "head": pooled_head(64, len(LETTERS)),
    }
    return Network("letters-resnet", stages, GREY28, tuple(LETTERS))
