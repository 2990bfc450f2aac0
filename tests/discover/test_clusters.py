import numpy as np
import pytest
from sklearn.metrics import (
    adjusted_rand_score,
    normalized_mutual_info_score,
    silhouette_score,
)

import tl_teach as tl
from tests.discover.blobs import blobs, features
from tl_teach.discover.arrays import unit


def test_round_groups_are_found_without_their_labels():
    values, labels = blobs()
    groups = tl.cluster(values, 3)
    assert groups.ari(labels) == 1 and groups.nmi(labels) == pytest.approx(1)
    assert sorted(groups.sizes) == [20, 20, 20]


def test_centres_and_inertia_are_those_of_the_groups():
    values, _ = blobs(spread=1.5)
    groups = tl.cluster(values, 3)
    values = unit(values)
    means = [values[groups.labels == one].mean(0) for one in range(3)]
    assert np.allclose(groups.centres, means)
    assert groups.inertia == pytest.approx(np.square(values - groups.centres[groups.labels]).sum())


def test_the_measures_are_the_usual_ones():
    values, labels = blobs(spread=4)
    groups = tl.cluster(values, 4)
    assert groups.ari(labels) == pytest.approx(adjusted_rand_score(labels, groups.labels))
    assert groups.nmi(labels) == pytest.approx(normalized_mutual_info_score(labels, groups.labels))
    assert groups.silhouette == pytest.approx(silhouette_score(unit(values), groups.labels))


def test_features_and_their_array_give_the_same_clusters():
    groups = tl.cluster(features(), 3)
    assert np.array_equal(groups.labels, tl.cluster(features().values, 3).labels)


def test_only_the_direction_of_an_item_counts():
    values, _ = blobs(spread=2)
    lengths = np.random.default_rng(1).uniform(0.1, 10, (len(values), 1))
    assert np.allclose(tl.cluster(values * lengths, 3).centres, tl.cluster(values, 3).centres)


def test_targets_that_the_features_carry_change_nothing():
    values, _ = blobs(spread=3)
    carried = tl.learning.Features(values, np.zeros(60, int), "features")
    assert np.array_equal(tl.cluster(carried, 3).labels, tl.cluster(values, 3).labels)


def test_the_seed_fixes_the_clusters_and_the_callers_random_numbers_stay():
    values, _ = blobs(spread=4)
    np.random.seed(0)
    expected = np.random.rand()
    np.random.seed(0)
    first = tl.cluster(values, 5, seed=3)
    assert np.random.rand() == expected
    assert np.array_equal(first.labels, tl.cluster(values, 5, seed=3).labels)


def test_clusters_describe_themselves():
    assert repr(tl.cluster(blobs()[0], 3)).startswith(
        "<3 clusters of 60 items; sizes 20, 20, 20; silhouette 0."
    )


def test_scores_over_seeds_have_a_mean_and_an_interval():
    values, labels = blobs(spread=4)
    scores = tl.cluster_scores(values, 4, labels, seeds=range(3))
    single = [tl.cluster(values, 4, seed=seed).ari(labels) for seed in range(3)]
    assert scores["ari"] == tl.mean_interval(single)
    assert scores["ari"].low <= scores["ari"].mean <= scores["ari"].high
    assert tl.cluster_scores(features(), 3)["nmi"].mean == pytest.approx(1)


def test_the_number_of_groups_can_be_chosen_by_silhouette():
    choice = tl.choose_k(blobs(groups=4)[0], range(2, 7))
    assert choice.best == 4 and choice.ks == [2, 3, 4, 5, 6]
    assert choice.inertia == sorted(choice.inertia, reverse=True)
    (marked,) = [line for line in repr(choice).splitlines() if "best" in line]
    assert marked.split()[0] == "4"


def test_wrong_calls_are_answered():
    values, labels = blobs()
    for k in (1, 0, 2.5, True):
        with pytest.raises(ValueError, match=f"k={k} does not work"):
            tl.cluster(values, k)
    with pytest.raises(ValueError, match="k=60 does not work for 60 items"):
        tl.cluster(values, 60)
    with (
        pytest.warns(UserWarning, match="distinct clusters"),
        pytest.raises(ValueError, match="these 20 items hold only 1 different values; give fewer"),
    ):
        tl.cluster(np.ones((20, 3)), 3)
    with pytest.raises(ValueError, match=r"shape \(60,\)"):
        tl.cluster(labels, 3)
    with pytest.raises(ValueError, match="not finite"):
        tl.cluster(np.where(values > 5, np.nan, values), 3)
    with pytest.raises(ValueError, match="carry no targets"):
        tl.cluster_scores(values, 3)
    with pytest.raises(ValueError, match=r"each of the 60 items, but got an array of shape \(5,\)"):
        tl.cluster(values, 3).ari(labels[:5])
    with pytest.raises(ValueError, match="numbers to try"):
        tl.choose_k(values, [])
