"""Pictures of an evaluation: the confusion matrix and the reliability diagram."""

import itertools

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

import tl_teach as tl
from tests.learning.scored import scored
from tests.show.test_pictures import contrast, texts_of
from tests.tasks import tiny
from tl_teach.show.matrix import SHADES, short
from tl_teach.show.picture import INK


def evaluation(answers, targets, classes=("ant", "bee", "cow")):
    """Each item answered as told, with moderate confidence."""
    outputs = 2.0 * torch.eye(len(classes))[answers]
    return scored(outputs, targets, classes=classes)


MIXED = evaluation([0, 0, 1, 1, 1, 2, 0, 2], [0, 0, 0, 0, 1, 1, 2, 2])


def test_a_confusion_matrix_has_counts_and_row_shares():
    axes = tl.show_confusion(MIXED).figure.axes[0]
    cells = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in axes.texts}
    assert cells == {
        (0, 0): "2\n50 %",
        (0, 1): "2\n50 %",
        (1, 1): "1\n50 %",
        (1, 2): "1\n50 %",
        (2, 0): "1\n50 %",
        (2, 2): "1\n50 %",
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ant", "bee", "cow"]
    shares = np.asarray(axes.get_images()[0].get_array())
    assert shares.tolist() == [[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]]


def test_the_words_name_accuracy_and_commonest_confusion():
    alt = tl.show_confusion(MIXED).alt
    assert "8 validation items of tiny in 3 classes: accuracy 0.50" in alt
    assert "constant guess gets 0.50" in alt
    assert "commonest confusion: ant taken for bee, 2 of 4 (50 %)" in alt
    assert "weakest first: ant 0.50, bee 0.50, cow 0.50" in alt


def test_a_perfect_score_confuses_nothing():
    alt = tl.show_confusion(evaluation([0, 1, 2], [0, 1, 2])).alt
    assert "accuracy 1.00" in alt and "No item is taken for another class." in alt


def test_a_class_without_items_is_neither_found_nor_missed():
    alt = tl.show_confusion(evaluation([0, 2, 0], [0, 0, 0])).alt
    assert "weakest first: ant 0.67." in alt


@pytest.mark.parametrize("count", [2, 12, 13, 37, 120])
@pytest.mark.parametrize("name", ["{}", "American Staffordshire terrier {}"])
def test_a_confusion_matrix_of_many_classes_stays_legible(count, name):
    rng = np.random.default_rng(0)
    classes = tuple(name.format(number) for number in range(count))
    targets = np.arange(6 * count) % count
    answers = np.where(rng.random(6 * count) < 0.5, targets, rng.integers(count, size=6 * count))
    picture = tl.show_confusion(evaluation(answers, targets, classes))
    texts = texts_of(picture.figure)
    for (one, here), (other, there) in itertools.combinations(texts, 2):
        assert not here.overlaps(there), (one, other)
    for text, box in texts:
        assert picture.figure.bbox.x0 <= box.x0 and box.x1 <= picture.figure.bbox.x1, text
    assert len(picture.alt) < 900


def test_ink_can_be_read_on_the_darkest_shade():
    assert contrast(INK, to_hex(SHADES(1.0))) >= 4.5


def test_a_long_name_is_cut():
    assert short("ant") == "ant" and len(short("a" * 99)) == 17


def test_a_reliability_diagram_shows_the_counts_and_the_error():
    picture = tl.show_calibration(MIXED)
    texts = [text for text, _ in texts_of(picture.figure)]
    sure = float(torch.tensor([2.0, 0, 0]).softmax(0)[0])
    assert texts.count("0") == 9 and "8" in texts  # nine empty bins
    assert f"expected calibration error {sure - 0.5:.3f}" in texts
    assert "overconfident by 0.29; expected calibration error 0.287" in picture.alt
    assert "10 bins of equal width" in picture.alt


def test_underconfidence_is_named():
    picture = tl.show_calibration(evaluation([0, 1, 2], [0, 1, 2]))
    assert "3 answers" in picture.alt and "underconfident by 0.21" in picture.alt


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: tl.show_confusion(0.9), TypeError, r"got float; give tl\.evaluate"),
        (lambda: tl.show_calibration(None), TypeError, r"got NoneType; give tl\.evaluate"),
        (
            lambda: tl.show_confusion(tl.baseline(tiny.regression_task())),
            ValueError,
            r"'tiny-regression' is a task of regression; look at .*show_errors",
        ),
        (lambda: tl.show_calibration(MIXED, bins=0), ValueError, "bins=0 does not work"),
    ],
)
def test_what_is_no_score_of_classes_is_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()
