import contextlib
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tl_teach as tl
from tl_teach.classroom.answers import AnswerError, Live, NotAsked, Replay, decode, encode

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def travelled(value):
    return decode(json.loads(json.dumps(encode(value))))


@given(PLAIN)
def test_plain_answers_arrive_as_they_left(value):
    assert travelled(value) == value


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
    )
)
def test_arrays_arrive_with_their_bits(array):
    arrived = travelled(array)
    assert arrived.dtype == array.dtype and arrived.shape == array.shape
    assert arrived.tobytes() == array.tobytes()


def test_what_arrives_is_of_plain_types():
    class Sly(float):
        def __eq__(self, other):
            return True

        __hash__ = None

    assert type(travelled(Sly(0.5))) is float
    assert type(travelled(np.float64(0.5))) is float
    assert type(travelled(np.int32(3))) is int
    assert type(travelled(np.bool_(True))) is bool


def test_a_tensor_arrives_without_its_gradient():
    tensor = torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True)
    arrived = travelled(tensor)
    assert torch.equal(arrived, torch.ones(2, 3)) and not arrived.requires_grad


def test_a_network_arrives_with_its_weights_boundary_and_modes():
    net = tl.replace_head(tl.load_network("letters-resnet"), 4, seed=3)
    net = tl.freeze(net, through="block1").train()
    net.stages["block2"].eval()
    net.stages["block3"].requires_grad_(False)
    arrived = travelled(net)
    assert tl.fingerprint(arrived) == tl.fingerprint(net)
    assert [arrived.role(name) for name in arrived.stages] == [
        net.role(name) for name in net.stages
    ]
    assert [m.training for m in arrived.modules()] == [m.training for m in net.modules()]
    assert [p.requires_grad for p in arrived.parameters()] == [
        p.requires_grad for p in net.parameters()
    ]
    assert (arrived.preprocess, arrived.classes) == (net.preprocess, net.classes)


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        object(),
        np.array(["a", None], dtype=object),
        torch.nn.Linear,
        2**5000,
        [[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]],
    ],
)
def test_what_is_no_data_is_refused(value):
    with pytest.raises(AnswerError):
        encode(value)


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"array": ["<f8", [10**9], ""]},
        {"array": ["|O", [1], "AAAAAAAAAAA="]},
        {"array": ["<f8", [-1, -1], "AAAAAAAAAAA="]},
        {"array": ["<f8", [1], "%%%"]},
        {"array": ["<M8[s]", [1], "AAAAAAAAAAA="]},
        {"tensor": 3},
        {"dict": [[{"list": []}, 1]]},
        {"network": {"name": "../../etc"}},
        {"network": {"name": "letters-resnet", "state": {}}},
        {"function": True},
        {"pickle": "gASVAAAA"},
        {"list": [], "tuple": []},
    ],
)
def test_a_forged_document_is_refused_in_a_few_words(document):
    with pytest.raises(AnswerError) as refused:
        decode(document)
    assert len(str(refused.value)) < 100


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda i: (
            st.dictionaries(
                st.sampled_from(["list", "tuple", "dict", "array", "tensor", "network", "x"]),
                i | st.lists(i),
                max_size=2,
            )
            | st.lists(i)
        ),
        max_leaves=8,
    )
)
def test_no_document_raises_anything_else(document):
    with contextlib.suppress(AnswerError):
        decode(document)


def test_a_function_gets_copies_and_gives_copies():
    kept = []

    def append(values):
        values.append(9)
        kept.append(values)
        return values

    mine = [1]
    result = Live("append", append)(mine)
    assert (mine, result) == ([1], [1, 9]) and result is not kept[0]


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda: 1 / 0, "f raised ZeroDivisionError: division by zero"),
        (lambda: object(), "what f returns is a object"),
        (lambda: (_ for _ in ()).throw(NotImplementedError()), "f is not written yet"),
    ],
)
def test_what_goes_wrong_in_a_function_is_said(function, says):
    with pytest.raises(AnswerError, match=says):
        Live("f", function)()


def test_a_replay_answers_what_was_asked_and_nothing_else():
    live = Live("double", lambda v, times=2: times * v)
    asked = [live(np.arange(3)), live(4, times=3)]
    results = {
        json.dumps(call, sort_keys=True, separators=(",", ":")): (True, live.ask(call))
        for call in live.calls
    }
    replay = Replay("double", results | {"x": None})
    assert np.array_equal(replay(np.arange(3)), asked[0]) and replay(4, times=3) == 12
    with pytest.raises(NotAsked):
        replay(5)


def test_every_layer_of_a_head_arrives():
    net = tl.replace_head(tl.load_network("letters-resnet"), 4, hidden=8, dropout=0.25)
    arrived = travelled(net)
    assert [(name, repr(layer)) for name, layer in arrived.head.named_children()] == [
        (name, repr(layer)) for name, layer in net.head.named_children()
    ]
    assert any(isinstance(layer, torch.nn.Dropout) for layer in arrived.head)
    net.head.add_module("softmax", torch.nn.Softmax(1))
    with pytest.raises(AnswerError, match="head has a layer"):  # rather than arrive without it
        travelled(net)


@pytest.mark.parametrize("hidden", [None, 8])
def test_a_network_for_values_arrives_with_its_head(hidden):
    angles = tl.load_task("digit-rotation", labels=20)
    net = tl.replace_head(tl.load_network("letters-resnet"), angles, hidden=hidden).eval()
    arrived = decode(json.loads(json.dumps(encode(net))))
    pictures = torch.rand(3, 1, 28, 28)
    assert torch.equal(arrived(pictures), net(pictures))
    assert (arrived.kind, arrived.unit, arrived.classes) == (net.kind, net.unit, net.classes)
