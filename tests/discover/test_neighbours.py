import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestNeighbors

import tl_teach as tl
from tests.discover.blobs import blobs, features
from tl_teach.discover.arrays import unit


@given(st.integers(0, 1000), st.integers(1, 10))
def test_the_nearest_are_those_of_highest_cosine(seed, n):
    rng = np.random.default_rng(seed)
    values, queries = rng.normal(size=(20, 3)), rng.normal(size=(4, 3))
    found = tl.nearest(values, queries, n)
    similar = cosine_similarity(queries, values)
    assert np.allclose(found.similarities, -np.sort(-similar, axis=1)[:, :n])
    assert np.allclose(np.take_along_axis(similar, found.indices, 1), found.similarities)


def test_an_item_is_not_its_own_neighbour():
    values, _ = blobs()
    found = tl.nearest(values, 7, n=59)
    assert 7 not in found.indices and found.indices.shape == (59,)


def test_a_vector_a_table_and_a_number_ask_the_same():
    values, _ = blobs()
    of_vector, of_table = tl.nearest(values, values[3], 4), tl.nearest(values, values[[3]], 4)
    assert np.array_equal(of_vector.indices, of_table.indices[0])
    assert np.array_equal(of_vector.indices[1:], tl.nearest(values, 3, 3).indices)


def test_features_may_be_searched_by_features():
    found = tl.nearest(features(), features(seed=1), 2)
    assert found.indices.shape == (60, 2)


def test_a_length_of_zero_is_like_nothing():
    values = np.array([[0.0, 0.0], [1.0, 0.0]])
    assert tl.nearest(values, 0, 1).similarities.tolist() == [0]


@pytest.mark.parametrize("n", [1, 5])
def test_retrieval_precision_is_the_share_of_right_answers(n):
    values, labels = blobs(spread=4)
    shares = [(labels[tl.nearest(values, i, n).indices] == labels[i]).mean() for i in range(60)]
    assert tl.retrieval_precision(values, labels, n=n) == pytest.approx(np.mean(shares))


def test_retrieval_in_several_pieces_is_the_same():
    values, labels = blobs(per_group=700, spread=4)
    few = np.random.default_rng(0).permutation(2100)
    assert tl.retrieval_precision(values, labels) == pytest.approx(
        tl.retrieval_precision(values[few], labels[few])
    )


def test_targets_come_with_features():
    assert tl.retrieval_precision(features()) == 1


def test_outliers_are_far_from_their_nearest_neighbours():
    values, _ = blobs(spread=2)
    directions = values / np.linalg.norm(values, axis=1, keepdims=True)
    distances = np.linalg.norm(directions[:, None] - directions[None], axis=2)
    expected = np.sort(distances, axis=1)[:, 1:6].mean(1)
    assert np.allclose(tl.outliers(values), expected)


def test_outliers_against_a_reference_are_measured_from_it():
    usual, _ = blobs()
    values, _ = blobs(seed=1)
    expected = NearestNeighbors(n_neighbors=3).fit(unit(usual)).kneighbors(unit(values))[0].mean(1)
    assert np.allclose(tl.outliers(values, usual, n=3), expected)


def test_what_stands_between_the_groups_is_strange_though_it_is_near_the_centre():
    values, _ = blobs()
    scores = tl.outliers(np.concatenate([values, values.mean(0, keepdims=True)]))
    assert scores.argmax() == 60


def test_wrong_calls_are_answered():
    values, labels = blobs()
    with pytest.raises(ValueError, match="n=60 does not work: there are 59 items"):
        tl.nearest(values, 0, 60)
    with pytest.raises(ValueError, match="n=0"):
        tl.nearest(values, 0, 0)
    with pytest.raises(ValueError, match="no item 60 among 60"):
        tl.nearest(values, 60)
    with pytest.raises(ValueError, match="query has 2 features and the items have 4"):
        tl.nearest(values, values[:, :2])
    with pytest.raises(ValueError, match="reference has 2 features"):
        tl.outliers(values, values[:, :2])
    with pytest.raises(ValueError, match="there are 59 items to find"):
        tl.outliers(values, n=60)
    with pytest.raises(ValueError, match="one target for each"):
        tl.retrieval_precision(values, labels[1:])
