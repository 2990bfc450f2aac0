"""Random numbers that flow from one seed and leave the caller's alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..wording import require_count


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw torch's random numbers from `seed` inside the block, and restore them after it.

    Parameters
    ----------
    seed : int
        A whole number, at least 0.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    >>> with seeded(0):
    ...     a = torch.rand(1)
    >>> with seeded(0):
    ...     b = torch.rand(1)
    >>> bool(a == b)
    True
    """
    require_count("seed", seed, least=0)
    apple = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        with torch.random.fork_rng():  # the processor's numbers, and those of NVIDIA's graphics
            torch.manual_seed(int(seed))
            yield
    finally:
        if apple is not None:
            torch.mps.set_rng_state(apple)
