from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from scipy import stats

import tl_teach as tl
from tests.show.test_pictures import study, texts_of
from tl_teach.learning import LrRange, Study
from tl_teach.show.roles import ROLES
from tl_teach.show.study import _counts


def of(**scores):
    """A study of recipes at one number of labels, a score a seed."""
    rows = [(name, 5, seed, s) for name, values in scores.items() for seed, s in enumerate(values)]
    table = pd.DataFrame(rows, columns=["recipe", "labels_per_class", "seed", "score"])
    return Study(table, "accuracy", 0.1)


def lines(picture):
    return {line.get_label(): line for line in picture.figure.axes[0].get_lines()}


def test_shared_luck_drops_out_of_a_comparison():
    """Each seed gains 0.05, though the seeds differ by far more."""
    alt = tl.show_study(of(a=[0.3, 0.6, 0.9], b=[0.25, 0.55, 0.85])).alt
    assert "a 0.60, ahead of b by 0.05 (0.05 to 0.05)" in alt


def test_the_interval_of_a_lead_is_that_of_the_paired_differences():
    first, second = [0.8, 0.9, 0.7, 0.85], [0.6, 0.8, 0.55, 0.7]
    gains = np.subtract(first, second)
    low, high = stats.t.interval(0.95, 3, gains.mean(), stats.sem(gains))
    assert low > 0
    expected = f"ahead of b by {gains.mean():.2f} ({low:.2f} to {high:.2f})"
    assert expected in tl.show_study(of(a=first, b=second)).alt


def test_a_lead_whose_interval_holds_0_is_no_lead():
    alt = tl.show_study(of(a=[0.9, 0.5, 0.9], b=[0.6, 0.7, 0.8], c=[0.1, 0.1, 0.1])).alt
    assert "a 0.77, not told apart from b 0.70." in alt


def test_one_seed_tells_nothing_apart():
    one = study(seeds=(0,))
    alt = tl.show_study(one).alt
    assert "over 1 seed. At 1 label per class frozen 0.57, not told apart from" in alt


def test_recipes_are_paired_over_the_seeds_that_both_have_run():
    some = of(a=[0.9, 0.8, 0.7], b=[0.8, 0.7])
    assert "ahead of b by 0.10 (0.10 to 0.10)" in tl.show_study(some, "heatmap").alt


def test_the_curve_goes_through_the_means_and_the_band_is_their_interval():
    figure = tl.show_study(study()).figure
    axes = figure.axes[0]
    means = [0.6, 0.7, 0.9]
    assert lines(tl.show_study(study()))["frozen"].get_ydata() == pytest.approx(means)
    band = axes.collections[0].get_paths()[0].vertices
    reach = stats.t.ppf(0.975, 2) * stats.sem([0, 0.03, 0.06])
    at_one = band[np.isclose(band[:, 0], 1), 1]
    assert at_one.min() == pytest.approx(0.6 - reach) and at_one.max() == pytest.approx(0.6 + reach)


def test_the_axis_is_logarithmic_with_plain_numbers_and_all_at_the_end():
    axes = tl.show_study(study()).figure.axes[0]
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "labels per class"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "5", "all"]


def test_recipes_named_after_a_role_look_like_it_and_all_differ_in_more_than_colour():
    drawn = lines(tl.show_study(study()))
    assert to_hex(drawn["frozen"].get_color()) == ROLES["frozen"].ink
    assert to_hex(drawn["fine-tuned"].get_color()) == ROLES["fine-tuned"].ink
    assert to_hex(drawn["mine"].get_color()) not in {role.ink for role in ROLES.values()}
    looks = {(line.get_marker(), line.get_linestyle()) for line in drawn.values()}
    assert len(looks) == len(drawn) == 4  # three recipes and the constant guess


def test_crowded_label_counts_are_thinned():
    rows = [("a", n, seed, 0.5) for n in range(1, 60) for seed in (0, 1)]
    table = pd.DataFrame(rows, columns=["recipe", "labels_per_class", "seed", "score"])
    crowd = Study(table, "accuracy", 0.1)
    texts = texts_of(tl.show_study(crowd).figure)
    for one, here in texts:
        assert not any(here.overlaps(there) for two, there in texts if two != one), one


def test_where_labels_are_counted_in_all_they_stand_on_the_axis():
    table = study().table.assign(labels=[10, 10, 10, 50, 50, 50, 900, 900, 900] * 3)
    table["labels_per_class"] = None
    total = Study(table, "R2", 0.0)
    picture = tl.show_study(total)
    assert picture.figure.axes[0].get_xlabel() == "labels"
    assert "Mean R2" in picture.alt and "At 10 labels frozen" in picture.alt
    assert [count.name for count in _counts(total)[0]] == ["10", "50", "900"]


def test_the_best_of_each_column_is_framed_and_its_equals_are_dotted():
    axes = tl.show_study(study(), "heatmap").figure.axes[0]
    frames = {
        (round(frame.get_y() + 0.44), round(frame.get_x() + 0.46)): frame.get_linestyle()
        for frame in axes.patches
    }
    assert frames == {(0, 0): "-", (0, 1): "-", (1, 2): "-", (0, 2): ":"}
    cells = {tuple(map(int, t.get_position()[::-1])): t.get_text() for t in axes.texts}
    assert cells[0, 0] == "0.60" and cells[2, 2] == "0.40" and len(cells) == 9


def test_missing_cells_stay_empty():
    part = study()
    kept = part.table[~((part.table.recipe == "mine") & (part.table.labels_per_class == 5))]
    part = replace(part, table=kept, interrupted=True)
    picture = tl.show_study(part, "heatmap")
    assert len(picture.figure.axes[0].texts) == 8
    assert picture.alt.endswith("The study was interrupted: some trainings are missing.")
    assert len(lines(tl.show_study(part))["mine"].get_xdata()) == 2


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: tl.show_study({"a": [1]}), TypeError, r"got dict; make one with tl\.compare"),
        (lambda: tl.show_study(study(), "bars"), ValueError, r"no kind of picture named 'bars'"),
        (lambda: tl.show_study(study(counts=())), ValueError, r"holds no score"),
        (lambda: tl.show_lr_range([1, 2]), TypeError, r"got list; make one with tl\.lr_range"),
        (
            lambda: tl.show_lr_range(LrRange(rates=[1], losses=[np.nan], suggested=1)),
            ValueError,
            r"no finite loss; begin it with a lower rate",
        ),
    ],
)
def test_what_is_no_study_is_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_the_suggested_rate_is_marked_and_losses_without_end_are_left_out():
    rates, losses = [1e-4, 1e-3, 1e-2, 1e-1], [2.0, 1.0, np.nan, np.inf]
    picture = tl.show_lr_range(LrRange(rates=rates, losses=losses, suggested=1e-4))
    curve, mark = picture.figure.axes[0].get_lines()
    assert list(curve.get_ydata()) == [2.0, 1.0] and set(mark.get_xdata()) == {1e-4}
    assert "from 0.0001 to 0.001" in picture.alt and "Suggested: 0.0001." in picture.alt
