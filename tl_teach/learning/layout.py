"""How feature maps lie in memory while a network learns."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

_VECTOR = 8  # numbers that AVX2 takes at a time


def training_layout(modules: Iterable[nn.Module]) -> torch.memory_format:
    """Give the faster layout, channels last, unless a layer is known to break in it.

    With PyTorch 2.14.1 the backward pass of a strided convolution of 1 x 1 wrote beyond its memory
    where its input has fewer channels than a vector holds, and the process ended with "corrupted
    size vs. prev_size"; seen on a processor with AVX2 and without AVX-512, and not with oneDNN held
    to AVX. Only very narrow networks have such layers.

    Parameters
    ----------
    modules : iterable of torch.nn.Module
        What learns.

    Returns
    -------
    torch.memory_format
        ``torch.channels_last`` or ``torch.contiguous_format``.
    """
    layers = (layer for module in modules for layer in module.modules())
    breaks = any(
        isinstance(layer, nn.Conv2d)
        and layer.kernel_size == (1, 1)
        and max(layer.stride) > 1
        and layer.in_channels < _VECTOR
        for layer in layers
    )
    return torch.contiguous_format if breaks else torch.channels_last
