"""Pictures against drawings that were looked at and found good.

To keep a changed one: remove its file, run the test, look at the new file, and commit it.
"""

import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.collections import Collection
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from PIL import Image

import tl_teach as tl
from tests.show.test_pictures import WAYS, letters
from tests.show.test_scores import MIXED
from tests.tasks import tiny

FOLDER = Path(__file__).parent / "golden"

# Another Matplotlib, or another font, moves a letter by a hair. So the drawings are compared as
# small blurred greys of 0 to 255: Matplotlib 3.8 and 3.11 are at most 23 apart.
WIDTH, KEPT = 48, 320
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


def seeded(draw):
    """Networks of random weights must be the same ones each time."""
    torch.manual_seed(0)
    return draw(letters())


def file_name(way):
    return way.removeprefix("show_").replace(" ", "-")


# What depends on random weights of a text network, or is laid out differently by an older
# Matplotlib, is left to the tests of its words.
LEFT_OUT = {
    "show_attention",
    "show_errors",
    "show_grad_cam",
    "show_integrated_gradients",
    "show_neighbours",
    "show_token_importance",
}
# Three have more to show here than the tests of all ways give them.
DRAWINGS = {
    file_name(way): partial(seeded, draw) for way, (draw, _) in WAYS.items() if way not in LEFT_OUT
} | {"change": change, "confusion": lambda: tl.show_confusion(MIXED), "network": row}


def small(image, width=WIDTH):
    image = image.convert("L")
    return image.resize((width, round(width * image.height / image.width)), Image.Resampling.BOX)


def difference(one, other):
    """Mean and greatest difference of two drawings; the greatest of all if the sizes differ."""
    one, other = (np.asarray(small(small(image, KEPT)), dtype=float) for image in (one, other))
    if one.shape != other.shape:
        return 255.0, 255.0
    return float(np.abs(one - other).mean()), float(np.abs(one - other).max())


def drawn(picture):
    return Image.open(io.BytesIO(picture.png()))


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_picture_looks_as_it_did(name):
    path = FOLDER / f"{name}.png"
    now = drawn(DRAWINGS[name]())
    if not path.exists():
        small(now, KEPT).quantize(64).save(path, optimize=True)
        pytest.fail(f"{path} was missing and has been written: look at it, then commit it.")
    mean, most = difference(now, Image.open(path))
    assert mean < MEAN and most < MOST, (mean, most)


def test_every_drawing_has_a_small_file_and_no_other_is_kept():
    sizes = {path.stem: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(sizes) == set(DRAWINGS)
    assert max(sizes.values()) < 40_000 and sum(sizes.values()) < 400_000


def half_a_bar(axes):
    bars = axes.patches
    bars[-1].set_height(bars[-1].get_height() / 2)
    bars[-2].set_height(bars[-1].get_height())


def upside_down(axes):
    image = axes.get_images()[0]
    image.set_data(image.get_array()[::-1])


def without_the_first_box(axes):
    for patch in axes.patches[:3]:  # area, hatching, outline
        patch.remove()


def without_the_first_line(axes):
    axes.get_lines()[0].remove()


def without_all_marks(axes):
    for thing in axes.get_children():
        if isinstance(thing, AxesImage | Line2D | Patch | Collection) and thing is not axes.patch:
            thing.set_visible(False)


SPOIL = {
    "change": half_a_bar,
    "confusion": upside_down,
    "network": without_the_first_box,
    "study": without_the_first_line,
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_picture_that_lacks_something_would_be_noticed(name):
    picture = DRAWINGS[name]()
    parts = picture.figure.axes
    SPOIL.get(name, without_all_marks)(next((p for p in parts if p.get_images()), parts[0]))
    mean, most = difference(drawn(picture), Image.open(FOLDER / f"{name}.png"))
    assert mean >= MEAN or most >= MOST, (mean, most)
