"""Promises that every network for texts keeps, at random weights and a tiny size."""

import copy
import subprocess
import sys

import pytest
import torch
import transformers

import tl_teach as tl
from tests.tasks import tiny
from tl_teach import assets
from tl_teach.learning import prefix as prefix_module
from tl_teach.learning.prefix import Prefix
from tl_teach.networks import TEXT_FAMILIES, Network, seeded
from tl_teach.networks.text import PARTS, POOLING, compose_text
from tl_teach.tasks import TextPreprocess

SIZES = {
    "Bert": {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2,
             "intermediate_size": 16},
    "DistilBert": {"dim": 8, "n_layers": 3, "n_heads": 2, "hidden_dim": 16},
    "GPT2": {"n_embd": 8, "n_layer": 3, "n_head": 2},
    "T5": {"d_model": 8, "num_layers": 3, "num_heads": 2, "d_kv": 4, "d_ff": 16},
}  # fmt: skip
TEXTS = ["good", "a good film that nobody has seen", "bad food", "what a bad day it was again"]


class Case:
    """A network of one kind, and transformers' own of which it was made."""

    def __init__(self, kind):
        self.kind = kind
        config = getattr(transformers, f"{kind}Config")(vocab_size=30522, **SIZES[kind])
        with seeded(0):
            self.theirs = getattr(transformers, PARTS[kind].model)(config).eval()
            stages = compose_text(copy.deepcopy(self.theirs), kind, "mean")
        preprocess = TextPreprocess("bert-uncased", 12)
        self.net = Network(kind, stages, preprocess, tuple("abcdefgh"), True).eval()
        self.numbers = preprocess(TEXTS)


@pytest.fixture(scope="module", params=SIZES)
def case(request):
    return Case(request.param)


@pytest.fixture(autouse=True)
def no_prefix_is_kept():
    yield
    prefix_module._ready.clear()


@pytest.fixture(scope="module")
def task():
    texts = [f"{word} {thing} {n}" for n in range(10) for word, thing in PAIRS]
    labels = [int(word == "good") for _ in range(10) for word, _ in PAIRS]
    return tl.make_task(texts, labels, classes=["bad", "good"])


PAIRS = [("good", "film"), ("bad", "food and more of it"), ("good", "day"), ("bad", "luck")]


def with_head(case, task):
    return tl.replace_head(case.net, task)


def test_the_stages_are_embeddings_layers_head(case):
    assert case.net.stage_names == ("embeddings", "layer1", "layer2", "layer3", "head")


def test_the_stages_give_what_transformers_gives(case):
    real = case.numbers >= 0
    with torch.no_grad():
        theirs = case.theirs(case.numbers.clamp(min=0), attention_mask=real.long())
        ours = case.net.run(case.numbers, through="layer3")
    there = real[:, : ours.shape[1]]
    assert torch.allclose(ours[there], theirs.last_hidden_state[real], atol=1e-5)
    assert ours[~there].isnan().all()


def test_padding_changes_no_text(case):
    with torch.no_grad():
        together = case.net(case.numbers)
        alone = torch.cat([case.net(row[None]) for row in case.numbers])
    assert torch.allclose(together, alone, atol=1e-6)


def test_only_a_decoder_hides_what_comes_later(case):
    changed = case.numbers[1:2].clone()
    changed[0, 5] = 2204
    with torch.no_grad():
        before, after = (case.net.run(x, through="layer3") for x in (case.numbers[1:2], changed))
    same = torch.allclose(before[0, :5], after[0, :5], atol=1e-6)
    assert same == (case.kind == "GPT2")


def test_padding_gives_no_gradient_that_is_no_number(case, task):
    net = with_head(case, task)
    net.train()(case.numbers).sum().backward()
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    assert gradients and all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("through", ["embeddings", "layer2", "layer3"])
def test_frozen_stages_do_not_move_and_the_others_do(case, task, through):
    net = tl.freeze(with_head(case, task), through=through)
    before = {name: tl.fingerprint(stage) for name, stage in net.stages.items()}
    tl.fit(net, task, epochs=1, lr=1e-2)
    moved = [name for name, stage in net.stages.items() if tl.fingerprint(stage) != before[name]]
    names = list(net.stage_names)
    assert moved == names[names.index(through) + 1 :]


@pytest.mark.parametrize("through", [None, "layer1", "layer3"])
def test_kept_and_computed_anew_give_the_same_weights(case, task, through):
    nets = [with_head(case, task) for _ in range(2)]
    for net, cache in zip(nets, (True, False), strict=True):
        if through:
            tl.freeze(net, through=through)
        tl.fit(net, task, epochs=2, lr=1e-2, cache=cache)
    for ours, theirs in zip(*(net.parameters() for net in nets), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)


def test_with_all_but_the_head_frozen_one_row_a_text_is_kept(case, task):
    net = tl.freeze(with_head(case, task))
    assert Prefix(net, "layer3")(case.numbers).shape == (4, 8)
    assert Prefix(net, "layer2")(case.numbers).shape == (4, 12, 8)


def test_features_of_a_layer_are_the_mean_of_real_tokens(case, task):
    net = case.net
    split = task.validation.for_network(net)
    features = tl.extract_features(net, split, "layer1").values
    for item in range(3):
        with torch.no_grad():
            tokens = net.run(split[item][0][None], through="layer1")[0]
        length = int((split[item][0] >= 0).sum())
        assert tokens.shape[0] == length
        assert torch.allclose(torch.tensor(features[item]), tokens.mean(0), atol=1e-5)


def test_a_head_for_values_learns_them(case):
    task = tl.make_task(TEXTS * 5 + [f"word {n}" for n in range(20)], [*([1.0] * 20), *range(20)])
    net = tl.freeze(tl.replace_head(case.net, task))
    history = tl.fit(net, task, epochs=3, lr=1e-2)
    assert net.kind == "regression" and history.train_loss[-1] < history.train_loss[0]


def test_pooling_takes_the_first_the_last_or_the_mean_of_real_tokens():
    nan = torch.nan
    x = torch.tensor([[[1.0], [2.0], [6.0]], [[4.0], [8.0], [nan]]])
    expected = {"mean": [3.0, 6.0], "first": [1.0, 4.0], "last": [6.0, 8.0]}
    for name, values in expected.items():
        assert POOLING[name]()(x)[:, 0].tolist() == values


@pytest.mark.parametrize("name", TEXT_FAMILIES)
def test_every_family_is_built_by_name(name):
    with torch.device("meta"):
        net = tl.load_network(name, "random")
    assert net.stage_names[0] == "embeddings" and net.stage_names[-1] == "head"
    assert net.preprocess.tokenizer == TEXT_FAMILIES[name].tokenizer


def test_weights_that_cannot_be_had_are_named_in_one_sentence(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    with pytest.raises(assets.AssetError, match=r"'google-t5/t5-small'.*connection; .*'minilm'"):
        tl.load_network("t5-small")


def test_texts_and_pictures_are_not_mixed_up(case, task):
    with pytest.raises(ValueError, match="reads texts, so image_size="):
        tl.load_network("minilm", "random", image_size=64)
    with pytest.raises(ValueError, match="length=0"):
        tl.load_network("minilm", "random", length=0)
    assert tl.load_network("minilm", "random", length=9).preprocess.length == 9
    with pytest.raises(ValueError, match="reads pictures, so pooling="):
        tl.load_network("letters-resnet", pooling="mean")
    with pytest.raises(ValueError, match="no pooling named 'max'"):
        tl.load_network("minilm", "random", pooling="max")
    with pytest.raises(TypeError, match="are pictures, but the network reads texts"):
        tl.extract_features(case.net, tiny.task().train)
    with pytest.raises(TypeError, match="are texts, but the network reads pictures"):
        tl.extract_features(tl.load_network("letters-resnet"), task.train)
    with pytest.raises(TypeError, match=r"augment= changes pictures, and .* reads texts"):
        tl.fit(with_head(case, task), task, augment=lambda picture: picture)
    with pytest.raises(TypeError, match="reads texts, but got a tensor"):
        case.net.preprocess(torch.zeros(3, 8, 8))
    with pytest.raises(ValueError, match="reads texts"):
        tl.export_network(case.net, "net.onnx")


def test_without_transformers_everything_else_works_and_the_extra_is_named():
    code = """
import sys
sys.modules["transformers"] = sys.modules["tokenizers"] = None
import tl_teach as tl
tl.load_network("letters-resnet")
assert len(tl.load_task("printed-digits").train)
for wanted in (lambda: tl.load_network("minilm"), lambda: tl.load_network("gpt2", "random")):
    try:
        wanted()
    except ImportError as error:
        print(error)
assert not any(row["name"] == "minilm" for row in tl.list_networks())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('pip install "tl-teach[text]"') == 2
