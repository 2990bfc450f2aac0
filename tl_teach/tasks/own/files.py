"""Pictures that stay files in a folder until they are looked at."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from ..images import Images
from ..preprocess import as_pixels

# Formats that Pillow decodes itself; for some others it would start other programs.
_FORMATS = {"BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"}
_MOST_PIXELS = 100_000_000  # a small file may claim to hold more than the memory does


class Unusable(Exception):
    """A file that cannot be used as a picture; the message says why in a few words."""


@dataclass(frozen=True)
class CheckedFile:
    """A picture that was decoded once.

    Attributes
    ----------
    path : pathlib.Path
        Where it is.
    digest : bytes
        SHA-256 of its pixels.
    """

    path: Path
    digest: bytes


class FileImages(Images):
    """Pictures that are decoded from their files whenever they are looked at.

    Parameters
    ----------
    files : list of CheckedFile
        The pictures in order, as `check_files` found them.
    """

    def __init__(self, files: list[CheckedFile]):
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def pixels(self, index: int) -> torch.Tensor:
        """Picture `index` as a uint8 tensor of shape (C, H, W).

        Raises
        ------
        OSError
            If the file is no longer what it was when the task was loaded.
        """
        file = self._files[index]
        try:
            pixels = read_picture(file.path)
        except Unusable as error:
            raise OSError(
                f"{file.path} could be read when its task was loaded, but no longer ({error}); "
                "put it back, or load the task again."
            ) from error
        if _digest(pixels) != file.digest:
            raise OSError(
                f"{file.path} has changed since its task was loaded; load the task again."
            )
        return pixels

    def digest(self, index: int) -> bytes:
        """SHA-256 of the pixels: a picture that was copied or renamed keeps it."""
        return self._files[index].digest


def check_files(paths: Iterable[Path]) -> list[CheckedFile | Unusable]:
    """Decode every file once, several at a time.

    Parameters
    ----------
    paths : iterable of pathlib.Path
        The files.

    Returns
    -------
    list of CheckedFile or Unusable
        In the order of `paths`. A file that has not changed is decoded once in a process.
    """
    from tqdm import tqdm

    files = list(paths)
    # A few threads: each may hold the pixels of a large photograph.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = pool.map(_check, files)
        return list(
            tqdm(found, "checking pictures", len(files), unit="file", leave=False, delay=0.5)
        )


def read_picture(path: Path) -> torch.Tensor:
    """Decode a file: its first frame, upright, without transparency.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    torch.Tensor
        uint8 tensor of shape (C, H, W) with 1 or 3 channels.

    Raises
    ------
    Unusable
        If it is not a picture, is damaged, or is too large.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.init()  # else Pillow knows only some of the formats
    try:
        with Image.open(path, formats=tuple(_FORMATS & set(Image.OPEN))) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise Unusable("more than 100 megapixels")
            if image.mode in ("I", "F"):
                raise Unusable("neither 8 nor 16 bits deep")
            return as_pixels(ImageOps.exif_transpose(image))
    except Unusable:
        raise
    except UnidentifiedImageError as error:
        raise Unusable("not a picture" if path.stat().st_size else "empty") from error
    except Image.DecompressionBombError as error:
        raise Unusable("more than 100 megapixels") from error
    except Exception as error:  # a damaged file makes decoders fail in every way there is
        unreadable = isinstance(error, OSError) and error.errno is not None
        raise Unusable("unreadable" if unreadable else "damaged or cut off") from error


def _check(path: Path) -> CheckedFile | Unusable:
    try:
        state = path.stat()
        return CheckedFile(path, _digest_of(path, state.st_size, state.st_mtime_ns))
    except Unusable as reason:
        return reason
    except OSError:
        return Unusable("unreadable")


@lru_cache(maxsize=100_000)
def _digest_of(path: Path, size: int, changed: int) -> bytes:
    # Loading a task with another seed asks for the same files; size and time tell others apart.
    return _digest(read_picture(path))


def _digest(pixels: torch.Tensor) -> bytes:
    content = hashlib.sha256(repr(tuple(pixels.shape)).encode())
    content.update(pixels.numpy().tobytes())
    return content.digest()
