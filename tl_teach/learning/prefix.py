"""The frozen prefix: what stands before the freeze boundary, computed once where it may be.

A frozen stage gives the same numbers for the same picture in every epoch. So training asks a
`Feed` for what crosses the boundary, and never runs a frozen stage twice for one picture,
unless the picture itself changes (random augmentation) or there is no room to keep the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import torch

from ..networks import Network
from ..tasks import Split

Augment = Callable[[torch.Tensor], torch.Tensor]

BUDGET = 1 << 30
"""Bytes that the kept numbers of one split may take."""

_CHUNK = 64  # pictures that pass the prefix at a time


class Feed(Protocol):
    """Gives, for chosen items of a split, what crosses the freeze boundary."""

    def __len__(self) -> int: ...

    def __call__(self, items: torch.Tensor) -> torch.Tensor:
        """Numbers that enter the first stage after the boundary, shape (len(items), ...)."""


class KeptFeed:
    """Everything that crosses the boundary, computed once and kept in memory.

    Parameters
    ----------
    values : torch.Tensor
        One row an item of the split.
    """

    def __init__(self, values: torch.Tensor):
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __call__(self, items: torch.Tensor) -> torch.Tensor:
        """Look the items' rows up."""
        return self.values[items]


class LiveFeed:
    """Computes anew, for each batch, what crosses the boundary.

    Parameters
    ----------
    net : Network
        Its frozen stages are run without gradients.
    split : Split
        Where the pictures come from.
    augment : callable, optional
        Changes a batch of uint8 pictures of shape (N, C, H, W) at random.
    """

    def __init__(self, net: Network, split: Split, augment: Augment | None = None):
        self.net, self.split, self.augment = net, split, augment

    def __len__(self) -> int:
        return len(self.split)

    def __call__(self, items: torch.Tensor) -> torch.Tensor:
        """Read, augment and preprocess the pictures, then run the frozen stages."""
        inputs = torch.stack([self._input(int(item)) for item in items])
        return frozen_part(self.net, inputs)

    def _input(self, item: int) -> torch.Tensor:
        pixels = self.split.pixels(item)
        return self.split.preprocess(pixels if self.augment is None else self.augment(pixels))


def feed(net: Network, split: Split, augment: Augment | None = None) -> Feed:
    """Prepare what crosses the freeze boundary for one split.

    Parameters
    ----------
    net : Network
        Its freeze boundary decides what is computed once.
    split : Split
        Preprocessed for `net`.
    augment : callable, optional
        Random changes of the pictures; nothing can be kept then.

    Returns
    -------
    Feed
        A `KeptFeed` where the numbers fit into `BUDGET`, else a `LiveFeed`.
    """
    live = LiveFeed(net, split, augment)
    if augment is not None or len(split) == 0:
        return live
    first = live(torch.arange(1))
    if first.nbytes * len(split) > BUDGET:
        return live
    values = torch.empty(len(split), *first.shape[1:])
    for items in chunks(len(split), _CHUNK):
        values[items] = live(items)
    return KeptFeed(values)


def frozen_part(net: Network, inputs: torch.Tensor) -> torch.Tensor:
    """Run the stages before the freeze boundary, without gradients.

    Parameters
    ----------
    net : Network
        The network.
    inputs : torch.Tensor
        Preprocessed pictures of shape (N, C, H, W).

    Returns
    -------
    torch.Tensor
        What crosses the boundary; the inputs themselves where nothing is frozen.
    """
    if net.frozen_through is None:
        return inputs
    with torch.no_grad():
        return net.run(inputs, through=net.frozen_through)


def chunks(count: int, size: int) -> Iterator[torch.Tensor]:
    """Divide ``range(count)`` into pieces of at most `size`.

    Parameters
    ----------
    count, size : int
        How many, and how many at a time.

    Yields
    ------
    torch.Tensor
        Item numbers.
    """
    yield from torch.arange(count).split(size)
