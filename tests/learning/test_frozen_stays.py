"""Frozen means frozen: whatever trains, however it ends, and whatever the head is for."""

import copy

import pytest
import torch

import tl_teach as tl
from tests.networks.test_heads import values_task
from tests.tasks import tiny

BOUNDARIES = [None, "stem", "block1", "block2"]
TASKS = {
    "classes": tiny.task,
    "labels": tiny.multilabel_task,
    "values": values_task,
    "values in a range": lambda: values_task((0, 100)),
    "several values": lambda: values_task(outputs=2),
}
HEADS = {"linear": {}, "deeper": {"hidden": 6, "dropout": 0.3}}


def plain(net, task, folder):
    tl.fit(net, task, epochs=2, lr=1e-2)


def decayed(net, task, folder):
    tl.fit(net, task, epochs=2, lr=1e-2, lr_decay=0.5, weight_decay=0.1, schedule="one-cycle")


def augmented(net, task, folder):
    tl.fit(net, task, epochs=2, augment=lambda picture: picture.flip(-1), views=2)


def stopped_early(net, task, folder):
    tl.fit(net, task, epochs=6, lr=0.3, patience=1)


def interrupted(net, task, folder):
    calls = []

    def stop(module, inputs):
        calls.append(1)
        if len(calls) > 4:
            raise KeyboardInterrupt

    hook = net.head.output.register_forward_pre_hook(stop)
    assert tl.fit(net, task, epochs=50, batch_size=8, cache=False).interrupted
    hook.remove()


def resumed(net, task, folder):
    first = copy.deepcopy(net)
    tl.fit(first, task, epochs=2, checkpoint=folder / "run.pt")
    tl.fit(net, task, epochs=2, checkpoint=folder / "run.pt")
    assert tl.fingerprint(first) == tl.fingerprint(net)


WAYS = [plain, decayed, augmented, stopped_early, interrupted, resumed]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("through", BOUNDARIES)
def test_nothing_before_the_boundary_moves_and_something_after_it_does(
    through, kind, head, way, tmp_path
):
    task = TASKS[kind]()
    net = tl.replace_head(tiny.network(), task, **HEADS[head])
    if through:
        tl.freeze(net, through=through)
    before = {name: tl.fingerprint(stage) for name, stage in net.stages.items()}
    way(net.train(), task, tmp_path)
    for name, stage in net.stages.items():
        assert (tl.fingerprint(stage) == before[name]) == net.is_frozen(name), name
        assert all(p.requires_grad != net.is_frozen(name) for p in stage.parameters())
    assert net.frozen_through == through and not net.training


MIDDLE = tl.Recipe("letters-resnet", tl.Phase("block2", epochs=1))
EXACT = tl.Recipe("letters-resnet", tl.Phase(True, solver="lbfgs", weight_decay=1e-2))
DEEPER = tl.Recipe("letters-resnet", tl.Phase(True, epochs=1), head={"hidden": 8})


@pytest.mark.parametrize("recipe, name", [
    (MIDDLE, "printed-digits"), (EXACT, "printed-digits"), (DEEPER, "printed-digits"),
    (MIDDLE, "digit-rotation"), (DEEPER, "digit-rotation"),
])  # fmt: skip
def test_a_recipe_leaves_the_stages_that_it_freezes(recipe, name):
    task = tl.load_task(name, labels=20)
    net, _ = recipe.train(task)
    source = tl.load_network("letters-resnet")
    for stage in net.stage_names:
        same = tl.fingerprint(net.stages[stage]) == tl.fingerprint(source.stages[stage])
        assert same == net.is_frozen(stage)


def test_gradual_unfreezing_moves_a_stage_only_from_its_own_phase_on():
    task, net = tl.load_task("printed-digits", labels=20), None
    recipe = tl.gradual_unfreezing("letters-resnet", epochs=1, lr=1e-3)
    net = recipe.build(task)
    for phase in recipe.phases:
        before = {name: tl.fingerprint(stage) for name, stage in net.stages.items()}
        phase.run(net, task)
        for name, stage in net.stages.items():
            assert (tl.fingerprint(stage) == before[name]) == net.is_frozen(name)


def test_the_running_statistics_of_a_frozen_stage_stand_still_under_a_readers_own_loop():
    net = tl.freeze(tiny.network(), through="block1").train()
    before = {name: b.clone() for name, b in net.named_buffers() if "block2" not in name}
    net(torch.rand(8, 1, 8, 8)).sum().backward()
    assert all(torch.equal(b, before[name]) for name, b in net.named_buffers() if name in before)
