import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.networks.outputs import RangedLinear, ScaledLinear
from tl_teach.tasks import ArrayImages, Collection, TaskInfo, divide


def values_task(range_=None, outputs=1, count=60, scale=40.0):
    places = np.arange(count) % 3
    values = scale + places[:, None] * np.arange(1, outputs + 1)
    names = tuple(f"out{number}" for number in range(outputs))
    about = TaskInfo("values", "regression", names, None, "Nobody (2020)", "CC0", range=range_)
    labels = values[:, 0] if outputs == 1 else values
    return divide(Collection(about, ArrayImages(tiny.pictures(places)), labels, tiny.TINY8, 0.2))


@pytest.mark.parametrize("make, kind", [
    (tiny.task, nn.Linear), (tiny.multilabel_task, nn.Linear),
    (values_task, ScaledLinear), (lambda: values_task((0, 100)), RangedLinear),
])  # fmt: skip
def test_the_task_chooses_the_last_layer(make, kind):
    task = make()
    net = tl.replace_head(tiny.network(7), task)
    assert type(net.head.output) is kind
    assert net.head.output.out_features == task.outputs and net.kind == task.kind


def test_a_whole_number_of_numpy_is_a_number_of_outputs():
    assert tl.replace_head(tiny.network(), np.int64(5)).classes == ("0", "1", "2", "3", "4")


@settings(deadline=None, max_examples=20)
@given(st.floats(-1e3, 1e3), st.floats(0.01, 1e3), st.floats(-1e6, 1e6))
def test_no_output_leaves_the_range(low, width, size):
    layer = RangedLinear(4, 2, low, low + width)
    out = layer(torch.full((3, 4), size)).detach()
    slack = 1e-4 * (abs(low) + width)
    assert bool((out >= low - slack).all()) and bool((out <= low + width + slack).all())


def test_values_without_a_range_start_from_the_mean_of_the_training_targets():
    task = values_task()
    net = tl.freeze(tl.replace_head(tiny.network(), task))
    result = tl.evaluate(net, task.validation)
    assert float((result.predictions - 41).abs().max()) < 5
    history = tl.fit(net, task, epochs=1, lr=1e-3)
    assert history.train_loss[0] < 10  # not 41 squared


@pytest.mark.parametrize("range_", [None, (40, 45)])
@pytest.mark.parametrize("outputs", [1, 2])
def test_values_are_learned_in_their_own_units(range_, outputs):
    task = values_task(range_, outputs)
    net = tl.replace_head(tiny.network(), task)
    tl.fit(net, task, epochs=40, lr=2e-2, batch_size=16)
    result = tl.evaluate(net, task.validation)
    assert result.outputs.shape == (len(task.validation), outputs) and result.score > 0.7


def test_a_deeper_head_has_one_more_layer_and_is_replaced_as_a_whole():
    deep = tl.replace_head(tiny.network(), 5, hidden=16, dropout=0.3)
    assert deep.head.hidden.out_features == 16 == deep.head.output.in_features
    assert deep.head.dropout.p == 0.3
    again = tl.replace_head(deep, 4)
    assert not hasattr(again.head, "hidden") and again.head.output.in_features == 8
    assert again.head.dropout.p == 0.3 and not hasattr(
        tl.replace_head(deep, 4, dropout=0).head, "dropout"
    )


@pytest.mark.parametrize("options", [{}, {"hidden": 6}, {"dropout": 0.5}])
@pytest.mark.parametrize("make", [tiny.task, tiny.multilabel_task, values_task])
def test_the_same_seed_starts_the_same_head(make, options):
    nets = [tl.replace_head(tiny.network(), make(), seed=3, **options) for _ in range(2)]
    other = tl.replace_head(tiny.network(), make(), seed=4, **options)
    assert tl.fingerprint(nets[0]) == tl.fingerprint(nets[1]) != tl.fingerprint(other)


@pytest.mark.parametrize("options", [{}, {"hidden": 6}])
@pytest.mark.parametrize("make", [tiny.task, values_task, lambda: values_task((0, 100))])
def test_every_head_is_saved_and_loaded(tmp_path, make, options):
    task = make()
    source = tl.load_network("letters-resnet")
    net = tl.replace_head(source, task, **options)
    path = tl.save_network(net, tmp_path / "net.safetensors")
    again = tl.load_network("letters-resnet", weights=path)
    x = torch.rand(3, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(net.eval()(x), again(x))
    assert again.kind == net.kind


def test_rows_of_classes_are_reused_by_name():
    source = tiny.network(3)
    source.classes = ("cat", "dog", "cow")
    task = tiny.task(classes=("hound", "kitten", "newt"))
    net = tl.replace_head(source, task, reuse_classes={"hound": "dog", "kitten": "cat"})
    for new, old in ((0, 1), (1, 0)):
        assert torch.equal(net.head.output.weight[new], source.head.output.weight[old])
        assert torch.equal(net.head.output.bias[new], source.head.output.bias[old])
    plain = tl.replace_head(source, task)
    assert torch.equal(net.head.output.weight[2], plain.head.output.weight[2])


BAD = {
    "no task": (lambda n: tl.replace_head(n, "digits"), "needs a task or a positive number"),
    "no outputs": (lambda n: tl.replace_head(n, 0), "needs a task or a positive number"),
    "hidden=0": (lambda n: tl.replace_head(n, 3, hidden=0), "hidden=0 does not work"),
    "hidden=2.5": (lambda n: tl.replace_head(n, 3, hidden=2.5), "hidden=2.5 does not work"),
    "dropout=1": (lambda n: tl.replace_head(n, 3, dropout=1), "dropout=1 does not work"),
    "dropout=x": (lambda n: tl.replace_head(n, 3, dropout="x"), "dropout='x' does not work"),
    "new class": (
        lambda n: tl.replace_head(n, tiny.task(), reuse_classes={"wasp": "0"}),
        "no class named 'wasp'; expected one of 'ant', 'bee', 'cow'",
    ),
    "old class": (
        lambda n: tl.replace_head(n, tiny.task(), reuse_classes={"ant": "9"}),
        "no class named '9'",
    ),
    "reuse for values": (
        lambda n: tl.replace_head(n, values_task(), reuse_classes={"out0": "0"}),
        "works for classification only",
    ),
    "reuse and hidden": (
        lambda n: tl.replace_head(n, tiny.task(), hidden=4, reuse_classes={"ant": "0"}),
        "without hidden=",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_head_that_cannot_be_is_refused_in_one_sentence(case):
    call, words = BAD[case]
    with pytest.raises(ValueError, match=words) as caught:
        call(tiny.network())
    assert "\n" not in str(caught.value)
