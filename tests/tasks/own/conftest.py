"""Folders of tiny pictures, no two alike."""

import itertools

import numpy as np
import pytest
from PIL import Image

_seeds = itertools.count()


def save(path, size=(12, 10), **options):
    """Write a picture of colour noise that no other file has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(next(_seeds)).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, **options)
    return path


@pytest.fixture
def pets(tmp_path):
    """Cats and dogs, eight pictures each."""
    folder = tmp_path / "pets"
    for number in range(8):
        save(folder / "cat" / f"{number}.png")
        save(folder / "dog" / f"{number}.png")
    return folder


@pytest.fixture
def album(tmp_path):
    """Give a folder of pictures with a table: a row of cells for each file."""

    def make(header, *columns, names=None, delimiter=",", encoding="utf-8"):
        folder = tmp_path / "album"
        names = names or [f"{number}.png" for number in range(len(columns[0]))]
        for name in names:
            save(folder / name)
        rows = [header, *([str(cell) for cell in row] for row in zip(names, *columns, strict=True))]
        text = "\n".join(delimiter.join(row) for row in rows) + "\n"
        (folder / "labels.csv").write_text(text, encoding=encoding)
        return folder

    return make
