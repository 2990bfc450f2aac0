"""Turned digits: the angle by which a handwritten digit has been turned."""

from __future__ import annotations

import numpy as np
import torch

from .handwriting import CITATION, LICENCE, WRITERS, mnist
from .images import ArrayImages
from .printed import GREY28
from .split import TaskInfo
from .task import Collection

LARGEST = 60.0  # degrees; beyond 90 nobody could tell a 6 from a 9


def digit_rotation() -> Collection:
    """Predict the angle by which a handwritten digit was turned; a regression task.

    Each picture of `handwriting` is turned once, by an angle of its own between -60 and 60
    degrees, all equally likely; positive is anticlockwise. The angle belongs to the picture: it
    is the same whenever the task is loaded.

    Returns
    -------
    Collection
        5,000 grey pictures of 28 x 28 pixels.

    Notes
    -----
    Writers slant their digits by some degrees, and a turned 0 looks much like an upright one, so
    no network reaches an R2 of 1.
    """
    pictures, _ = mnist()
    angles = np.random.default_rng(0).uniform(-LARGEST, LARGEST, len(pictures))
    info = TaskInfo(
        name="digit-rotation",
        kind="regression",
        classes=("angle",),
        positive=None,
        citation=CITATION,
        licence=LICENCE,
        range=(-LARGEST, LARGEST),
        unit="degrees",
        caution=WRITERS,
    )
    return Collection(info, ArrayImages(rotated(pictures, angles)), angles, GREY28, 0.2)


def rotated(pictures: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Turn pictures about their centres, with bicubic interpolation and black corners.

    Parameters
    ----------
    pictures : numpy.ndarray
        uint8 values of shape (N, side, side).
    degrees : numpy.ndarray
        The angle of each picture, shape (N,); positive is anticlockwise.

    Returns
    -------
    numpy.ndarray
        uint8 values of the same shape.

    Examples
    --------
    >>> bar = np.zeros((1, 9, 9), dtype=np.uint8)
    >>> bar[0, 4, 4:] = 255  # points to the right
    >>> rotated(bar, np.array([90.0]))[0, :5, 4].tolist()  # points up
    [255, 255, 255, 255, 255]
    """
    angle = torch.from_numpy(np.deg2rad(degrees)).float()
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    # Where each pixel of the result comes from; y points down, so this turns anticlockwise.
    theta = torch.stack(
        [torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], dim=1
    )
    images = torch.from_numpy(pictures)[:, None].float()
    grid = torch.nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    turned = torch.nn.functional.grid_sample(images, grid, mode="bicubic", align_corners=False)
    return turned[:, 0].round().clamp(0, 255).to(torch.uint8).numpy()
