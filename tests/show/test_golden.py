"""Four pictures against drawings that were looked at and found good.

To keep a changed one: remove its file, run the test, look at the new file, and commit it.
"""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tl_teach as tl
from tests.show.test_pictures import study
from tests.show.test_scores import MIXED
from tests.tasks import tiny

FOLDER = Path(__file__).parent / "golden"

# Another Matplotlib, or another font, moves a letter by a hair. So the drawings are compared as
# small blurred greys of 0 to 255: Matplotlib 3.9 and 3.11 are at most 23 apart.
WIDTH = 48
MEAN, MOST = 2, 30


def change():
    before, after = tiny.network(), tl.freeze(tl.replace_head(tiny.network(), 3), through="block1")
    for parameter in after.stages["block2"].parameters():
        parameter.data *= 1.2
    after.stages["block2"].bn1.running_var *= 2
    after.stages["stem"].bn.running_mean += 0.4
    return tl.show_change(before, after)


def row():
    return tl.show_network(tl.freeze(tl.replace_head(tiny.network(), 3), through="block1"))


DRAWINGS = {
    "change": change,
    "confusion": lambda: tl.show_confusion(MIXED),
    "network": row,
    "study": lambda: tl.show_study(study()),
}


def small(image, width=WIDTH):
    image = image.convert("L")
    return image.resize((width, round(width * image.height / image.width)), Image.Resampling.BOX)


def difference(one, other):
    """Mean and greatest difference of two drawings; the greatest of all if the sizes differ."""
    one, other = (np.asarray(small(image), dtype=float) for image in (one, other))
    if one.shape != other.shape:
        return 255.0, 255.0
    return float(np.abs(one - other).mean()), float(np.abs(one - other).max())


def drawn(name):
    return Image.open(io.BytesIO(DRAWINGS[name]().png()))


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_picture_looks_as_it_did(name):
    path = FOLDER / f"{name}.png"
    now = drawn(name)
    if not path.exists():
        small(now, 320).quantize(64).save(path, optimize=True)
        pytest.fail(f"{path} was missing and has been written: look at it, then commit it.")
    mean, most = difference(now, Image.open(path))
    assert mean < MEAN and most < MOST, (mean, most)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_a_small_file(name):
    assert (FOLDER / f"{name}.png").stat().st_size < 10_000


def without(name):
    """The same picture with one thing missing or moved."""
    picture = DRAWINGS[name]()
    axes = picture.figure.axes[0]
    if name == "change":
        axes.patches[-1].set_height(axes.patches[-1].get_height() / 2)
        axes.patches[-2].set_height(axes.patches[-1].get_height())
    elif name == "confusion":
        image = axes.get_images()[0]
        image.set_data(image.get_array()[::-1])
    elif name == "network":
        for patch in axes.patches[:3]:  # the box of the first stage: area, hatching, outline
            patch.remove()
    else:
        axes.get_lines()[0].remove()
    return Image.open(io.BytesIO(picture.png()))


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_picture_that_differs_in_one_thing_would_be_noticed(name):
    mean, most = difference(without(name), Image.open(FOLDER / f"{name}.png"))
    assert mean >= MEAN or most >= MOST, (mean, most)
