"""The picture on the first page is what the library draws."""

import io

import numpy as np
import pytest
from PIL import Image

import tl_teach as tl

from .contract import ROOT

PICTURE = ROOT / "book/_static/idea.png"
REMEDY = "draw it anew: the_idea().save('book/_static/idea.png')"


def the_idea():
    net = tl.replace_head(tl.load_network("letters-resnet"), 10)
    return tl.show_network(tl.freeze(net, through="block2"))


def test_the_committed_picture_is_drawn_by_the_library():
    committed, drawn = (
        np.asarray(Image.open(source).convert("L"), dtype=float)
        for source in (PICTURE, io.BytesIO(the_idea().png()))
    )
    assert committed.shape == drawn.shape, REMEDY
    assert np.abs(committed - drawn).mean() < 2, REMEDY  # fonts differ by a hair


@pytest.mark.parametrize("page", ["README.md", "book/index.md"])
def test_pages_that_show_it_carry_its_words(page):
    assert f"![{the_idea().alt}](" in (ROOT / page).read_text(encoding="utf-8"), REMEDY
