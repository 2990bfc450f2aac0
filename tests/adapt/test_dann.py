import numpy as np
import pytest
import torch

import tl_teach as tl
from tl_teach.adapt.dann import _as_many
from tl_teach.adapt.reversal import ReverseGradient, rising_strength

from . import domains


def reverse(values, strength):
    return ReverseGradient.apply(values, strength)


def test_values_pass_and_the_gradient_is_turned_and_scaled():
    values = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    passed = reverse(values, 0.7)
    assert torch.equal(passed, values)
    gradient = torch.randn(4, 3, dtype=torch.float64)
    (got,) = torch.autograd.grad(passed, values, gradient)
    assert torch.equal(got, -0.7 * gradient)


def test_turned_twice_the_gradient_is_that_of_the_identity():
    values = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: reverse(reverse(x, 0.5), 2.0), values)


def test_turned_once_it_is_not():
    values = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert not torch.autograd.gradcheck(lambda x: reverse(x, 1.0), values, raise_exception=False)


def test_the_strength_rises_as_in_the_paper():
    progress = np.linspace(0, 1, 11)
    expected = 2 / (1 + np.exp(-10 * progress)) - 1
    assert np.allclose([rising_strength(float(one)) for one in progress], expected)


@pytest.mark.parametrize(("available", "wanted"), [(5, 12), (12, 5), (4, 4)])
def test_the_smaller_domain_is_shown_as_evenly_as_can_be(available, wanted):
    counts = torch.bincount(_as_many(available, wanted), minlength=available)
    assert counts.sum() == wanted and counts.max() - counts.min() <= 1


def test_one_step_is_the_step_of_a_plain_loop():
    net, source, target = domains.network(), domains.source(), domains.target()
    adapted = tl.adapt(
        net, target.unlabelled, source, method="dann", epochs=1, batch_size=64, lr=0.1, seed=2
    ).net
    # In the first step the strength is 0: what is left is cross-entropy, with a batch that mixes
    # the domains for BatchNorm.
    plain = domains.network().train()
    with tl.networks.seeded(2):
        torch.nn.Linear(8, 64), torch.nn.Linear(64, 1)
        order, others = torch.randperm(36), torch.randperm(48)[:36]
    ours = torch.stack([source.train[int(item)][0] for item in order])
    theirs = torch.stack([target.unlabelled[int(item)] for item in others])
    logits = plain(torch.cat([ours, theirs]))[:36]
    loss = torch.nn.functional.cross_entropy(logits, source.train.targets[order])
    loss.backward()
    for new, old in zip(adapted.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(new, old - 0.1 * old.grad, atol=1e-5)


def test_the_features_hear_of_the_domains_as_loud_as_they_are_told():
    nets = [domains.adapt("dann", strength=strength).net for strength in (0.0, 0.5, 1.0)]
    assert len({tl.fingerprint(net) for net in nets}) == 3


def test_the_domain_classifier_is_heard_and_then_thrown_away():
    result = domains.adapt("dann")
    accuracy = result.signs.others["domain accuracy"]
    assert np.isnan(accuracy[0]) and all(0 <= one <= 1 for one in accuracy[1:])
    assert result.signs.steps == ["before", "epoch 1", "epoch 2"]
    assert list(result.net.state_dict()) == list(domains.network().state_dict())


def test_with_everything_frozen_but_the_last_layer_there_is_nothing_to_do():
    with pytest.raises(ValueError, match=r"before the last layer is frozen.*from_='block2'"):
        domains.adapt("dann", domains.network("block2"))


@pytest.mark.parametrize("name", ["epochs", "batch_size", "hidden"])
def test_counts_that_make_no_sense_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}=0 does not work"):
        tl.adapt(
            domains.network(),
            domains.target().unlabelled,
            domains.source(),
            method="dann",
            **{name: 0},
        )
