"""What a network expects of a picture: size, channels, and the statistics of its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch

from ..wording import is_number, unknown

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
LARGEST = 4096  # pixels a side: a larger picture is a slip, or a file that lies
_INTERPOLATIONS = ("bilinear", "bicubic", "nearest", "nearest-exact")


@dataclass(frozen=True)
class Preprocess:
    """Turn a picture into the float tensor that a network was trained on.

    The shorter side is resized, the central square is cut out, pixel values become 0..1, and
    each channel is normalised. A network that is fed other statistics than it was trained on
    loses accuracy without any error message, so the statistics travel with the network.

    Parameters
    ----------
    size : int
        Height and width of the result, in pixels: 4096 at most.
    channels : int
        1 for grey, 3 for colour. A grey picture is repeated for a network that expects colour.
    mean, std : tuple of float
        One value a channel, subtracted and divided after scaling to 0..1; no `std` is 0.
    resize : int, optional
        Length of the shorter side before the central square is cut out; `size` by default,
        so that the whole square picture is kept. Not less than `size`.
    interpolation : str
        How pixels in between are found when resizing: ``"bilinear"``, ``"bicubic"``,
        ``"nearest"`` or ``"nearest-exact"``.

    Raises
    ------
    ValueError
        If one of them makes no sense.

    Examples
    --------
    >>> import torch
    >>> grey28 = Preprocess(size=28, channels=1, mean=(0.0,), std=(1.0,))
    >>> picture = torch.full((1, 56, 56), 255, dtype=torch.uint8)
    >>> grey28(picture).shape
    torch.Size([1, 28, 28])
    """

    size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: int | None = None
    interpolation: str = "bilinear"

    dtype: ClassVar[torch.dtype] = torch.float32

    def __post_init__(self) -> None:
        if not _is_side(self.size, 1):
            raise ValueError(
                f"size={self.size!r} does not work: expected a whole number from 1 to {LARGEST}."
            )
        if self.resize is not None and not _is_side(self.resize, self.size):
            raise ValueError(
                f"resize={self.resize!r} does not work: expected a whole number from "
                f"size={self.size} to {LARGEST}, or None; a smaller picture would have a border."
            )
        if not _is_whole(self.channels) or self.channels not in (1, 3):
            raise ValueError(
                f"channels={self.channels!r} does not work: expected 1 (grey) or 3 (colour)."
            )
        _require_statistics("mean", self.mean, self.channels)
        _require_statistics("std", self.std, self.channels)
        if 0 in self.std:
            raise ValueError(
                f"std={self.std!r} does not work: values are divided by it; give no 0."
            )
        if self.interpolation not in _INTERPOLATIONS:
            raise ValueError(unknown("interpolation", self.interpolation, _INTERPOLATIONS))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one preprocessed picture: channels, height, width."""
        return (self.channels, self.size, self.size)

    def __call__(self, image: Any) -> torch.Tensor:
        """Preprocess one picture, or a stack of pictures of one size.

        Parameters
        ----------
        image : torch.Tensor, numpy.ndarray or PIL.Image.Image
            A tensor of shape (..., C, H, W), an array of shape (H, W) or (H, W, C), or a PIL
            image; values are 0..255 as uint8.

        Returns
        -------
        torch.Tensor
            Float tensor of shape (..., channels, size, size).

        Raises
        ------
        TypeError
            If the pixel values are not uint8.
        ValueError
            If the picture has not 1 or 3 channels.
        """
        pixels = as_pixels(image)
        square = (self.size, self.size)
        if pixels.shape[-2:] != square or self.resize not in (None, self.size):
            pixels = self._central_square(pixels)
        if pixels.shape[-3] == 3 and self.channels == 1:
            from torchvision.transforms.v2 import functional as F

            pixels = F.rgb_to_grayscale(pixels)
        scaled = pixels.to(torch.float32).div_(255.0)
        if scaled.shape[-3] == 1 and self.channels == 3:
            scaled = scaled.expand(*scaled.shape[:-3], 3, -1, -1)
        mean = torch.tensor(self.mean).view(-1, 1, 1)
        std = torch.tensor(self.std).view(-1, 1, 1)
        return (scaled - mean).div_(std)

    def _central_square(self, pixels: torch.Tensor) -> torch.Tensor:
        # Imported here, since importing torchvision takes as long as importing PyTorch.
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms.v2 import functional as F

        shorter = self.resize or self.size
        if min(pixels.shape[-2:]) != shorter:
            mode = InterpolationMode(self.interpolation)
            pixels = F.resize(pixels, [shorter], interpolation=mode, antialias=True)
        return F.center_crop(pixels, [self.size, self.size])


def _is_whole(given: Any) -> bool:
    return isinstance(given, Integral) and not isinstance(given, bool)


def _is_side(given: Any, least: int) -> bool:
    return _is_whole(given) and least <= given <= LARGEST


def _require_statistics(name: str, given: Any, channels: int) -> None:
    numbers = given if isinstance(given, Sequence) and not isinstance(given, str) else [None]
    if len(numbers) != channels or not all(is_number(one) and isfinite(one) for one in numbers):
        example = (0.5,) * channels
        raise ValueError(
            f"{name}={given!r} does not work: expected a finite number for each channel, such as "
            f"{example}."
        )


def as_pixels(image: Any) -> torch.Tensor:
    """Give a picture as a uint8 tensor of shape (..., C, H, W) with 1 or 3 channels.

    Parameters
    ----------
    image : torch.Tensor, numpy.ndarray or PIL.Image.Image
        See `Preprocess`.

    Returns
    -------
    torch.Tensor
        The same pixels; the memory is shared where it can be.

    Raises
    ------
    TypeError
        If the pixel values are not uint8.
    ValueError
        If the picture has not 1 or 3 channels.

    Examples
    --------
    >>> import numpy as np
    >>> as_pixels(np.zeros((8, 9), dtype=np.uint8)).shape
    torch.Size([1, 8, 9])
    """
    if isinstance(image, str | PathLike):
        raise TypeError(
            f"{str(image)!r} is the name of a picture, not a picture; open it first: "
            "PIL.Image.open(name)."
        )
    if not isinstance(image, torch.Tensor):
        array = np.array(eight_bits(image))
        _require_uint8(array.dtype == np.uint8, array.dtype)
        image = torch.from_numpy(array[..., None] if array.ndim == 2 else array).movedim(-1, -3)
    _require_uint8(image.dtype == torch.uint8, image.dtype)
    if image.ndim < 3 or image.shape[-3] not in (1, 3):
        raise ValueError(
            f"A picture must have 1 channel (grey) or 3 (colour), but as a tensor of shape "
            f"(..., C, H, W) this one has the shape {tuple(image.shape)}; drop a channel of "
            "transparency, and give arrays as (H, W) or (H, W, C)."
        )
    return image


def eight_bits(image: Any) -> Any:
    """Resolve a PIL image's palette, transparency, inks or 16 bits.

    Parameters
    ----------
    image : PIL.Image.Image or object
        Anything but a PIL image is given back as it is.

    Returns
    -------
    PIL.Image.Image, numpy.ndarray or object
        In grey or in colour, with 8 bits.
    """
    if not hasattr(image, "convert"):
        return image
    from PIL import Image

    if image.mode.startswith("I;16"):
        return (np.array(image) >> 8).astype(np.uint8)
    if image.mode in ("I", "F"):  # the range of its values is anyone's guess
        return image
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        # On white, as it is shown; which colour hides where nothing shows is anyone's guess.
        opaque = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(opaque, image.convert("RGBA")).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _require_uint8(holds: bool, given: object) -> None:
    if not holds:
        raise TypeError(
            f"A picture must hold uint8 values from 0 to 255, but this one holds {given}; "
            "convert it first, or hand an already preprocessed tensor to the network itself."
        )
