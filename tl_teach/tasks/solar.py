"""Solar cells seen by electroluminescence: the defect, and how sure the expert was of it."""

from __future__ import annotations

import zipfile

import numpy as np

from .. import assets
from .images import ZippedImages
from .preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from .split import TaskInfo
from .task import Collection

_FOLDER = "elpv_dataset/data/"
_Row = tuple[str, float, str]  # file name, expert's certainty of a defect, kind of crystal
_CITATION = (
    "Buerhop-Lutz, Deitsch, Maier, Gallwitz, Berger, Doll, Hauch, Camus, Brabec (2018), "
    "https://doi.org/10.4229/35thEUPVSEC20182018-5CV.3.15"
)
_LICENCE = "CC BY-NC-SA 4.0"
_CAUTION = (
    "Cells of one module may stand in several parts, since the files name no module: expect "
    "scores a little better than on new modules."
)


def solar_cells(crystal: str | None = None) -> Collection:
    """Tell sound solar cells from defective ones (ELPV).

    An expert judged each cell and said how sure they were. Cells judged surely sound (0) or
    surely defective (1) are kept; the in-between ones are left out, which makes the task easier
    than inspection is.

    Parameters
    ----------
    crystal : str, optional
        Only the cells made of one crystal (``"mono"``) or of many (``"poly"``).

    Returns
    -------
    Collection
        2,223 grey pictures of 300 x 300 pixels.

    Notes
    -----
    Cells of one module may stand in several splits, since the files name no module: expect
    a score that is a little better than on new modules.
    """
    info = TaskInfo(
        name="solar-cells",
        kind="classification",
        classes=("sound", "defective"),
        positive="defective",
        citation=_CITATION,
        licence=_LICENCE,
        caution=f"{_CAUTION} Cells that the expert was unsure of are left out, which flatters too.",
    )
    rows = [row for row in _rows() if row[1] in (0.0, 1.0) and crystal in (None, row[2])]
    return _cells(info, rows, np.int64)


def solar_defect_probability() -> Collection:
    """Predict how sure an expert was that a solar cell is defective (ELPV).

    The target is ordinal: one of the four levels 0, 1/3, 2/3 and 1 of the expert's certainty.
    It says how sure they were that there is a defect, not how bad the defect is.

    Returns
    -------
    Collection
        2,624 grey pictures of 300 x 300 pixels.

    Notes
    -----
    Regression treats the four levels as if the steps between them were equal, which nobody has
    measured. As in `solar_cells`, cells of one module may stand in several splits.
    """
    info = TaskInfo(
        name="solar-defect-probability",
        kind="regression",
        classes=("defect probability",),
        positive=None,
        citation=_CITATION,
        licence=_LICENCE,
        range=(0, 1),
        unit="probability",
        caution=f"{_CAUTION} The target is how sure an expert was of a defect, not how bad it is.",
    )
    return _cells(info, _rows(), np.float64)


def _rows() -> list[_Row]:
    with zipfile.ZipFile(assets.path("elpv-dataset")) as file:
        lines = file.read(_FOLDER + "labels.csv").decode().splitlines()
    return [(name, float(sure), crystal) for name, sure, crystal in map(str.split, lines)]


def _cells(info: TaskInfo, rows: list[_Row], dtype: type[np.generic]) -> Collection:
    return Collection(
        info,
        ZippedImages(assets.path("elpv-dataset"), [_FOLDER + name for name, *_ in rows]),
        np.array([sure for _, sure, _ in rows], dtype=dtype),
        Preprocess(size=160, channels=3, mean=IMAGENET_MEAN, std=IMAGENET_STD),
        held_out=0.25,
    )
