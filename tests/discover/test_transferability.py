import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import norm, ortho_group

import tl_teach as tl
from tests.discover.blobs import features
from tl_teach.learning import Features


def evidence(values, column, alpha, beta):
    """Density of the column under N(0, F F' / alpha + I / beta), after the weights are gone."""
    spreads, axes = np.linalg.eigh(values @ values.T)
    variances = spreads.clip(0) / alpha + 1 / beta
    return norm.logpdf(axes.T @ column, 0, np.sqrt(variances)).sum()


def logme_by_search(values, columns):
    """Maximise over a grid of alpha and beta that closes in on the best point."""
    scores = []
    for column in columns:
        centre, reach = np.zeros(2), 9.0
        for _ in range(12):
            steps = np.linspace(-reach, reach, 7)
            grid = [(centre[0] + a, centre[1] + b) for a in steps for b in steps]
            found = [evidence(values, column, math.exp(a), math.exp(b)) for a, b in grid]
            centre, reach = np.array(grid[int(np.argmax(found))]), reach / 2
        scores.append(max(found))
    return np.mean(scores) / len(values)


@pytest.mark.parametrize("width", [3, 12, 40], ids=["few", "some", "more than items"])
def test_logme_is_the_highest_evidence_that_a_search_finds(width):
    rng = np.random.default_rng(width)
    values, labels = rng.normal(size=(25, width)), np.arange(25) % 3
    values[:, 0] += labels
    columns = [(labels == one).astype(float) for one in range(3)]
    assert tl.logme(values, labels) == pytest.approx(logme_by_search(values, columns), abs=2e-4)


def test_logme_of_values_takes_them_as_one_column():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 4))
    targets = values @ [1.0, 0, -1, 0] + rng.normal(0, 0.5, 30)
    expected = logme_by_search(values, [targets])
    assert tl.logme(values, targets) == pytest.approx(expected, abs=2e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10))
def test_logme_does_not_mind_a_turn_or_a_scale(seed, scale):
    rng = np.random.default_rng(seed)
    values, labels = rng.normal(size=(30, 4)), rng.integers(0, 2, 30)
    values[:, 1] += 2 * labels
    turned = scale * values @ ortho_group.rvs(4, random_state=seed)
    assert tl.logme(turned, labels) == pytest.approx(tl.logme(values, labels), abs=1e-3)


@pytest.mark.parametrize("values", [np.zeros((20, 3)), np.ones((20, 3)), np.eye(20)])
def test_logme_of_useless_or_perfect_features_is_a_number(values):
    assert np.isfinite(tl.logme(values, np.arange(20) % 2))
    assert np.isfinite(tl.logme(values, np.zeros(20)))


def leep_by_loops(theta, labels):
    n, joint = len(labels), {}
    for row, label in zip(theta, labels, strict=True):
        for z, value in enumerate(row):
            joint[label, z] = joint.get((label, z), 0) + value / n
    total = 0.0
    for row, label in zip(theta, labels, strict=True):
        chance = 0.0
        for z, value in enumerate(row):
            marginal = sum(joint[other, z] for other in set(labels))
            chance += joint[label, z] / marginal * value
        total += math.log(chance)
    return total / n


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 4))
def test_leep_is_that_of_explicit_loops(seed, source, target):
    rng = np.random.default_rng(seed)
    theta = softmax(3 * rng.normal(size=(12, source)), axis=1)
    labels = rng.integers(0, target, 12).tolist()
    assert tl.leep(theta, labels) == pytest.approx(leep_by_loops(theta, labels))


def test_leep_of_probabilities_that_tell_nothing_is_the_entropy_of_the_classes():
    labels = [0, 0, 0, 1]
    expected = (3 * math.log(3 / 4) + math.log(1 / 4)) / 4
    assert tl.leep(np.full((4, 5), 0.2), labels) == pytest.approx(expected)


def test_leep_refuses_logits():
    with pytest.raises(ValueError, match="do not sum to 1; give the softmax"):
        tl.leep(features())


def test_leep_of_a_network_takes_the_softmax_of_its_head():
    task, net = (
        tl.load_task("printed-digits", labels_per_class=5),
        tl.load_network("letters-resnet"),
    )
    outputs = tl.extract_features(net, task.train, stage="head")
    assert -math.log(10) - 0.1 < tl.leep(softmax(outputs.values, axis=1), outputs.targets) < 0


def hsic_form(x, y):
    """CKA by Gram matrices and a centring matrix."""
    n = len(x)
    centring = np.eye(n) - 1 / n
    k, m = centring @ x @ x.T @ centring, centring @ y @ y.T @ centring
    return np.trace(k @ m) / math.sqrt(np.trace(k @ k) * np.trace(m @ m))


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6))
def test_cka_is_that_of_the_gram_matrices(seed, first, second):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(2, 1, (15, first)), rng.normal(-1, 3, (15, second))
    y[:, 0] += x[:, 0]
    assert tl.cka(x, y) == pytest.approx(hsic_form(x, y))
    assert tl.cka(x, y) == pytest.approx(tl.cka(y, x))


@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50))
def test_cka_does_not_mind_a_turn_a_scale_or_a_shift(seed, scale, offset):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=(20, 3))
    turned = scale * x @ ortho_group.rvs(4, random_state=seed) + offset
    assert tl.cka(turned, y) == pytest.approx(tl.cka(x, y), abs=1e-6)
    assert tl.cka(turned, x) == pytest.approx(1, abs=1e-6)


def test_cka_minds_a_scale_of_single_features():
    values = features(spread=3).values
    assert tl.cka(values, values * [1, 1, 1, 50]) < 0.99


def test_logme_takes_the_names_of_classes():
    table = features(spread=2)
    names = np.array(["a", "b", "c"])[table.targets]
    assert tl.logme(table, names) == tl.logme(table)


def test_features_bring_their_targets():
    table = features(spread=2)
    assert tl.logme(table) == tl.logme(table.values, table.targets)
    chances = Features(softmax(table.values, axis=1), table.targets, "head")
    assert tl.leep(chances) == tl.leep(chances.values, table.targets)


def test_wrong_calls_are_answered():
    values = features().values
    with pytest.raises(ValueError, match="carry no targets"):
        tl.logme(values)
    with pytest.raises(ValueError, match="same items, but got 60 and 59"):
        tl.cka(values, values[1:])
    with pytest.raises(ValueError, match="same features, so there is nothing to compare"):
        tl.cka(np.ones((5, 2)), values[:5])
