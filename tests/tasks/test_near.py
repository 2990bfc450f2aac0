import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_images

import tl_teach as tl
from tl_teach.tasks import ArrayImages, as_pixels
from tl_teach.tasks.near import near_duplicate_groups, near_duplicates, small_greys


def photos():
    """Twelve different views of two photographs."""
    views = []
    for photo in load_sample_images().images:
        for top in (0, 200):
            for left in (0, 210, 420):
                views.append(photo[top : top + 220, left : left + 220])
    return np.stack(views)


def saved_again(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


CHANGES = {
    "saved again": saved_again,
    "resized": lambda picture: np.asarray(Image.fromarray(picture).resize((150, 150))),
    "stretched": lambda picture: np.asarray(Image.fromarray(picture).resize((160, 158))),
    "brighter": lambda picture: (picture * 0.8 + 40).astype(np.uint8),
    "grey": lambda picture: np.asarray(Image.fromarray(picture).convert("L")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_picture_is_found_again_and_no_other_is(change):
    originals = photos()
    pictures = [*originals, *map(CHANGES[change], originals)]
    pairs = near_duplicates(small_greys(map(as_pixels, pictures)))
    assert pairs.tolist() == [[item, item + 12] for item in range(12)]


def test_different_photographs_form_groups_of_one():
    assert len(set(near_duplicate_groups(ArrayImages(photos())))) == 12


def test_what_looks_like_one_member_is_a_member():
    steps = [photos()[0]]
    for _ in range(3):
        steps.append((steps[-1] * 0.9).astype(np.uint8))
    everything = ArrayImages(np.stack([*steps, *photos()[1:]]))
    groups = near_duplicate_groups(everything)
    assert len(set(groups[:4])) == 1 and len(set(groups)) == 12


def test_some_of_the_pictures_may_be_compared():
    pictures = photos()
    pictures[7] = pictures[3]
    assert near_duplicate_groups(ArrayImages(pictures), [7, 0, 3]).tolist() == [0, 1, 0]
    assert near_duplicate_groups(ArrayImages(pictures), []).tolist() == []


def test_pictures_of_one_colour_look_like_nothing():
    flat = np.stack([np.full((20, 20), value, dtype=np.uint8) for value in (0, 0, 128, 255)])
    assert len(near_duplicates(small_greys(map(as_pixels, flat)))) == 0


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
def test_blocks_give_the_pairs_that_a_plain_loop_gives(seed, count):
    rng = np.random.default_rng(seed)
    small = rng.random((3, 16, 16), dtype=np.float32)[rng.integers(3, size=count)]
    small += 0.02 * rng.random(small.shape, dtype=np.float32)
    flat = small.reshape(count, -1)
    expected = [
        (i, j)
        for i in range(count)
        for j in range(i + 1, count)
        if np.corrcoef(flat[i], flat[j])[0, 1] >= 0.99
    ]
    assert sorted(map(tuple, near_duplicates(small).tolist())) == expected


def test_pairs_far_apart_are_found_across_blocks():
    small = np.random.default_rng(0).random((2500, 16, 16), dtype=np.float32)
    small[2400] = small[3]
    small[1500] = small[1400]
    assert sorted(map(tuple, near_duplicates(small).tolist())) == [(3, 2400), (1400, 1500)]


def test_handwritten_digits_hardly_ever_look_the_same():
    pictures = tl.tasks.TASKS["handwriting"]().images
    small = small_greys(pictures.pixels(item) for item in range(len(pictures)))
    pairs = near_duplicates(small)
    assert len(pairs) < 4e-6 * 5000 * 4999 / 2
