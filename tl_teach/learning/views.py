"""Views: a fixed number of augmented versions of every picture, so that they can be kept."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import torch

from ..networks import seeded
from ..tasks import Images, Split
from .feed import Augment, augmented


class Views(Images):
    """Pictures, each augmented a fixed number of times.

    View ``v`` of a picture is drawn from the seed, the picture's number and ``v`` alone, so
    that it is the same whenever it is asked for.

    Parameters
    ----------
    images : Images
        The pictures as they are.
    numbers : numpy.ndarray
        Which of them, shape (N,).
    augment : callable
        Changes a uint8 picture of shape (C, H, W) at random.
    count : int
        Views of each picture.
    seed : int
        Fixes the views.
    """

    def __init__(
        self, images: Images, numbers: np.ndarray, augment: Augment, count: int, seed: int
    ):
        self._images, self._numbers, self._augment = images, numbers, augment
        self._count, self._seed = count, seed

    def __len__(self) -> int:
        return len(self._numbers) * self._count

    def pixels(self, index: int) -> torch.Tensor:
        """View ``index % count`` of picture ``index // count``."""
        item, view = divmod(index, self._count)
        number = int(self._numbers[item])
        drawn = np.random.SeedSequence([self._seed, number, view]).generate_state(1)[0]
        with seeded(int(drawn)):
            return augmented(self._augment, self._images.pixels(number))

    def digest(self, index: int) -> bytes:
        """SHA-256 of the view's pixels."""
        pixels = self.pixels(index)
        digest = hashlib.sha256(repr(tuple(pixels.shape)).encode())
        digest.update(pixels.contiguous().numpy().tobytes())
        return digest.digest()


def with_views(split: Split, augment: Augment, count: int, seed: int) -> Split:
    """Give a split in which every picture stands `count` times, each time augmented.

    Parameters
    ----------
    split : Split
        With labels.
    augment : callable
        See `Views`.
    count, seed : int
        See `Views`.

    Returns
    -------
    Split
        ``count * len(split)`` items; those of picture ``i`` begin at ``i * count``.
    """
    images = Views(split.images, split.indices, augment, count, seed)
    return replace(
        split,
        images=images,
        indices=np.arange(len(images)),
        labels=split.targets.repeat_interleave(count, dim=0),
    )
