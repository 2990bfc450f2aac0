import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

import tl_teach as tl
from tests.discover.blobs import features
from tests.tasks import tiny
from tl_teach.learning import Features


def standardised(train, test):
    mean, spread = train.values.mean(0), train.values.std(0)
    return (train.values - mean) / spread, (test.values - mean) / spread


def test_classes_are_read_by_a_standardised_logistic_regression():
    train, test = features(spread=4), features(spread=4, seed=1)
    ours, theirs = standardised(train, test)
    model = LogisticRegression(C=0.1, max_iter=2000).fit(ours, train.targets)
    expected = (model.predict(theirs) == test.targets).mean()
    assert tl.linear_probe(train, test) == pytest.approx(expected)
    assert 0.4 < expected < 1


def test_values_are_read_by_a_standardised_ridge_regression():
    parts = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        values = rng.normal(3, 2, (40, 4))
        parts.append(Features(values, values @ [1.0, 0, 2, 0] + rng.normal(size=40), "features"))
    ours, theirs = standardised(*parts)
    expected = Ridge(alpha=10).fit(ours, parts[0].targets).score(theirs, parts[1].targets)
    assert tl.linear_probe(*parts) == pytest.approx(expected)


def test_a_unit_of_measurement_changes_nothing():
    train, test = features(spread=4), features(spread=4, seed=1)
    scale = np.array([1e-3, 1, 50, 1e4])
    others = [Features(part.values * scale, part.targets, "features") for part in (train, test)]
    assert tl.linear_probe(*others) == tl.linear_probe(train, test)


def test_every_stage_of_a_network_can_be_probed():
    task, net = tiny.task(), tiny.network()
    for stage in [*net.stage_names[:-1], None]:
        parts = [tl.extract_features(net, part, stage) for part in (task.train, task.validation)]
        assert 0 <= tl.linear_probe(*parts) <= 1


def test_wrong_calls_are_answered():
    train = features()
    with pytest.raises(ValueError, match="carry no targets"):
        tl.linear_probe(train, Features(train.values, None, "features"))
    with pytest.raises(ValueError, match=r"carry no targets; take what tl\.extract_features"):
        tl.linear_probe(train.values, train.values)
    with pytest.raises(ValueError, match=r"All \d+ items .* have one class, so there is nothing"):
        tl.linear_probe(Features(train.values, np.zeros(len(train), int), "features"), train)
    with pytest.raises(ValueError, match="learns from 4 features and is tested on 5"):
        tl.linear_probe(train, features(width=5))
