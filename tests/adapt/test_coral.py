import numpy as np
import pytest
import skada
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.adapt import coral_align
from tl_teach.adapt.coral import _logistic
from tl_teach.tasks import as_target

from . import domains


def features(seed, count, spread):
    rng = np.random.default_rng(seed)
    return rng.normal(0, spread, (count, 5)) @ rng.normal(size=(5, 5)) + rng.normal(size=5)


@pytest.mark.parametrize("reg", ["auto", 0.1, 0.7])
def test_alignment_is_that_of_the_reference_library(reg):
    source, target = features(0, 80, 1), features(1, 60, 3)
    where = np.r_[np.ones(80), -np.ones(60)]
    both = np.concatenate([source, target])
    theirs = skada.CORALAdapter(reg=reg).fit_transform(both, sample_domain=where)
    # There both domains end centred at zero; here the source moves to where the target is.
    assert np.allclose(coral_align(source, target, reg), theirs[:80] + target.mean(0))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_without_shrinkage_mean_and_covariance_become_the_targets(seed, width):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(50, width)) @ rng.normal(size=(width, width))
    target = rng.normal(size=(40, width)) * 3 + 1
    aligned = coral_align(source, target, reg=0.0)
    if np.linalg.cond(np.cov(source.T)) < 1e8:
        assert np.allclose(np.cov(aligned.T, ddof=0), np.cov(target.T, ddof=0), atol=1e-5)
    assert np.allclose(aligned.mean(0), target.mean(0))


def test_a_domain_that_is_the_target_already_stays_where_it_is():
    values = features(0, 80, 1)
    assert np.allclose(coral_align(values, values), values)


def test_a_feature_that_never_fires_is_no_obstacle():
    source, target = features(0, 80, 1), features(1, 60, 3)
    source[:, 2] = target[:, 2] = 0
    aligned = coral_align(source, target)
    assert np.isfinite(aligned).all() and np.allclose(aligned[:, 2], 0)


def test_more_features_than_items_are_no_obstacle():
    rng = np.random.default_rng(0)
    aligned = coral_align(rng.normal(size=(10, 40)), rng.normal(size=(12, 40)))
    assert np.isfinite(aligned).all()


@pytest.mark.parametrize("reg", [-0.1, 1.5, "oas"])
def test_a_shrinkage_that_makes_no_sense_is_refused(reg):
    with pytest.raises(ValueError, match=r"reg=.* expected 'auto' or a number from 0 to 1"):
        coral_align(features(0, 80, 1), features(1, 60, 3), reg)


def test_tables_of_different_width_are_refused():
    with pytest.raises(ValueError, match=r"shapes \(80, 5\) and \(60, 4\)"):
        coral_align(features(0, 80, 1), features(1, 60, 3)[:, :4])


@pytest.mark.parametrize("classes", [("ant", "bee"), ("ant", "bee", "cow")])
def test_the_head_is_the_logistic_regression_on_aligned_features(classes):
    source = tiny.task(name="a", classes=classes)
    target = as_target(tiny.task(name="b", classes=classes, seed=5))
    net = tiny.network(len(classes))
    adapted = tl.adapt(net, target.unlabelled, source, method="coral", C=0.3).net
    ours = tl.extract_features(net, source.train)
    theirs = tl.extract_features(net, target.unlabelled).values
    scaler = StandardScaler()
    aligned = scaler.fit_transform(coral_align(ours.values, theirs))
    model = LogisticRegression(C=0.3, max_iter=2000).fit(aligned, ours.targets)
    with torch.no_grad():
        outputs = adapted.head.output(torch.from_numpy(theirs)).softmax(1).numpy()
    assert np.allclose(outputs, model.predict_proba(scaler.transform(theirs)), atol=1e-4)


def test_rounding_in_a_feature_that_never_fires_does_not_blow_the_head_up():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(60, 5)), rng.normal(size=(40, 5))
    source[:, 2], target[:, 2] = 0.3 + 1e-9 * source[:, 2], 0.3 + 1e-9 * target[:, 2]
    weight, _ = _logistic(coral_align(source, target), np.arange(60) % 2, 2, C=0.1)
    assert np.abs(weight).max() < 10


def test_only_the_last_layer_changes():
    changed = domains.adapt("coral").changed
    assert changed["head"].parameters > 0
    for stage in ("stem", "block1", "block2"):
        assert changed[stage].parameters == changed[stage].buffers == 0
