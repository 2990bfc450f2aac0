from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch
from torch import nn

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.networks import Network, pooled_head

from . import domains

adabn = import_module("tl_teach.adapt.adabn")


def batches(size):
    unlabelled = domains.target().unlabelled
    stacked = torch.stack([unlabelled[item] for item in range(len(unlabelled))])
    return stacked.tensor_split(-(-len(stacked) // size))


def test_the_first_layer_has_the_mean_of_the_batches_means_and_variances():
    net = domains.network()
    stem = domains.adapt("adabn", net, batch_size=20).net.stages["stem"]
    with torch.no_grad():
        maps = [net.stages["stem"].conv(batch).double().numpy() for batch in batches(20)]
    means = [values.mean((0, 2, 3)) for values in maps]
    variances = [values.var((0, 2, 3)) * (n := values[:, 0].size) / (n - 1) for values in maps]
    assert np.allclose(stem.bn.running_mean, np.mean(means, axis=0), atol=1e-5)
    assert np.allclose(stem.bn.running_var, np.mean(variances, axis=0), rtol=1e-4)


def test_all_layers_are_those_of_one_pass_in_train_mode():
    plain = domains.network()
    for module in plain.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    plain.train()
    with torch.no_grad():
        for batch in batches(16):
            plain(batch)
    adapted = domains.adapt("adabn", batch_size=16).net
    for ours, theirs in zip(adapted.buffers(), plain.buffers(), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("through", [None, "stem", "block2", "head"])
def test_buffers_change_in_frozen_stages_too_and_no_parameter_does(through):
    changed = domains.adapt("adabn", domains.network(through)).changed
    assert all(change.parameters == 0 for change in changed.values())
    assert all(changed[stage].buffers > 0 for stage in ("stem", "block1", "block2"))


def test_the_boundary_does_not_matter():
    results = [domains.adapt("adabn", domains.network(through)).net for through in (None, "block2")]
    assert len({tl.fingerprint(net) for net in results}) == 1


def test_nothing_but_the_statistics_is_left_changed():
    net = domains.network()
    adapted = domains.adapt("adabn", net).net
    for ours, theirs in zip(adapted.modules(), net.modules(), strict=True):
        assert not ours.training
        if isinstance(ours, nn.BatchNorm2d):
            assert ours.momentum == theirs.momentum
    assert all(parameter.is_contiguous() for parameter in adapted.parameters())


def test_dropout_stays_off():
    net = domains.network()
    net.stages["stem"].add_module("dropout", nn.Dropout(0.5))
    ours, theirs = domains.adapt("adabn", net).net, domains.adapt("adabn").net
    assert all(map(torch.equal, ours.buffers(), theirs.buffers()))


def test_a_change_of_brightness_is_undone():
    net = domains.network()
    stages = {"stem": net.stages["stem"], "head": pooled_head(4, 3)}
    net = Network("stem-only", stages, net.preprocess, net.classes).eval()
    bright = tiny.task(name="bright", seed=5)
    dark = tl.shift(bright, "contrast", 0.5)

    def maps(net, task):  # without the border, whose padding is no part of the picture
        return net.stages["stem"](task.unlabelled[0][None])[..., 1:-1, 1:-1]

    adapted = [maps(tl.adapt(net, task.unlabelled).net, task) for task in (bright, dark)]
    plain = [maps(net, task) for task in (bright, dark)]
    gap, gap_before = ((first - second).abs().mean() for first, second in (adapted, plain))
    assert gap < gap_before / 3


def test_other_heads_need_no_second_pass(monkeypatch):
    net = domains.network("block2")
    first = domains.adapt("adabn", net)
    monkeypatch.setattr(adabn, "_run", None)
    second = domains.adapt("adabn", tl.freeze(tl.replace_head(net, 3, seed=7)))
    for ours, theirs in zip(second.net.buffers(), first.net.buffers(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("change", ["pictures", "weights", "batch size", "input size"])
def test_anything_else_needs_one(change, monkeypatch):
    domains.adapt("adabn")
    net, unlabelled, settings = domains.network(), domains.target().unlabelled, {}
    if change == "pictures":
        unlabelled = unlabelled[1:]
    elif change == "weights":
        with torch.no_grad():
            net.stages["stem"].conv.weight.add_(0.1)
    elif change == "batch size":
        settings = {"batch_size": 8}
    else:
        net.preprocess = replace(net.preprocess, size=16, resize=16)
    ran = []
    original = adabn._run
    monkeypatch.setattr(adabn, "_run", lambda *given: (ran.append(1), original(*given)))
    domains.adapt("adabn", net, unlabelled, **settings)
    assert ran == [1]


def test_a_network_without_batch_norm_is_refused():
    net = Network(
        "no-norm",
        {"body": nn.Conv2d(1, 4, 3), "head": pooled_head(4, 3)},
        tiny.TINY8,
        ("a", "b", "c"),
    )
    with pytest.raises(ValueError, match=r"'no-norm' has no BatchNorm layer .* 'coral'"):
        tl.adapt(net, domains.target().unlabelled)


def test_batches_of_one_are_refused():
    with pytest.raises(ValueError, match=r"batch_size=1 .* at least 2"):
        domains.adapt("adabn", batch_size=1)


def test_no_batch_is_left_with_a_single_picture():
    unlabelled = domains.target().unlabelled[:9]
    net = domains.adapt("adabn", unlabelled=unlabelled, batch_size=8).net
    assert int(net.stages["stem"].bn.num_batches_tracked) == 2
