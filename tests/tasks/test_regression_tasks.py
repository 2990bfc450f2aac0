import time

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsRegressor

import tl_teach as tl
from tl_teach.tasks.rotation import digit_rotation, rotated
from tl_teach.tasks.solar import solar_cells, solar_defect_probability


def bar(side=29):
    """A bar from the centre to the right."""
    picture = np.zeros((1, side, side), dtype=np.uint8)
    picture[0, side // 2 - 1 : side // 2 + 2, side // 2 : -4] = 255
    return picture


def direction(picture):
    """Where the bright pixels lie as seen from the centre, in degrees anticlockwise."""
    rows, columns = np.indices(picture.shape)
    weight, centre = picture / picture.sum(), picture.shape[0] // 2
    return np.degrees(
        np.arctan2(-(weight * (rows - centre)).sum(), (weight * (columns - centre)).sum())
    )


@pytest.mark.parametrize("angle", [-60.0, -31.7, 0.0, 12.5, 60.0])
def test_a_bar_turns_by_the_angle_that_was_asked_for(angle):
    assert direction(rotated(bar(), np.array([angle]))[0]) == pytest.approx(angle, abs=0.3)


def test_anticlockwise_is_positive():
    turned = rotated(bar(), np.array([90.0]))[0]
    assert turned[5:12, 14].min() > 250 and turned[17:, 14].max() == 0


def test_no_turn_changes_no_pixel():
    picture = np.random.default_rng(0).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    assert np.array_equal(rotated(picture, np.zeros(2)), picture)


def test_turning_there_and_back_gives_the_middle_back():
    rows, columns = np.indices((28, 28)) - 13.5
    blob = (200 * np.exp(-(rows**2 + 3 * columns**2) / 60)).astype(np.uint8)[None]
    back = rotated(rotated(blob, np.array([37.0])), np.array([-37.0]))
    assert np.abs(back.astype(int) - blob)[0, 6:-6, 6:-6].max() <= 3


def test_each_digit_has_an_angle_of_its_own_for_ever():
    first, second = digit_rotation(), digit_rotation()
    assert np.array_equal(first.labels, second.labels) and len(np.unique(first.labels)) == 5000
    assert [first.images.digest(item) for item in (0, 4999)] == [
        second.images.digest(item) for item in (0, 4999)
    ]
    assert -60 <= first.labels.min() < -59.8 and 59.8 < first.labels.max() <= 60
    assert np.abs(np.histogram(first.labels, 6)[0] - 5000 / 6).max() < 100


def test_the_angle_is_that_of_the_picture():
    upright, turned = tl.tasks.TASKS["handwriting"](), digit_rotation()
    for item in (0, 1234, 4999):
        expected = rotated(upright.images.pixels(item).numpy(), turned.labels[item : item + 1])
        assert np.array_equal(turned.images.pixels(item).numpy(), expected)


def test_the_turned_digits_load_within_three_seconds():
    start = time.perf_counter()
    digit_rotation()
    assert time.perf_counter() - start < 3


def pixels(split):
    return torch.stack([split.pixels(item).float().flatten() for item in range(500)])


def test_the_angle_can_be_read_from_the_picture():
    task = tl.load_task("digit-rotation")
    neighbours = KNeighborsRegressor(5).fit(pixels(task.train), task.train.targets[:500])
    guess = neighbours.predict(pixels(task.validation))
    assert np.corrcoef(guess, task.validation.targets[:500])[0, 1] > 0.4


def test_the_regression_tasks_say_what_they_measure():
    angle, defect = tl.load_task("digit-rotation"), tl.load_task("solar-defect-probability")
    assert (angle.classes, angle.info.unit, angle.info.range) == (("angle",), "degrees", (-60, 60))
    assert (defect.classes, defect.info.unit) == (("defect probability",), "probability")
    assert defect.info.range == (0, 1) and defect.train.targets.dtype == torch.float32


def test_all_cells_have_one_of_four_levels():
    levels, counts = np.unique(solar_defect_probability().labels, return_counts=True)
    assert np.allclose(levels, [0, 1 / 3, 2 / 3, 1]) and counts.tolist() == [1508, 295, 106, 715]


def test_every_part_has_its_share_of_each_level():
    task = tl.load_task("solar-defect-probability")
    counts = [
        np.unique(part.targets, return_counts=True)[1]
        for part in (task.train, task.validation, task.test._open_for_exam())
    ]
    shares = [count / count.sum() for count in counts]
    assert np.abs(np.diff(shares, axis=0)).max() < 0.005


def test_the_sure_cells_are_those_of_the_other_task():
    every, sure = solar_defect_probability(), solar_cells()
    kept = np.flatnonzero(np.isin(every.labels, (0, 1)))
    assert np.array_equal(every.labels[kept], sure.labels)
    assert [every.images.digest(int(item)) for item in kept[:20]] == [
        sure.images.digest(item) for item in range(20)
    ]


def test_the_docstring_tells_certainty_from_severity():
    assert "how sure" in solar_defect_probability.__doc__
    assert "not how bad" in solar_defect_probability.__doc__
