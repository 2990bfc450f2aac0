from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.adapt.pseudo_label import JoinedImages, _joined
from tl_teach.adapt.signs import outputs_of

from . import domains

module = import_module("tl_teach.adapt.pseudo_label")


def adapt(**settings):
    return tl.adapt(
        domains.network(),
        domains.target().unlabelled,
        domains.source(),
        method="pseudo-label",
        **{"rounds": 2, "epochs": 1, "threshold": 0.5} | settings,
    )


@pytest.fixture
def learned_from(monkeypatch):
    """The training parts that `fit` is given, one a round."""
    parts = []

    def fit(net, task, *given, **options):
        parts.append(task.train)
        return tl.fit(net, task, *given, **options)

    monkeypatch.setattr(module, "fit", fit)
    return parts


def test_the_sure_predictions_are_the_labels_of_the_first_round(learned_from):
    adapt(threshold=0.6)
    outputs = outputs_of(domains.network(), domains.target().unlabelled).softmax(1).numpy()
    sure = outputs.max(1) >= 0.6
    part = learned_from[0]
    assert 0 < sure.sum() < len(sure)
    assert part.targets[36:].tolist() == outputs.argmax(1)[sure].tolist()
    digests = np.array(domains.target().unlabelled.digests(), dtype=object)
    assert part.digests()[36:] == digests[sure].tolist()


def test_the_source_keeps_its_own_labels(learned_from):
    adapt()
    for part in learned_from:
        assert torch.equal(part.targets[:36], domains.source().train.targets)
        assert part.digests()[:36] == domains.source().train.digests()


def test_each_round_takes_anew(learned_from):
    signs = adapt(rounds=3).signs
    assert signs.steps == ["before", "round 1", "round 2", "round 3"]
    taken = [(len(part) - 36) / 48 for part in learned_from]
    assert signs.others["taken"][1:] == pytest.approx(taken)


def test_one_round_is_a_plain_fit_on_both(learned_from):
    adapted = adapt(rounds=1, epochs=2, seed=4).net
    plain = domains.network()
    tl.fit(plain, replace(domains.source(), train=learned_from[0]), 2, seed=4)
    assert tl.fingerprint(adapted) == tl.fingerprint(plain)


def test_if_nothing_is_sure_enough_the_network_stays():
    result = adapt(threshold=1.0)
    assert result.signs.steps == ["before"]
    assert tl.fingerprint(result.net) == tl.fingerprint(domains.network())


@pytest.mark.parametrize("threshold", [-0.1, 1.2, "0.9", True])
def test_a_threshold_that_is_no_share_is_refused(threshold):
    with pytest.raises(ValueError, match=r"threshold=.* a number from 0 to 1"):
        adapt(threshold=threshold)


def test_joined_pictures_keep_their_order_and_their_digests():
    first, second = domains.source().train, domains.target().unlabelled
    joined = JoinedImages(first.images, second.images)
    count = len(first.images)
    assert len(joined) == count + len(second.images)
    assert joined.digest(count - 1) == first.images.digest(count - 1)
    assert joined.digest(count) == second.images.digest(0)
    assert torch.equal(joined.pixels(count + 1), second.images.pixels(1))


def test_a_joined_split_gives_pictures_with_the_label_taken():
    taken = torch.tensor([4, 1])
    part = _joined(domains.source().train, domains.target().unlabelled, taken, torch.tensor([2, 0]))
    image, label = part[36]
    assert label == 2 and torch.equal(image, domains.target().unlabelled[4])


def test_sentences_are_joined_as_pictures_are():
    net = tiny.text_network()
    source, target = (
        tl.make_task(
            [f"{word} {thing} {n}" for n in range(40) for word in ("good", "bad")],
            [0, 1] * 40,
            classes=["good", "bad"],
        )
        for thing in ("film", "food that was long ago")
    )
    result = tl.adapt(
        tl.freeze(tl.replace_head(net, source)),
        target.unlabelled,
        source,
        method="pseudo-label",
        rounds=1,
        epochs=1,
        threshold=0,
    )
    assert result.signs.others["taken"][1:] == [1.0]
