"""Shifts: the same pictures as another camera might have taken them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn import functional as F

from ..wording import require_share, unknown
from .images import Images
from .split import SealedSplit, Split, TaskInfo, require_split
from .target import Target
from .task import Task
from .tokens import require_pictures

Shiftable = TypeVar("Shiftable", Task, Target, Split)


def shift(data: Shiftable, kind: str, strength: float = 0.5) -> Shiftable:
    """Change every picture, as another camera or another light would.

    Parameters
    ----------
    data : Task, Target or Split
        Left as it is.
    kind : str
        ``"blur"`` (Gaussian, at most a 14th of the shorter side), ``"noise"`` (Gaussian, at most
        half the range of values), ``"contrast"`` (pulled towards the picture's mean, a tenth of
        it is left at most), ``"inversion"`` (light becomes dark, in that share of the pictures)
        or ``"background"`` (the distance to a cloudy texture).
    strength : float
        From 0, which changes nothing, to 1.

    Returns
    -------
    Task, Target or Split
        The same items and labels with other pictures; a sealed test is shifted too, and sealed.
        One picture is always changed in the same way.

    Raises
    ------
    TypeError
        If the items are texts.
    ValueError
        If there is no such kind, or the strength is not between 0 and 1.

    References
    ----------
    Hendrycks, Dietterich (2019), "Benchmarking neural network robustness to common corruptions
    and perturbations", https://arxiv.org/abs/1903.12261

    Ganin et al. (2016), "Domain-adversarial training of neural networks", section 5.2.4, for the
    distance to a background, https://arxiv.org/abs/1505.07818

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=2)
    >>> dark = tl.shift(task, "contrast", strength=0.8)
    >>> dark.name, bool(dark.train.pixels(0).max() < task.train.pixels(0).max())
    ('printed-digits, contrast 0.8', True)
    """
    if kind not in SHIFTS:
        raise ValueError(unknown("kind of shift", kind, SHIFTS))
    require_share("strength", strength)
    shifted: dict[int, ShiftedImages] = {}  # the parts of a task share their pictures

    def part(split: Split) -> Split:
        require_pictures(split)
        images = shifted.setdefault(
            id(split.images), ShiftedImages(split.images, kind, float(strength))
        )
        return replace(split, images=images, info=_renamed(split.info, kind, strength))

    if not isinstance(data, Task):
        return part(require_split(data))
    info = _renamed(data.info, kind, strength)
    test, unlabelled = SealedSplit(part(data.test._open_for_exam())), part(data.unlabelled)
    if isinstance(data, Target):
        return Target(info, test, unlabelled, data.report)
    return replace(
        data,
        info=info,
        train=part(data.train),
        validation=part(data.validation),
        test=test,
        unlabelled=unlabelled,
        _divide=data._divide and partial(_divided, data._divide, kind, strength),
    )


class ShiftedImages(Images):
    """Pictures that are changed when they are looked at.

    Parameters
    ----------
    images : Images
        The pictures as they are.
    kind : str
        See `shift`.
    strength : float
        From 0 to 1.
    """

    def __init__(self, images: Images, kind: str, strength: float):
        self._images, self._kind, self._strength = images, kind, strength
        self._digests: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._images)

    def pixels(self, index: int) -> torch.Tensor:
        """Picture `index` as a uint8 tensor of shape (C, H, W)."""
        values = self._images.pixels(index).numpy() / np.float32(255)
        # The picture itself is the seed: the same one in another split is changed alike.
        rng = np.random.default_rng(np.frombuffer(self._images.digest(index), np.uint32))
        changed = SHIFTS[self._kind](values, self._strength, rng)
        return torch.from_numpy((changed.clip(0, 1) * 255).round().astype(np.uint8))

    def digest(self, index: int) -> bytes:
        """SHA-256 of the changed pixels; remembered."""
        if index not in self._digests:
            self._digests[index] = hashlib.sha256(self.pixels(index).numpy().tobytes()).digest()
        return self._digests[index]


def _blur(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    reach = strength * min(picture.shape[1:]) / 14
    return gaussian_filter(picture, (0, reach, reach))


def _noise(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    return picture + strength * rng.normal(0, 0.5, picture.shape)


def _contrast(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    mean = picture.mean()
    return mean + (1 - 0.9 * strength) * (picture - mean)


def _inversion(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    return 1 - picture if rng.random() < strength else picture


def _background(picture: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    coarse = torch.from_numpy(rng.random((1, 1, 6, 6)))
    cloudy = F.interpolate(coarse, picture.shape[1:], mode="bicubic", align_corners=True)
    return np.abs(picture - strength * cloudy[0].clamp(0, 1).numpy())


SHIFTS: dict[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "blur": _blur,
    "noise": _noise,
    "contrast": _contrast,
    "inversion": _inversion,
    "background": _background,
}
"""The kinds of shift: each changes one picture of shape (C, H, W) with values 0..1."""


def _divided(divide: Callable[..., Task], kind: str, strength: float, *budget: Any) -> Task:
    return shift(divide(*budget), kind, strength)


def _renamed(info: TaskInfo, kind: str, strength: float) -> TaskInfo:
    return replace(info, name=f"{info.name}, {kind} {strength:g}")
