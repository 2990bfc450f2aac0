import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

import tl_teach as tl
from tl_teach.tasks import (
    ArrayImages,
    Collection,
    SealedError,
    SealedSplit,
    Target,
    as_target,
    divide,
)
from tl_teach.tasks.report import Problem, Report
from tl_teach.tasks.shifts import SHIFTS, ShiftedImages

from . import tiny


def numpy(pixels):
    return pixels.numpy().astype(float)


@pytest.mark.parametrize("kind", SHIFTS)
def test_strength_zero_changes_nothing(kind):
    task = tiny.task()
    same = tl.shift(task, kind, 0)
    for item in range(5):
        assert torch.equal(same.train.pixels(item), task.train.pixels(item))


@pytest.mark.parametrize("kind", SHIFTS)
def test_a_shift_changes_pictures_and_keeps_labels(kind):
    task = tiny.task()
    shifted = tl.shift(task, kind, 1)
    assert shifted.train.pixels(0).dtype == torch.uint8
    assert not torch.equal(shifted.train.pixels(0), task.train.pixels(0))
    assert torch.equal(shifted.train.targets, task.train.targets)
    assert shifted.unlabelled.labels is None


@pytest.mark.parametrize("kind", SHIFTS)
def test_one_picture_is_always_changed_in_the_same_way(kind):
    first, second = (tl.shift(tiny.task(), kind, 0.7).train for _ in range(2))
    assert torch.equal(first.pixels(3), second.pixels(3))
    assert torch.equal(first.pixels(3), first[3:].pixels(0))


@pytest.mark.parametrize("kind", SHIFTS)
def test_the_digest_is_that_of_the_changed_pixels(kind):
    task = tiny.task()
    shifted = tl.shift(task, kind, 0.8)
    values = torch.cat([shifted.train.pixels(item) for item in range(len(shifted.train))])
    assert shifted.train.digests() == [ArrayImages(values.numpy()).digest(i) for i in range(36)]
    assert tl.shift(task, kind, 0.9).train.digests() != shifted.train.digests()


def test_a_feature_of_the_plain_picture_is_not_given_for_the_shifted_one():
    task, net = tiny.task(), tiny.network()
    plain = tl.extract_features(net, task.train).values
    dark = tl.extract_features(net, tl.shift(task, "contrast", 1).train).values
    again = tl.extract_features(net, tl.shift(task, "contrast", 0).train).values
    assert not np.allclose(plain, dark) and np.array_equal(plain, again)


def test_blur_is_a_gaussian_filter():
    task = tiny.task()
    expected = gaussian_filter(numpy(task.train.pixels(0)), (0, 4 / 7, 4 / 7))
    got = numpy(tl.shift(task, "blur", 1).train.pixels(0))
    assert np.abs(got - expected).max() <= 1


def test_contrast_pulls_towards_the_mean():
    pixels = numpy(tiny.task().train.pixels(0))
    expected = pixels.mean() + 0.55 * (pixels - pixels.mean())
    got = numpy(tl.shift(tiny.task(), "contrast", 0.5).train.pixels(0))
    assert np.abs(got - expected).max() <= 1


def test_noise_has_the_promised_spread():
    grey = ArrayImages(np.full((1, 200, 200), 128, np.uint8))
    noisy = numpy(ShiftedImages(grey, "noise", 0.2).pixels(0))
    assert noisy.std() == pytest.approx(0.1 * 255, rel=0.05)
    assert noisy.mean() == pytest.approx(128, abs=1)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_inversion_takes_that_share_of_the_pictures(strength):
    plain = ArrayImages(np.random.default_rng(0).integers(0, 256, (400, 4, 4), dtype=np.uint8))
    changed = ShiftedImages(plain, "inversion", strength)
    inverted = [bool((changed.pixels(i) == 255 - plain.pixels(i)).all()) for i in range(400)]
    kept = [bool((changed.pixels(i) == plain.pixels(i)).all()) for i in range(400)]
    assert sum(inverted) + sum(kept) == 400
    assert np.mean(inverted) == pytest.approx(strength, abs=0.07)


def test_a_background_is_cloudy_where_the_picture_was_dark():
    dark = ArrayImages(np.zeros((2, 40, 40), np.uint8))
    clouds = ShiftedImages(dark, "background", 1)
    first, second = numpy(clouds.pixels(0))[0], numpy(clouds.pixels(1))[0]
    assert first.std() > 20
    assert np.abs(np.diff(first, axis=0)).mean() < first.std() / 2  # smooth, unlike noise
    # Equal pictures have equal backgrounds: the picture is the seed.
    assert np.array_equal(first, second)


@given(st.sampled_from(sorted(SHIFTS)), st.floats(0, 1), st.sampled_from([1, 3]))
def test_every_shift_keeps_shape_and_type(kind, strength, channels):
    values = np.random.default_rng(1).integers(0, 256, (2, 9, 7, 3), dtype=np.uint8)
    images = ArrayImages(values if channels == 3 else values[..., 0])
    pixels = ShiftedImages(images, kind, strength).pixels(1)
    assert pixels.shape == (channels, 9, 7) and pixels.dtype == torch.uint8


def test_a_shifted_test_stays_sealed_and_is_an_exam_of_its_own():
    task = tiny.task()
    shifted = tl.shift(task, "blur", 1)
    assert isinstance(shifted.test, SealedSplit)
    with pytest.raises(SealedError):
        shifted.test.targets
    assert shifted.test._identity != task.test._identity
    opened, plain = shifted.test._open_for_exam(), task.test._open_for_exam()
    assert not torch.equal(opened.pixels(0), plain.pixels(0))
    assert torch.equal(opened.targets, plain.targets)


def test_a_shifted_target_is_a_target():
    shifted = tl.shift(as_target(tiny.task()), "noise")
    assert isinstance(shifted, Target) and shifted.name == "tiny, noise 0.5"
    with pytest.raises(SealedError):
        shifted.train


def test_a_split_alone_can_be_shifted():
    split = tiny.task().validation
    shifted = tl.shift(split, "noise", 0.5)
    assert shifted.info.name == "tiny, noise 0.5" and len(shifted) == len(split)


def test_wrong_calls_are_answered():
    with pytest.raises(ValueError, match=r"kind of shift named 'blurr'.*did you mean 'blur'"):
        tl.shift(tiny.task(), "blurr")
    for strength in (-0.1, 1.1, True, "0.5"):
        with pytest.raises(ValueError, match=r"strength=.* expected a number from 0 to 1"):
            tl.shift(tiny.task(), "blur", strength)
    with pytest.raises(SealedError):
        tl.shift(tiny.task().test, "blur")


def test_a_shifted_task_keeps_its_groups_its_report_and_its_division():
    labels = np.arange(60) % 3
    groups, report = np.arange(60) // 2, Report((Problem("a.png", "empty"),))
    held = ArrayImages(tiny.pictures(labels))
    task = divide(Collection(tiny.info(), held, labels, tiny.TINY8, 0.2, groups, report=report))
    shifted = tl.shift(task, "contrast", 0.5)
    assert len(task.report) == 1
    assert shifted.report is task.report is tl.as_target(shifted).report
    assert tl.audit(shifted).straddling == tl.audit(task).straddling is not None
    few = shifted.with_labels(2, seed=1)
    assert few.name == shifted.name and len(few.train) == 6
    assert np.array_equal(few.train.indices, task.with_labels(2, seed=1).train.indices)
    assert not torch.equal(few.train.pixels(0), task.with_labels(2, seed=1).train.pixels(0))


def test_a_shifted_target_is_a_target_with_a_report():
    target = tl.shift(as_target(tiny.task()), "blur")
    assert isinstance(target, Target) and len(target.report) == 0
