"""Breast tumours seen by ultrasound: BreastMNIST."""

from __future__ import annotations

import numpy as np

from .. import assets
from .images import ArrayImages
from .near import near_duplicate_groups
from .preprocess import Preprocess
from .split import TaskInfo
from .task import Collection

# Far below the usual one, pairs of these pictures are still the same scan (seen by eye).
_SIMILARITY = 0.95


def breast_tumours() -> Collection:
    """Tell malignant tumours in ultrasound pictures of the breast from all else (BreastMNIST).

    Class 0 is malignant, as it was published: not the usual order, in which the finding is 1.

    Returns
    -------
    Collection
        780 grey pictures of 28 x 28 pixels, of 600 patients; the published splits are put
        together and divided anew.

    Notes
    -----
    Many pictures are near duplicates of another one, across the published splits too and
    sometimes with another label. Near duplicates form a group, which stays on one side of every
    division. The patients are not named, so that other pictures of one patient may straddle.

    References
    ----------
    Yang, Shi, Wei, Liu, Zhao, Ke, Pfister, Ni (2023), "MedMNIST v2",
    https://doi.org/10.1038/s41597-022-01721-8

    Al-Dhabyani, Gomaa, Khaled, Fahmy (2020), "Dataset of breast ultrasound images",
    https://doi.org/10.1016/j.dib.2019.104863

    Pawłowska, Karwat, Żołek (2023), "Letter to the Editor", on duplicates and labels there,
    https://doi.org/10.1016/j.dib.2023.109247
    """
    with np.load(assets.path("breastmnist"), allow_pickle=False) as file:
        parts = ("train", "val", "test")
        pictures = np.concatenate([file[f"{part}_images"] for part in parts])
        labels = np.concatenate([file[f"{part}_labels"] for part in parts]).ravel()
    info = TaskInfo(
        name="breast-tumours",
        kind="classification",
        classes=("malignant", "normal or benign"),
        positive="malignant",
        citation=(
            "Yang, Shi, Wei, Liu, Zhao, Ke, Pfister, Ni (2023), "
            "https://doi.org/10.1038/s41597-022-01721-8; pictures by Al-Dhabyani, Gomaa, Khaled, "
            "Fahmy (2020), https://doi.org/10.1016/j.dib.2019.104863"
        ),
        licence="CC BY 4.0",
        caution=(
            "Near duplicates are kept on one side, but patients are not named: other pictures of "
            "one patient may stand in several parts. 28 pixels a side show less than a physician "
            "needs; nothing here is fit for use on people."
        ),
    )
    images = ArrayImages(pictures)
    groups = near_duplicate_groups(images, similarity=_SIMILARITY)
    preprocess = Preprocess(size=28, channels=1, mean=(0.5,), std=(0.5,))
    return Collection(info, images, labels.astype(np.int64), preprocess, 0.2, groups)
