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


@pytest.fixture(scope="module")
def films():
    texts = [f"film {n} costs $5, \n{'and is long ' * n}" for n in range(30)]
    return tl.make_task(texts, [n % 2 for n in range(30)], classes=["bad", "good"], name="films")


def written(picture):
    """What the picture says, without the breaks of lines."""
    return [" ".join(text.get_text().split()) for text in picture.figure.axes[0].texts]


def test_examples_of_texts_are_read(films):
    picture = tl.show_examples(films, count=4)
    first, second = (films.train.text(place) for place in films.train.targets.argsort()[[0, -1]])
    assert written(picture)[::2] == ["bad", "good", "bad", "good"]
    assert picture.alt.startswith("4 texts of films, labelled bad, good. They read: film ")
    shown = tl.show_examples(films, count=len(films.train))
    for text in (first, second):
        assert any(text.split(",")[0] in one for one in written(shown))
    assert shown.png()


def test_a_text_stands_above_its_neighbours(films):
    train = films.train
    picture = tl.show_neighbours(train, "some film", [2, 0], [0.9, 0.1])
    names = [train.classes[train.targets[item]] for item in (2, 0)]
    assert written(picture)[::2] == ["query", f"0.90 {names[0]}", f"0.10 {names[1]}"]
    assert picture.alt.startswith("A text beside those of films and the 2 texts most like it")
    assert f"They read: some film; {train.text(2).split(',')[0]}" in picture.alt
    assert tl.show_neighbours(train, 2, [0], [0.1]).alt.startswith(
        f"Item 2 of films, a text of {names[0]}, and the 1 text most like it: "
    )
    with pytest.raises(TypeError, match="must be a position in it or a text, but got float"):
        tl.show_neighbours(train, 0.5, [0], [0.1])


def test_mistakes_on_texts_are_read(films):
    net = tl.replace_head(Case("GPT2").net, films)
    picture = tl.show_errors(net, films.validation, count=1)
    (label, text) = written(picture)
    assert label.startswith("true: ") and text.startswith("film ")


def needs_pictures():
    """What looks at pictures, by name."""
    net, none = Case("GPT2").net, np.zeros((18, 2))
    return {
        "feature maps": lambda films: tl.show_feature_maps(net, "hi"),
        "gradients": lambda films: tl.show_integrated_gradients(net, films.train, 0),
        "Grad-CAM": lambda films: tl.show_grad_cam(net, films.train, 0),
        "top images": lambda films: tl.show_top_images(net, films.train, "layer1"),
        "receptive fields": lambda films: tl.show_receptive_field(net, films.train),
        "clusters": lambda films: tl.show_clusters([0] * 18, films.train),
        "an embedding": lambda films: tl.show_embedding(
            none, films.train.targets, films.classes, films.train
        ),
        "explored network": lambda films: tl.explore_network(net),
        "explored embedding": lambda films: tl.explore_embedding(net, films.train, items=10),
        "explored maps": lambda films: tl.explore_feature_maps(net, ["hi"]),
        "explored training": lambda films: tl.explore_training(net, films),
    }


@pytest.mark.parametrize("what", needs_pictures())
def test_what_looks_at_pictures_refuses_texts_and_says_what_is_for_them(what, films):
    with pytest.raises(TypeError, match=r"about texts, and this looks at pictures.*show_attention"):
        needs_pictures()[what](films)


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
