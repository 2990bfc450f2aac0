"""The physical limit: what these cores can do when nothing is in the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

NAME = "a large matrix product"
FUNCTION = "benchmarks.limit:matrix_product"


def matrix_product() -> dict[str, float]:
    """Multiply two large float32 matrices."""
    import torch

    side = 2048
    left, right = torch.randn(side, side), torch.randn(side, side)
    left @ right
    started = time.perf_counter()
    for _ in range(10):
        left @ right
    return {"macs_per_second": 10 * side**3 / (time.perf_counter() - started)}


def multiply_adds(layers: Any, run: Callable[[], object]) -> list[int]:
    """Count the multiply-adds of each convolution and linear layer, in the order of their calls.

    Parameters
    ----------
    layers : torch.nn.Module
        Holds the layers that count.
    run : callable
        Passes something through them.
    """
    from torch import nn

    counts = []

    def count(layer: Any, given: Any, output: Any) -> None:
        counts.append(output.numel() * layer.weight[0].numel())

    hooks = [
        module.register_forward_hook(count)
        for module in layers.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return counts
