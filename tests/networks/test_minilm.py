"""MiniLM: its weights, what they know, and its file."""

import pytest
import torch

import tl_teach as tl
from tl_teach.networks import stage_change


@pytest.fixture(scope="module")
def net():
    return tl.load_network("minilm")


def test_sentences_that_mean_the_same_lie_close_together(net):
    texts = ["a man is eating food", "somebody has a meal", "the stock market fell"]
    with torch.no_grad():
        rows = net(net.preprocess(texts))
    near, far = torch.cosine_similarity(rows[1:], rows[:1])
    assert near > 0.5 > 0.2 > far


def test_all_its_weights_are_copied(net):
    other = tl.load_network("minilm", "random", seed=1)
    change = stage_change(other, net)
    assert all(change[name].parameters > 0.1 for name in net.stage_names[:-1])


def test_a_saved_network_opens_with_its_vocabulary_pooling_and_head(net, tmp_path):
    task = tl.load_task("word-valence", labels=50)
    new = tl.replace_head(tl.load_network("minilm", pooling="first"), task)
    again = tl.open_network(tl.save_network(new, tmp_path / "net.safetensors"))
    assert tl.fingerprint(again) == tl.fingerprint(new)
    assert again.preprocess == new.preprocess and again.kind == "regression"
    numbers = new.preprocess(["a text"])
    assert torch.equal(again(numbers), new(numbers))
