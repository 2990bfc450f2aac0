"""Saved networks know themselves, and a file that lies about itself is refused in one sentence."""

import json
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.networks import WeightsError, load_safetensors, save_safetensors, saved
from tl_teach.networks.safetensors import load_metadata
from tl_teach.tasks import Preprocess


def letters(outputs=3):
    return tl.replace_head(tl.load_network("letters-resnet"), outputs)


def same_answers(first, second):
    x = torch.randn(2, *first.preprocess.shape)
    with torch.no_grad():
        return torch.equal(first(x), second(x))


def test_a_saved_network_opens_with_all_that_prediction_needs(tmp_path):
    net = letters()
    net.classes, net.kind, net.unit = ("ant", "bee", "cöw"), "multilabel", "µm"
    net.preprocess = Preprocess(32, 1, (0.25,), (0.5,), resize=36, interpolation="bicubic")
    again = tl.open_network(tl.save_network(net, tmp_path / "net.safetensors"))
    for fact in ("name", "classes", "kind", "unit", "preprocess", "stage_names"):
        assert getattr(again, fact) == getattr(net, fact)
    assert same_answers(net, again) and not again.training
    assert again.frozen_through is None and all(again.copied.values())


def test_a_network_of_ones_own_is_refused_when_it_is_saved(tmp_path):
    with pytest.raises(ValueError, match=r"'tiny-net' is a network of your own, .* torch\.save"):
        tl.save_network(tiny.network(), tmp_path / "net.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_head_of_several_layers_is_built_again(tmp_path):
    net = letters()
    net.stages["head"] = nn.Sequential(
        OrderedDict(
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            hidden=nn.Linear(64, 16),
            relu=nn.ReLU(),
            dropout=nn.Dropout(0.3),
            output=nn.Linear(16, 3),
        )
    ).eval()
    path = tl.save_network(net, tmp_path / "net.safetensors")
    for again in (tl.open_network(path), tl.load_network("letters-resnet", weights=path)):
        assert same_answers(net, again) and again.head.dropout.p == 0.3
        assert list(again.head._modules) == list(net.head._modules)


def test_a_norm_of_the_architectures_own_head_keeps_its_settings(tmp_path):
    net = tl.replace_head(tl.load_network("vit_b_16", "random"), 3)
    again = tl.open_network(tl.save_network(net, tmp_path / "net.safetensors"))
    assert again.head.norm.eps == net.head.norm.eps == 1e-6
    assert tl.fingerprint(again.head) == tl.fingerprint(net.head)


def test_a_head_that_cannot_be_named_in_a_file_is_refused_when_it_is_opened(tmp_path):
    net = letters()
    net.head.squash = nn.Tanh()
    with pytest.raises(
        WeightsError, match=r"cannot be built from it \('Tanh'\); expected .*Linear"
    ):
        tl.open_network(tl.save_network(net, tmp_path / "net.safetensors"))


def test_loading_by_name_takes_the_classes_from_the_file(tmp_path):
    net = letters()
    net.classes = ("ant", "bee", "cow")
    path = tl.save_network(net, tmp_path / "net.safetensors")
    assert tl.load_network("letters-resnet", weights=path).classes == net.classes


def test_opening_leaves_the_callers_random_numbers_alone(tmp_path):
    path = tl.save_network(letters(), tmp_path / "net.safetensors")
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    tl.open_network(path)
    assert torch.rand(1) == expected


def test_the_words_in_the_file_are_read_by_the_safetensors_library(tmp_path):
    import safetensors

    path = tl.save_network(letters(), tmp_path / "net.safetensors")
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata() == load_metadata(path)
        assert json.loads(file.metadata()["tl_teach"])["name"] == "letters-resnet"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tl.save_network(letters(), tmp_path_factory.mktemp("whole") / "net.safetensors")
    return load_safetensors(path), json.loads(load_metadata(path)["tl_teach"])


def opened(whole, tmp_path, **changes):
    tensors, about = whole
    words = {"tl_teach": json.dumps({**about, **changes})}
    return tl.open_network(save_safetensors(tensors, tmp_path / "net.safetensors", words))


def test_the_changes_below_start_from_a_file_that_opens(whole, tmp_path):
    assert opened(whole, tmp_path).classes == ("0", "1", "2")


SIZE28 = {"size": 28, "channels": 1, "mean": [0.1], "std": [0.3], "resize": None}
LIES = {
    "no kind of task": {"kind": "poetry"},
    "no classes": {"classes": 3},
    "no name": {"name": None},
    "preprocessing that is none": {"preprocess": [1, 2]},
    "an unknown setting": {"preprocess": {**SIZE28, "command": "rm"}},
    "a giant picture": {"preprocess": {**SIZE28, "size": 10**9}},
    "a giant resize": {"preprocess": {**SIZE28, "resize": 10**9}},
    "a negative size": {"preprocess": {**SIZE28, "size": -1}},
    "a size in words": {"preprocess": {**SIZE28, "size": "28"}},
    "division by zero": {"preprocess": {**SIZE28, "std": [0.0]}},
    "division by no number": {"preprocess": {**SIZE28, "std": [float("nan")]}},
    "a mean too many": {"preprocess": {**SIZE28, "mean": [0.5, 0.5]}},
    "two channels": {"preprocess": {**SIZE28, "channels": 2}},
    "an unknown interpolation": {"preprocess": {**SIZE28, "interpolation": "magic"}},
    "no head": {"head": "output"},
    "an unknown layer": {"head": [["output", "os.system", None]]},
    "a layer without its weights": {"head": [["other", "Linear", None]]},
    "an impossible dropout": {"head": [["pool", "Dropout", "x"]]},
    "another architecture": {"name": "squeezenet1_1"},
    "an unknown architecture": {"name": "../../etc/passwd"},
    "a head that lacks its output": {"head": [["pool", "AdaptiveAvgPool2d", None]]},
    "a head without layers": {"head": []},
    "a layer that hides a method": {"head": [["forward", "Flatten", None]]},
    "a name of a layer with a dot": {"head": [["a.b", "Flatten", None]]},
    "classes that do not fit": {"classes": ["a", "b"]},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_about_itself_is_refused_in_one_sentence(whole, tmp_path, lie):
    with pytest.raises(ValueError) as caught:
        opened(whole, tmp_path, **LIES[lie])
    sentence = str(caught.value)
    assert "\n" not in sentence and len(sentence) < 500 and sentence.endswith((".", "...", "?"))


@pytest.mark.parametrize("shape", [(), (3,), (3, 64, 1)])
def test_a_last_layer_of_another_shape_is_refused_in_one_sentence(whole, tmp_path, shape):
    tensors, _ = whole
    tensors = {**tensors, "stages.head.output.weight": torch.zeros(shape)}
    path = save_safetensors(tensors, tmp_path / "net.safetensors")
    with pytest.raises(WeightsError, match=r"of shape \(.*\); expected \(outputs, features\)"):
        tl.load_network("letters-resnet", weights=path)
    with pytest.raises(WeightsError, match="expected"):
        opened((tensors, whole[1]), tmp_path)


@settings(deadline=None, max_examples=40)
@given(
    words=st.one_of(
        st.text(max_size=20),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["name", "kind", "classes", "head", "preprocess", "unit"]),
                    inner,
                )
            ),
            max_leaves=8,
        ).map(json.dumps),
    )
)
def test_any_other_words_are_refused_in_one_sentence(whole, tmp_path_factory, words):
    path = tmp_path_factory.mktemp("any") / "net.safetensors"
    save_safetensors(whole[0], path, {"tl_teach": words})
    with pytest.raises(WeightsError, match=r"things about its network that tl\.save_network"):
        tl.open_network(path)


def test_a_file_that_says_nothing_is_answered_with_the_way_to_load_it(whole, tmp_path):
    path = save_safetensors(whole[0], tmp_path / "net.safetensors")
    with pytest.raises(WeightsError, match=r"does not say .*tl\.load_network\(name, weights=path"):
        tl.open_network(path)
    assert tl.load_network("letters-resnet", weights=path).head.output.out_features == 3


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", bytes(8) + b"{}", b"\xff" * 64])
def test_what_is_no_safetensors_file_is_refused(content, tmp_path):
    (tmp_path / "net.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match="not a complete safetensors file"):
        tl.open_network(tmp_path / "net.safetensors")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere"):
        tl.open_network(tmp_path / "nowhere.safetensors")


def test_only_named_layers_can_be_built_from_a_file():
    more = {"RangedLinear": {"low": torch.zeros(())}, "ScaledLinear": {"spread": torch.ones(2)}}
    for kind, build in saved.HEAD_LAYERS.items():
        assert kind == type(build({"weight": torch.zeros(2, 3), **more.get(kind, {})})).__name__
