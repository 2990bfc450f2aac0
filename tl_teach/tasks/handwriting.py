"""Handwritten digits: 5,000 pictures of MNIST."""

from __future__ import annotations

import gzip

import numpy as np

from .. import assets
from .images import ArrayImages
from .printed import DIGITS, GREY28
from .split import TaskInfo
from .task import Collection

CITATION = "LeCun, Bottou, Bengio, Haffner (1998), https://doi.org/10.1109/5.726791"
LICENCE = "CC BY-SA 3.0"
WRITERS = (
    "One writer's digits may stand in several parts, since the file does not say who wrote which: "
    "expect scores a little better than on new writers."
)


def handwriting() -> Collection:
    """The ten handwritten digits, 500 pictures each; the small world's target task.

    Returns
    -------
    Collection
        5,000 grey pictures of 28 x 28 pixels, a subset of MNIST.

    Notes
    -----
    The file does not say who wrote which digit, so one writer's digits may stand in several
    splits: expect a score that is a little better than on new writers.
    """
    pictures, labels = mnist()
    info = TaskInfo(
        name="handwriting",
        kind="classification",
        classes=tuple(DIGITS),
        positive=None,
        citation=CITATION,
        licence=LICENCE,
        caution=f"{WRITERS} A network that has seen MNIST, or printed digits, knows these classes.",
    )
    return Collection(info, ArrayImages(pictures), labels, GREY28, 0.2)


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """Read the pictures and what they show.

    Returns
    -------
    pictures : numpy.ndarray
        uint8 values of shape (5000, 28, 28), white on black.
    labels : numpy.ndarray
        The digit in each, 0..9.
    """
    with gzip.open(assets.path("mnist-5k"), "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    return table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int64)
