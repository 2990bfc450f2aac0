"""Solar cells seen by electroluminescence: sound ones and defective ones."""

from __future__ import annotations

import zipfile

import numpy as np

from .. import assets
from .images import ZippedImages
from .preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from .split import TaskInfo
from .task import Collection

_FOLDER = "elpv_dataset/data/"


def solar_cells() -> Collection:
    """Tell sound solar cells from defective ones (ELPV).

    An expert judged each cell and said how sure they were. Cells judged surely sound (0) or
    surely defective (1) are kept; the in-between ones are left out, which makes the task easier
    than inspection is.

    Returns
    -------
    Collection
        2,223 grey pictures of 300 x 300 pixels.

    Notes
    -----
    Cells of one module may stand in several splits, since the files name no module: expect
    a score that is a little better than on new modules.
    """
    archive = assets.path("elpv-dataset")
    with zipfile.ZipFile(archive) as file:
        rows = [line.split() for line in file.read(_FOLDER + "labels.csv").decode().splitlines()]
    certain = [(name, float(defect)) for name, defect, _ in rows if float(defect) in (0.0, 1.0)]
    info = TaskInfo(
        name="solar-cells",
        kind="classification",
        classes=("sound", "defective"),
        positive="defective",
        citation=(
            "Buerhop-Lutz, Deitsch, Maier, Gallwitz, Berger, Doll, Hauch, Camus, Brabec (2018), "
            "https://doi.org/10.4229/35thEUPVSEC20182018-5CV.3.15"
        ),
        licence="CC BY-NC-SA 4.0",
    )
    return Collection(
        info,
        ZippedImages(archive, [_FOLDER + name for name, _ in certain]),
        np.array([int(defect) for _, defect in certain], dtype=np.int64),
        Preprocess(size=160, channels=3, mean=IMAGENET_MEAN, std=IMAGENET_STD),
        held_out=0.25,
    )
