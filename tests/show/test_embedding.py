import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.offsetbox import AnnotationBbox
from sklearn.neighbors import KNeighborsClassifier

import tl_teach as tl
from tests.show.test_pictures import cloud, texts_of
from tests.tasks import tiny
from tl_teach.learning import Features
from tl_teach.show.palette import look

CLASSES = ["ant", "bee", "cow"]


def test_the_words_count_neighbours_as_scikit_learn_does():
    rng = np.random.default_rng(0)
    targets = rng.integers(3, size=200)
    points = rng.normal(size=(200, 2)) + targets[:, None]
    pairs = KNeighborsClassifier(1).fit(points, targets).kneighbors(return_distance=False)[:, 0]
    same = targets[pairs] == targets
    alt = tl.show_embedding(points, targets, CLASSES).alt
    assert f"neighbour of {same.mean():.2f} of them has the same class" in alt
    worst = min(range(3), key=lambda number: same[targets == number].mean())
    assert f"Least apart: {CLASSES[worst]}, {same[targets == worst].mean():.2f}, most often" in alt


def test_equal_points_are_neighbours_and_none_is_its_own():
    alt = tl.show_embedding(np.zeros((6, 2)), [0, 1, 1, 1, 1, 1], CLASSES).alt
    assert "Least apart: ant, 0.00, most often beside bee." in alt


def test_chance_is_the_share_of_pairs_of_one_class():
    targets = [0, 0, 0, 1, 1]
    pairs = list(itertools.combinations(targets, 2))
    chance = sum(one == other for one, other in pairs) / len(pairs)
    alt = tl.show_embedding(np.random.default_rng(0).normal(size=(5, 2)), targets, CLASSES).alt
    assert f"where chance gives {chance:.2f}" in alt


def test_every_class_has_a_colour_and_a_shape_of_its_own():
    looks = [look(number) for number in range(10)]
    assert len({one.colour for one in looks}) == len({one.marker for one in looks}) == 10
    assert len({look(number) for number in range(100)}) == 100


@pytest.mark.parametrize(
    "missing",
    [
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ],
    ],
    ids=["protanopia", "deuteranopia"],
)
def test_classes_differ_without_red_or_green_in_colour_or_shape(missing):
    """Machado, Oliveira, Fernandes (2009), https://doi.org/10.1109/TVCG.2009.113."""
    seen = [np.array(missing) @ to_rgb(look(number).colour) for number in range(8)]
    for one, other in itertools.combinations(seen, 2):
        assert np.abs(one - other).max() > 0.1


def test_names_stand_at_the_middle_of_their_class_and_apart():
    points, targets = cloud()
    figure = tl.show_embedding(points, targets, CLASSES).figure
    (axes,) = figure.axes
    for text in axes.texts:
        members = points[targets == CLASSES.index(text.get_text())]
        assert text.xy == pytest.approx(np.median(members, axis=0))
    assert len(axes.texts) == 3
    crowded = tl.show_embedding(points / 1000 + targets[:, None] * [0, 1e-9], targets, CLASSES)
    for (_, here), (_, there) in itertools.combinations(texts_of(crowded.figure), 2):
        assert not here.overlaps(there)


@pytest.mark.parametrize("count", [2, 10, 37])
@pytest.mark.parametrize("name", ["{}", "American Staffordshire terrier {}"])
def test_many_classes_stay_legible(count, name):
    rng = np.random.default_rng(0)
    targets = np.arange(5 * count) % count
    points = rng.normal(size=(count, 2))[targets] + 0.1 * rng.normal(size=(len(targets), 2))
    picture = tl.show_embedding(points, targets, [name.format(n) for n in range(count)])
    for (one, here), (other, there) in itertools.combinations(texts_of(picture.figure), 2):
        assert not here.overlaps(there), (one, other)
    for text, box in texts_of(picture.figure):
        assert box.x0 >= 0 and box.x1 <= picture.figure.bbox.x1, text


def test_pictures_stand_where_their_points_lie_and_apart():
    points, targets = cloud()
    split = tiny.task().train
    figure = tl.show_embedding(points, targets, CLASSES, split).figure
    boxes = [child for child in figure.axes[0].get_children() if isinstance(child, AnnotationBbox)]
    assert len(boxes) >= 3
    for box in boxes:
        item = int(np.abs(points - box.xy).sum(1).argmin())
        assert np.allclose(box.xy, points[item])
        shown = box.offsetbox.get_data()
        assert np.allclose(shown, split.pixels(item)[0] / 255, atol=1e-6)
    extents = [box.get_window_extent(figure.canvas.get_renderer()) for box in boxes]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(extents, 2))


def test_pictures_may_be_plain_arrays():
    points, targets = cloud()
    split = tiny.task().train
    plain = tl.show_embedding(
        points, targets, CLASSES, [split.pixels(i) for i in range(len(split))]
    )
    assert plain.alt == tl.show_embedding(points, targets, CLASSES, split).alt


@pytest.mark.parametrize(
    ("points", "targets", "pictures", "words"),
    [
        (np.zeros((4, 3)), [0] * 4, None, r"shape \(N, 2\), at least two, but got \(4, 3\)"),
        (np.zeros((1, 2)), [0], None, r"at least two, but got \(1, 2\)"),
        (np.zeros((4, 2)), [0] * 3, None, r"4 points do not fit \(3,\) targets"),
        (np.zeros((4, 2)), [0] * 4, [0] * 3, r"\(4,\) targets, 3 pictures; give one for each"),
        (np.zeros((4, 2)), [0, 1, 2, 3], None, r"from 0 to 2, but they reach from 0 to 3"),
        (np.zeros((4, 2)), [0.0, 1, 2, 3], None, r"must be class numbers from 0 to 2"),
    ],
)
def test_what_does_not_fit_is_refused(points, targets, pictures, words):
    with pytest.raises(ValueError, match=words):
        tl.show_embedding(points, targets, CLASSES, pictures)


def test_features_of_two_numbers_are_points():
    values = np.random.default_rng(0).normal(size=(4, 2))
    points = Features(values, None, "features")
    alts = {tl.show_embedding(given, [0, 0, 1, 1], CLASSES).alt for given in (points, values)}
    assert len(alts) == 1
