from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning import convex
from tl_teach.learning.convex import solve_head
from tl_teach.networks.outputs import RangedLinear


def features(net, split):
    return tl.extract_features(net, split).values.astype(np.float64)


@pytest.mark.parametrize("decay", [1e-3, 1e-1])
def test_lbfgs_finds_what_scikit_learn_finds(decay):
    task = tiny.task()
    net = tl.freeze(tl.replace_head(tiny.network(), task))
    tl.fit(net, task, solver="lbfgs", weight_decay=decay)
    x, y = features(net, task.train), task.train.targets.numpy()
    reader = LogisticRegression(C=1 / (decay * len(x)), tol=1e-10, max_iter=10_000).fit(x, y)
    ours = tl.evaluate(net, task.validation).outputs.softmax(1).numpy()
    theirs = reader.predict_proba(features(net, task.validation))
    assert np.abs(ours - theirs).max() < 1e-4


def test_lbfgs_finds_the_ridge_regression_of_values():
    task = tiny.regression_task()
    net = tl.freeze(tl.replace_head(tiny.network(), task))
    layer = net.head.output
    tl.fit(net, task, solver="lbfgs", weight_decay=1e-2)
    x, y = features(net, task.train), task.train.targets.numpy().astype(np.float64)
    # The penalty is on the weights before they are scaled by the spread of the targets.
    alpha = 1e-2 / 2 * len(x) / float(layer.spread) ** 2
    theirs = Ridge(alpha=alpha).fit(x, y).predict(features(net, task.validation))
    ours = tl.evaluate(net, task.validation).predictions.numpy()
    assert np.abs(ours - theirs).max() < 1e-4


def test_the_exact_answer_does_not_depend_on_the_start_or_the_batches():
    task = tiny.task()
    weights = []
    for seed in range(2):
        net = tl.freeze(tl.replace_head(tiny.network(), task, seed=seed))
        tl.fit(net, task, solver="lbfgs", weight_decay=1e-2, batch_size=5 + seed)
        weights.append(net.head.output.weight)
    assert torch.allclose(*weights, atol=1e-5)


def test_the_loss_only_falls_and_the_body_stands_still():
    task = tiny.task()
    net = tl.freeze(tl.replace_head(tiny.network(dropout=0.5), task))
    before = [tl.fingerprint(net.stages[name]) for name in net.stage_names[:-1]]
    history = tl.fit(net, task, solver="lbfgs", weight_decay=1e-3)
    assert all(np.diff(history.train_loss) <= 1e-12) and history.epochs > 2
    assert before == [tl.fingerprint(net.stages[name]) for name in net.stage_names[:-1]]
    assert net.head.output.weight.dtype == torch.float32


def test_it_is_computed_on_the_processor_beside_the_head_that_stays_as_it_is():
    """Apple's graphics has no float64: the head never becomes what its device cannot hold."""
    seen = []

    def loss(outputs, targets):
        seen.append((outputs.device.type, outputs.dtype, net.head.output.weight.dtype))
        return torch.nn.functional.cross_entropy(outputs, targets)

    net = tl.freeze(tl.replace_head(tiny.network(), tiny.task()))
    before = net.head.output.weight.clone()
    tl.fit(net, tiny.task(), solver="lbfgs", weight_decay=1e-2, loss=loss)
    assert set(seen) == {("cpu", torch.float64, torch.float32)}
    assert not torch.equal(net.head.output.weight, before)


class FarAway:
    """Features on the device "meta", which has no numbers: whoever asks for them is told so."""

    def __len__(self):
        return 4

    def __call__(self, items):
        return torch.empty(len(items), 8, device="meta")

    @property
    def prefix(self):
        return SimpleNamespace(rest=lambda values, but_last: values)


def test_features_come_to_the_processor_before_they_become_more_exact(monkeypatch):
    asked, double = [], torch.Tensor.double
    monkeypatch.setattr(torch.Tensor, "double", lambda x: asked.append(x.device) or double(x))
    net = tl.freeze(tiny.network())
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        solve_head(net, FarAway(), torch.zeros(4), torch.nn.functional.cross_entropy, 1e-2)
    assert asked == []


def test_what_is_no_convex_problem_is_refused():
    task = tiny.regression_task()
    net = tl.freeze(tl.replace_head(tiny.network(), task))
    net.head.output = RangedLinear(net.head.output.in_features, 1, low=0, high=1)
    with pytest.raises(ValueError, match="a head whose answers lie within a range has none"):
        tl.fit(net, task, solver="lbfgs", weight_decay=1e-2)


@pytest.mark.parametrize("option", [{"validate": True}, {"patience": 2}, {"checkpoint": "c.pt"}])
def test_there_is_no_epoch_to_look_at_or_to_save(option):
    net = tl.freeze(tl.replace_head(tiny.network(), tiny.task()))
    with pytest.raises(ValueError, match="in one go, without epochs; leave out validate"):
        tl.fit(net, tiny.task(), solver="lbfgs", weight_decay=1e-2, **option)


def test_an_answer_that_is_not_exact_yet_says_so(monkeypatch):
    monkeypatch.setattr(convex, "_MOST_ITERATIONS", 2)
    net = tl.freeze(tl.replace_head(tiny.network(), tiny.task()))
    with pytest.warns(UserWarning, match="stopped after 2 iterations, before the answer was exact"):
        tl.fit(net, tiny.task(), solver="lbfgs", weight_decay=1e-2)


@pytest.mark.filterwarnings("ignore:augment=")
def test_random_pictures_are_drawn_from_the_seed():
    def fit():
        net = tl.freeze(tl.replace_head(tiny.network(), tiny.task()))
        noise = lambda picture: picture ^ torch.randint(0, 9, picture.shape, dtype=torch.uint8)  # noqa: E731
        tl.fit(net, tiny.task(), solver="lbfgs", weight_decay=1e-2, augment=noise, seed=3)
        return tl.fingerprint(net)

    assert fit() == fit()
