"""Printed characters, drawn from the fonts that Matplotlib ships: nothing to download."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from .images import ArrayImages
from .preprocess import Preprocess
from .split import TaskInfo
from .task import Collection

# The letters of EMNIST "balanced": lower-case letters whose shape is that of their capital
# (c, o, s, ...) are left out, since no reader could tell them apart in isolation.
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
DIGITS = "0123456789"

GREY28 = Preprocess(size=28, channels=1, mean=(0.1307,), std=(0.3081,))
"""MNIST's usual statistics: white strokes on black, 28 x 28 pixels."""

_PER_CLASS = 350
_CANVAS = 56  # drawn at twice the final size and averaged, so that edges are smooth
_BOX = 40  # the longer side of a character; 20 of 28 pixels, as in MNIST


def printed_letters() -> Collection:
    """37 printed letters and no digit, 350 pictures each; the small world's source task.

    Returns
    -------
    Collection
        12,950 grey pictures of 28 x 28 pixels.
    """
    return _printed("printed-letters", LETTERS)


def printed_digits() -> Collection:
    """The ten printed digits, 350 pictures each.

    Returns
    -------
    Collection
        3,500 grey pictures of 28 x 28 pixels.
    """
    return _printed("printed-digits", DIGITS)


def _printed(name: str, characters: str) -> Collection:
    fonts = _fonts()
    glyphs = np.stack([[_draw(font, character) for font in fonts] for character in characters])
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(characters)), _PER_CLASS)
    style = rng.integers(len(fonts), size=len(labels))
    pictures = _jitter(torch.from_numpy(glyphs[labels, style]), rng)
    info = TaskInfo(
        name=name,
        kind="classification",
        classes=tuple(characters),
        positive=None,
        citation="Rendered from the DejaVu, STIX and Computer Modern fonts that Matplotlib ships.",
        licence="free font licences (Bitstream Vera, SIL OFL, Computer Modern)",
        caution=(
            "The fonts are the same in all parts: expect scores better than on new fonts. The "
            "network letters-resnet learned from these fonts, and from letters alone."
        ),
    )
    return Collection(info, ArrayImages(pictures), labels, GREY28, held_out=0.1)


@lru_cache(maxsize=1)
def _fonts() -> tuple[Path, ...]:
    """Fonts with a drawing of every letter and digit; symbol and fragment fonts drop out."""
    import matplotlib
    from matplotlib.ft2font import FT2Font

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    needed = {ord(character) for character in LETTERS + DIGITS}
    usable = []
    for path in sorted(folder.glob("*.ttf")):
        plain = path.name.startswith(("DejaVu", "STIXGeneral", "cmb", "cmr", "cmss", "cmtt"))
        if plain and needed <= set(FT2Font(str(path)).get_charmap()):
            usable.append(path)
    return tuple(usable)


def _draw(font: Path, character: str) -> np.ndarray:
    """Draw one character, its ink centred and scaled to the box, white on black."""
    from PIL import Image, ImageDraw, ImageFont

    canvas = Image.new("L", (160, 160))
    ImageDraw.Draw(canvas).text((40, 20), character, fill=255, font=ImageFont.truetype(font, 80))
    ink = canvas.crop(canvas.getbbox())
    scale = _BOX / max(ink.size)
    ink = ink.resize([max(2, round(side * scale)) for side in ink.size], Image.Resampling.BICUBIC)
    centred = Image.new("L", (_CANVAS, _CANVAS))
    centred.paste(ink, ((_CANVAS - ink.width) // 2, (_CANVAS - ink.height) // 2))
    return np.asarray(centred)


def _jitter(glyphs: torch.Tensor, rng: np.random.Generator) -> np.ndarray:
    """Turn, shear, scale and shift each glyph a little; (N, 56, 56) to (N, 28, 28), uint8."""
    count = len(glyphs)
    angle = rng.uniform(-0.4, 0.4, count)  # about 23 degrees either way
    shear = rng.uniform(-0.45, 0.45, count)
    scale = rng.uniform(0.8, 1.45, (2, count))  # of the sampling grid: above 1 shrinks
    shift = rng.uniform(-0.15, 0.15, (2, count))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    skew = np.array([[np.ones(count), shear], [np.zeros(count), np.ones(count)]])
    matrix = np.einsum("ijn,jkn->nik", turn, skew) * scale.T[:, None, :]
    theta = np.concatenate([matrix, shift.T[:, :, None]], axis=2)
    pictures = []
    for some, where in zip(glyphs.split(1024), torch.from_numpy(theta).split(1024), strict=True):
        images = some[:, None].to(torch.float64)
        grid = torch.nn.functional.affine_grid(where, list(images.shape), align_corners=False)
        moved = torch.nn.functional.grid_sample(images, grid, align_corners=False)
        pictures.append(torch.nn.functional.avg_pool2d(moved, 2)[:, 0].round().to(torch.uint8))
    return torch.cat(pictures).numpy()
