import copy
import pickle
import re
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.networks import Network

TINY = ("stem", "block1", "block2", "head")
LETTERS = ("stem", "block1", "block2", "block3", "head")
MOBILENET = ("stem", *(f"block{number}" for number in range(1, 7)), "head")
BOUNDARIES = [
    (name, stage)
    for name, stages in (("letters-resnet", LETTERS), ("mobilenet_v2", MOBILENET))
    for stage in (None, *stages[:-1])
]

every_boundary = pytest.mark.parametrize(("name", "through"), BOUNDARIES)


def load(name, through=None, **options):
    """A small-input network, as a reader would have it just before training."""
    size = {"letters-resnet": 28, "mobilenet_v2": 32}[name]
    net = tl.replace_head(tl.load_network(name, image_size=size, **options), 3)
    return net if through is None else tl.freeze(net, through=through)


def state_of(net, *, frozen):
    return {
        name: value.clone()
        for name, value in net.state_dict().items()
        if net.is_frozen(name.split(".")[1]) is frozen
    }


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def inputs(net, count=6):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, *net.preprocess.shape, generator=generator)


def plain_loop(net, steps=2, optimiser=None, *, set_to_none=True):
    """What a reader writes: every parameter goes into the optimiser, and net.train()."""
    optimiser = optimiser or torch.optim.SGD(
        net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01
    )
    net.train()
    for step in range(steps):
        outputs = net(inputs(net))
        loss = nn.functional.cross_entropy(outputs, (torch.arange(6) + step) % outputs.shape[1])
        optimiser.zero_grad(set_to_none=set_to_none)
        loss.backward()
        optimiser.step()
    return optimiser


def test_every_boundary_is_tested():
    assert tl.load_network("letters-resnet").stage_names == LETTERS
    assert tl.load_network("mobilenet_v2").stage_names == MOBILENET


@every_boundary
def test_parameters_need_a_gradient_only_after_the_boundary(name, through):
    net = load(name, through)
    for stage, module in net.stages.items():
        assert {p.requires_grad for p in module.parameters()} == {not net.is_frozen(stage)}


@every_boundary
def test_frozen_stages_stay_in_eval_mode_after_train(name, through):
    net = load(name, through).train()
    for stage, module in net.stages.items():
        assert {part.training for part in module.modules()} == {not net.is_frozen(stage)}


@every_boundary
def test_a_plain_loop_leaves_frozen_parameters_and_buffers_bit_identical(name, through):
    net = load(name, through)
    before = state_of(net, frozen=True)
    plain_loop(net)
    assert same(before, state_of(net, frozen=True))


@every_boundary
def test_a_plain_loop_moves_every_stage_after_the_boundary(name, through):
    net = load(name, through)
    before = {stage: tl.fingerprint(module) for stage, module in net.stages.items()}
    plain_loop(net)
    moved = {
        stage for stage, module in net.stages.items() if tl.fingerprint(module) != before[stage]
    }
    assert moved == {stage for stage in net.stages if not net.is_frozen(stage)}


@every_boundary
def test_fit_leaves_frozen_parameters_and_buffers_bit_identical(name, through):
    net = load(name, through)
    task = tiny.task(labels_per_class=2)
    before = state_of(net, frozen=True)
    tl.fit(net, task, epochs=1, lr=0.1)
    assert same(before, state_of(net, frozen=True))


@every_boundary
def test_fit_moves_every_stage_after_the_boundary(name, through):
    net = load(name, through)
    before = {stage: tl.fingerprint(module) for stage, module in net.stages.items()}
    tl.fit(net, tiny.task(labels_per_class=2), epochs=1, lr=0.1)
    moved = {
        stage for stage, module in net.stages.items() if tl.fingerprint(module) != before[stage]
    }
    assert moved == {stage for stage in net.stages if not net.is_frozen(stage)}


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(TINY)), min_size=1, max_size=6))
def test_freezing_sets_the_boundary_and_unfreezing_only_moves_it_left(moves):
    net, boundary = tiny.network(), 0
    for freezing, stage in moves:
        if freezing:
            boundary = TINY.index(stage) + 1
            tl.freeze(net, through=stage)
        else:
            boundary = min(boundary, TINY.index(stage))
            tl.unfreeze(net, from_=stage)
        assert net.frozen_through == (TINY[boundary - 1] if boundary else None)
        learn = [p.requires_grad for module in net.stages.values() for p in module.parameters()]
        assert learn == sorted(learn) and [net.is_frozen(name) for name in TINY] == [
            place < boundary for place in range(4)
        ]


def test_freeze_alone_freezes_all_but_the_head():
    assert tl.freeze(tiny.network()).frozen_through == "block2"


def test_unfreeze_alone_lets_everything_learn():
    net = tl.unfreeze(tl.freeze(tiny.network()))
    assert net.frozen_through is None and all(p.requires_grad for p in net.parameters())


def test_an_unfrozen_stage_trains_again_and_its_statistics_move():
    net = tl.unfreeze(tl.freeze(tiny.network()), from_="block2")
    before = net.stages["block2"].bn1.running_mean.clone()
    net.train()(inputs(net))
    assert not torch.equal(before, net.stages["block2"].bn1.running_mean)


def test_unfreezing_is_followed_by_fit():
    net = tl.freeze(tiny.network())
    tl.fit(net, tiny.task(), epochs=1)
    before = tl.fingerprint(net.stages["block2"])
    assert tl.fit(tl.unfreeze(net, from_="block2"), tiny.task(), epochs=1).trained[0] == "block2"
    assert tl.fingerprint(net.stages["block2"]) != before


def test_freezing_and_unfreezing_keep_the_weights_and_the_mode():
    net = tiny.network().train()
    before = tl.fingerprint(net)
    assert tl.unfreeze(tl.freeze(net)) is net
    assert net.training and tl.fingerprint(net) == before


@pytest.mark.parametrize("set_to_none", [True, False])
def test_momentum_does_not_move_a_stage_frozen_in_mid_training(set_to_none):
    net = tiny.network()
    optimiser = plain_loop(net)
    tl.freeze(net, through="block1")
    before = state_of(net, frozen=True)
    plain_loop(net, optimiser=optimiser, set_to_none=set_to_none)
    assert same(before, state_of(net, frozen=True))


def test_a_gradient_left_from_before_does_not_move_a_frozen_stage():
    net = tiny.network().train()
    optimiser = torch.optim.Adam(net.parameters(), lr=0.1)
    net(inputs(net)).sum().backward()
    tl.freeze(net, through="block1")
    before = state_of(net, frozen=True)
    optimiser.step()
    assert same(before, state_of(net, frozen=True))


def test_a_gradient_left_from_before_does_not_change_what_fit_learns():
    clean = tl.freeze(tiny.network(), through="stem")
    stale = copy.deepcopy(clean)
    stale(inputs(stale)).square().sum().backward()
    for net in (clean, stale):
        tl.fit(net, tiny.task(), epochs=1)
    assert tl.fingerprint(clean) == tl.fingerprint(stale)


@pytest.mark.parametrize("way", ["the stage", "the row", "a wrapper", "the parent"])
def test_frozen_buffers_do_not_move_whatever_train_is_called_on(way):
    net = tl.freeze(tiny.network(), through="block1")
    parent = nn.Sequential(net)
    before = state_of(net, frozen=True)
    {
        "the stage": lambda: net.stages["stem"].train(),
        "the row": lambda: net.stages.train(),
        "a wrapper": lambda: nn.ModuleList([net]).train(),
        "the parent": lambda: parent.train(),
    }[way]()
    parent(inputs(net))
    assert same(before, state_of(net, frozen=True))


def test_the_frozen_part_gives_the_same_numbers_in_train_and_eval_mode():
    net = tl.freeze(tiny.network(dropout=0.5), through="block2")
    x = inputs(net)
    assert torch.equal(net.train().run(x, through="block2"), net.eval().run(x, through="block2"))


def test_no_gradient_is_kept_for_a_frozen_stage():
    net = tl.freeze(tiny.network(), through="block1").train()
    net(inputs(net)).sum().backward()
    assert all(p.grad is None for name in ("stem", "block1") for p in net.stages[name].parameters())
    assert all(p.grad is not None for p in net.stages["block2"].parameters())


@pytest.mark.parametrize("function", [tl.freeze, tl.unfreeze])
@pytest.mark.parametrize("stage", ["block9", ["stem"]])
def test_an_unknown_stage_is_named_with_those_that_exist(function, stage):
    words = re.escape(f"no stage of 'tiny-net' named {stage!r}; expected one of")
    with pytest.raises(ValueError, match=words):
        function(tiny.network(), stage)


@pytest.mark.parametrize("net", [nn.Linear(1, 1), "letters-resnet", None])
def test_what_has_no_stages_is_refused_with_the_way_to_one(net):
    with pytest.raises(TypeError, match=r"but got .*load one with tl\.load_network"):
        tl.freeze(net)


def shared_network():
    shared = nn.Linear(4, 4)
    stages = OrderedDict(
        one=nn.Sequential(nn.Flatten(), nn.Linear(64, 4)),
        two=nn.Sequential(shared),
        three=nn.Sequential(nn.ReLU(), shared),
        head=nn.Sequential(OrderedDict(output=nn.Linear(4, 3))),
    )
    return Network("shared", stages, tiny.TINY8, ("a", "b", "c"))


def test_a_boundary_between_shared_parameters_is_refused():
    with pytest.raises(ValueError, match="stages 'two' and 'three' share a parameter"):
        tl.freeze(shared_network(), through="two")


def test_a_refused_boundary_changes_nothing():
    net = tl.freeze(shared_network(), through="three")
    with pytest.raises(ValueError, match="share a parameter"):
        tl.unfreeze(net, from_="three")
    assert net.frozen_through == "three" and not net.stages["three"][1].weight.requires_grad


@pytest.mark.parametrize("through", ["one", "three"])
def test_a_boundary_beside_shared_parameters_is_allowed(through):
    assert tl.freeze(shared_network(), through=through).frozen_through == through


COPIES = {
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
}


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_stays_frozen(way):
    net = tl.freeze(tiny.network(), through="block1")
    twin = COPIES[way](net)
    assert tl.fingerprint(twin) == tl.fingerprint(net) and twin.frozen_through == "block1"
    before = state_of(twin, frozen=True)
    plain_loop(twin)
    assert same(before, state_of(twin, frozen=True))


@pytest.mark.parametrize("way", COPIES)
def test_training_a_copy_leaves_the_original_alone(way):
    net = tiny.network()
    before = tl.fingerprint(net)
    plain_loop(COPIES[way](net))
    assert tl.fingerprint(net) == before


def test_a_state_dict_goes_through_torch_save_and_keeps_the_boundary(tmp_path):
    trained, net = tiny.network(seed=1), tl.freeze(tiny.network(), through="block1")
    torch.save(trained.state_dict(), tmp_path / "net.pt")
    net.load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True))
    assert tl.fingerprint(net) == tl.fingerprint(trained) and net.frozen_through == "block1"
    before = state_of(net, frozen=True)
    plain_loop(net)
    assert same(before, state_of(net, frozen=True))


def test_the_optimiser_of_fit_holds_only_what_can_learn(monkeypatch):
    held = []

    class Spy(torch.optim.AdamW):
        def __init__(self, parameters, **options):
            parameters = list(parameters)
            held.extend(parameters)
            super().__init__(parameters, **options)

    monkeypatch.setattr(torch.optim, "AdamW", Spy)
    net = tl.freeze(tiny.network(), through="block1")
    tl.fit(net, tiny.task(), epochs=1)
    expected = [p for name in ("block2", "head") for p in net.stages[name].parameters()]
    assert [id(p) for p in held] == [id(p) for p in expected]
