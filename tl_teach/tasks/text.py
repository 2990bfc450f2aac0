"""Texts as the items of a task."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from .images import Images


class Texts(Images):
    """Texts in the place of pictures; what is stored of each is its UTF-8 bytes.

    Parameters
    ----------
    texts : sequence of str
        In order.
    """

    def __init__(self, texts: Sequence[str]):
        self._texts = list(texts)

    def __len__(self) -> int:
        return len(self._texts)

    def text(self, index: int) -> str:
        """Text `index` as it was written."""
        return self._texts[index]

    def pixels(self, index: int) -> torch.Tensor:
        """Bytes of text `index`, a uint8 tensor of shape (bytes,)."""
        return torch.from_numpy(np.frombuffer(self._texts[index].encode(), np.uint8).copy())

    def digest(self, index: int) -> bytes:
        """SHA-256 of the text."""
        return hashlib.sha256(self._texts[index].encode()).digest()
