"""The pictures of networks for texts: what they count, and that they leave no trace."""

import numpy as np
import pytest
import torch

import tl_teach as tl
from tests.networks.test_text_families import SIZES, Case
from tests.tasks import tiny
from tl_teach.show.attention import _weights
from tl_teach.show.layers import _scores

TEXT = "a good film that nobody saw"


@pytest.fixture(scope="module", params=SIZES)
def case(request):
    return Case(request.param)


def test_attention_is_a_share_of_what_may_be_seen(case):
    weights = _weights(case.net, TEXT, "layer2")
    assert weights.shape[0] == 2 and weights.shape[1] == weights.shape[2]
    assert np.allclose(weights.sum(2), 1, atol=1e-5)
    later = np.triu(weights.mean(0), 1).max()
    assert (later == 0) == (case.kind == "GPT2")


def test_attention_is_that_of_transformers(case):
    case.theirs.set_attn_implementation("eager")
    numbers = case.net.preprocess(TEXT)
    numbers = numbers[numbers >= 0][None]
    with torch.no_grad():
        theirs = case.theirs(numbers, output_attentions=True).attentions[1][0]
    assert np.allclose(_weights(case.net, TEXT, "layer2"), theirs.numpy(), atol=1e-5)


def test_looking_leaves_no_trace(case):
    net = tl.replace_head(case.net, 2).train()
    before = tl.fingerprint(net)
    config = next(m.config for m in net.modules() if hasattr(m, "config"))
    way = config._attn_implementation
    tl.show_attention(net, TEXT)
    tl.show_token_importance(net, TEXT)
    assert tl.fingerprint(net) == before and net.training and net.stages["layer1"].training
    assert config._attn_implementation == way
    assert not any(m._forward_hooks for m in net.modules())


def test_the_importance_of_a_token_is_what_leaving_it_out_changes(case):
    net = tl.replace_head(case.net, 2)
    alt = tl.show_token_importance(net, "bad food", "1").alt

    def answer(text):
        return float(net(net.preprocess([text])).softmax(1)[0, 1])

    with torch.no_grad():
        whole, good, food = (answer(text) for text in ("bad food", "food", "bad"))
    assert f"is {whole:.2f} for" in alt
    assert f"bad {whole - good:+.2f}" in alt and f"food {whole - food:+.2f}" in alt


def test_wrong_input_is_named(case):
    with pytest.raises(ValueError, match=r"no layer with attention in .* named 'head'"):
        tl.show_attention(case.net, TEXT, "head")
    with pytest.raises(ValueError, match="no attention head in 'layer3' named 7"):
        tl.show_attention(case.net, TEXT, head=7)
    with pytest.raises(TypeError, match="network for texts"):
        tl.show_attention(tiny.network(), TEXT)
    with pytest.raises(ValueError, match="no token to leave out"):
        tl.show_token_importance(case.net, "")
    with pytest.raises(ValueError, match="no output of"):
        tl.show_token_importance(case.net, TEXT, "spam")


def test_a_probe_behind_each_stage_is_the_linear_probe():
    net, task = tiny.network(), tiny.task()
    expected = [
        tl.linear_probe(
            *(tl.extract_features(net, part, s) for part in (task.train, task.validation))
        )
        for s in net.stage_names[:-1]
    ]
    picture = tl.show_layers(net, {"which insect": task})
    assert (
        picture.scores
        == {"which insect": expected}
        == {"which insect": _scores(net, task, net.stage_names[:-1])}
    )
    assert f"stem {expected[0]:.2f}" in picture.alt and "constant guess" in picture.alt
    with pytest.raises(ValueError, match="no question"):
        tl.show_layers(net, {})
