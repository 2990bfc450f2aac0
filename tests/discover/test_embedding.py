import numpy as np
import pytest

import tl_teach as tl
from tests.discover.blobs import blobs, features


def test_pca_keeps_the_two_directions_of_largest_spread():
    values, _ = blobs(spread=2)
    places = tl.embed(values)
    spreads = np.linalg.svd(values - values.mean(0), compute_uv=False)
    assert np.allclose(np.linalg.norm(places, axis=0), spreads[:2])


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_groups_stay_together(method):
    places = tl.embed(features(), method)
    assert places.shape == (60, 2)
    assert tl.cluster(places, 3).ari(features().targets) == 1


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_the_seed_fixes_the_picture(method):
    first, second = (tl.embed(features(), method, seed=1) for _ in range(2))
    assert np.array_equal(first, second)


def test_more_features_than_items_can_be_drawn():
    values = np.random.default_rng(0).normal(size=(12, 80))
    assert np.isfinite(tl.embed(values, "tsne")).all()


def test_wrong_calls_are_answered():
    with pytest.raises(ValueError, match=r"embedding named 't-sne'.*did you mean 'tsne'"):
        tl.embed(features(), "t-sne")
    with pytest.raises(ValueError, match=r"at least four items and two features.*\(3, 4\)"):
        tl.embed(features().values[:3])
