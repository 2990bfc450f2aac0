"""The physical limit: what these cores can do when nothing is in the way."""

from __future__ import annotations

import time

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
