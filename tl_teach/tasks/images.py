"""Where a split's pictures live: in memory, or as files inside an archive."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from abc import ABC, abstractmethod
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from .preprocess import as_pixels


class Images(ABC):
    """A numbered collection of pictures, or of texts in their place.

    It is asked by one thread at a time, but not always by the same.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def pixels(self, index: int) -> torch.Tensor:
        """Picture `index` as a uint8 tensor of shape (C, H, W)."""

    @abstractmethod
    def digest(self, index: int) -> bytes:
        """SHA-256 of what picture `index` holds: equal pictures have equal digests."""

    def text(self, index: int) -> str:
        """Text `index`, where the items are texts."""
        raise TypeError(f"Item {index} is a picture, not a text; look at it with pixels({index}).")


class ArrayImages(Images):
    """Pictures held in memory as one array.

    Parameters
    ----------
    array : numpy.ndarray
        uint8 values of shape (N, H, W) for grey or (N, H, W, 3) for colour pictures.
    """

    def __init__(self, array: np.ndarray):
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def pixels(self, index: int) -> torch.Tensor:
        """Picture `index` as a uint8 tensor of shape (C, H, W)."""
        return as_pixels(self._array[index])

    def digest(self, index: int) -> bytes:
        """SHA-256 of the pixels."""
        return hashlib.sha256(np.ascontiguousarray(self._array[index]).tobytes()).digest()


class ZippedImages(Images):
    """Pictures that stay compressed inside a zip archive until they are looked at.

    Parameters
    ----------
    archive : pathlib.Path
        The zip file (a Python wheel is one).
    members : list of str
        Path of each picture inside the archive.
    """

    def __init__(self, archive: Path, members: list[str]):
        self._archive = archive
        self._members = members
        self._digests: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._members)

    def _read(self, index: int) -> bytes:
        return _open_zip(self._archive, os.getpid()).read(self._members[index])

    def pixels(self, index: int) -> torch.Tensor:
        """Picture `index` as a uint8 tensor of shape (C, H, W)."""
        from PIL import Image

        return as_pixels(Image.open(io.BytesIO(self._read(index))))

    def digest(self, index: int) -> bytes:
        """SHA-256 of the file's bytes; remembered, since an open archive does not change."""
        if index not in self._digests:
            self._digests[index] = hashlib.sha256(self._read(index)).digest()
        return self._digests[index]


@lru_cache(maxsize=4)
def _open_zip(archive: Path, process: int) -> zipfile.ZipFile:
    # Reading the directory of a large archive costs more than reading a picture out of it.
    # One handle a process: a DataLoader's workers would share a file position otherwise.
    return zipfile.ZipFile(archive)
