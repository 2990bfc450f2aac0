import copy
import re

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v2 as torchvision_mobilenet_v2

import tl_teach as tl
from tests.tasks import tiny
from tl_teach import assets
from tl_teach.networks import seeded

OFFLINE = ("letters-resnet", "mobilenet_v2")


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_letters_resnet_has_about_eighty_thousand_parameters():
    assert 75_000 < count(tl.load_network("letters-resnet")) < 85_000


def test_letters_resnet_really_is_residual():
    block = tl.load_network("letters-resnet").stages["block1"]
    x = torch.rand(1, 16, 28, 28)
    inside = torch.relu(block.bn1(block.conv1(x)))
    assert torch.equal(block(x), torch.relu(block.bn2(block.conv2(inside)) + x))


def test_letters_resnet_reads_letters_and_has_never_seen_a_digit():
    net = tl.load_network("letters-resnet")
    assert not any(name.isdigit() for name in net.classes) and len(net.classes) == 37


def test_the_stages_of_mobilenet_compose_to_torchvisions_own():
    theirs = torchvision_mobilenet_v2(weights=None).eval()
    path = assets.path("mobilenet_v2-imagenet")
    theirs.load_state_dict(torch.load(path, weights_only=True))
    ours, x = tl.load_network("mobilenet_v2"), torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x))


def test_mobilenet_trains_as_torchvisions_own_does():
    theirs, ours = torchvision_mobilenet_v2(weights=None), tl.load_network("mobilenet_v2", "random")
    theirs.load_state_dict(torch.load(assets.path("mobilenet_v2-imagenet"), weights_only=True))
    ours.load_state_dict(tl.load_network("mobilenet_v2").state_dict())
    x, losses = torch.randn(4, 3, 64, 64), []
    for net in (theirs.train(), ours.train()):
        torch.manual_seed(0)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
        for _ in range(2):
            loss = nn.functional.cross_entropy(net(x), torch.arange(4))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        losses.append(loss.item())
    assert losses[0] == losses[1]


def test_mobilenet_knows_a_photograph():
    from sklearn.datasets import load_sample_image

    net = tl.load_network("mobilenet_v2")
    with torch.no_grad():
        outputs = net(net.preprocess(load_sample_image("china.jpg"))[None])
    assert net.classes[int(outputs.argmax())] in {"palace", "monastery", "stupa"}


@pytest.mark.parametrize("name", OFFLINE)
def test_running_the_parts_gives_what_the_whole_gives(name):
    net = tl.load_network(name, image_size=32)
    x = torch.randn(2, *net.preprocess.shape)
    with torch.no_grad():
        whole = net(x)
        for stage in net.stage_names:
            assert torch.equal(net.run(net.run(x, through=stage), after=stage), whole)


@pytest.mark.parametrize("name", OFFLINE)
def test_a_network_is_loaded_in_eval_mode_with_nothing_frozen(name):
    net = tl.load_network(name)
    assert net.frozen_through is None and all(p.requires_grad for p in net.parameters())
    assert not any(module.training for module in net.modules())


@pytest.mark.parametrize("name", OFFLINE)
def test_the_head_comes_last(name):
    net = tl.load_network(name)
    assert net.stage_names[-1] == "head" and net.head is net.stages["head"]


@pytest.mark.parametrize("name", OFFLINE)
def test_random_weights_follow_the_seed(name):
    first, again, other = (tl.load_network(name, "random", seed=seed) for seed in (1, 1, 2))
    assert tl.fingerprint(first) == tl.fingerprint(again) != tl.fingerprint(other)


def test_random_weights_are_new_and_pretrained_ones_are_copied():
    assert {*tl.load_network("letters-resnet", "random").copied.values()} == {False}
    assert {*tl.load_network("letters-resnet").copied.values()} == {True}


@pytest.mark.parametrize(
    "action",
    [
        lambda tmp: tl.load_network("letters-resnet"),
        lambda tmp: tl.load_network("letters-resnet", "random"),
        lambda tmp: tl.load_network("mobilenet_v2"),
        lambda tmp: tl.load_network("letters-resnet", small_head(tmp)),
        lambda tmp: tl.replace_head(tiny.network(), 5),
        lambda tmp: tl.fit(tiny.network(dropout=0.5), tiny.task(), epochs=1, patience=1),
    ],
    ids=["load", "load random", "load mobilenet", "load another head", "replace_head", "fit"],
)
def test_the_callers_random_numbers_are_left_alone(action, tmp_path):
    small_head(tmp_path)
    torch.manual_seed(0)
    np.random.seed(0)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(0)
    np.random.seed(0)
    action(tmp_path)
    assert (torch.rand(1), np.random.rand()) == expected


def small_head(folder):
    path = folder / "small.safetensors"
    if not path.exists():
        tl.save_network(tl.replace_head(tl.load_network("letters-resnet"), 4), path)
    return path


def test_replace_head_leaves_the_original_as_it_is():
    net = tl.freeze(tiny.network(), through="block1")
    before = tl.fingerprint(net)
    changed = tl.replace_head(net, 7)
    changed.stages["stem"].conv.weight.data.zero_()
    assert tl.fingerprint(net) == before and len(net.classes) == 3
    assert net.role("head") == "fine-tuned" and changed.head.output.out_features == 7


def test_replace_head_keeps_the_boundary_and_the_other_weights():
    net = tl.freeze(tiny.network(), through="block1")
    changed = tl.replace_head(net, 7)
    assert changed.frozen_through == "block1"
    for stage in net.stage_names[:-1]:
        assert tl.fingerprint(changed.stages[stage]) == tl.fingerprint(net.stages[stage])


def test_a_new_head_always_learns():
    changed = tl.replace_head(tl.freeze(tiny.network(), through="head"), 7)
    assert changed.frozen_through == "block2"
    assert all(parameter.requires_grad for parameter in changed.head.parameters())


def test_a_new_head_follows_its_seed():
    heads = [tl.replace_head(tiny.network(), 5, seed=seed).head for seed in (1, 1, 2)]
    first, again, other = map(tl.fingerprint, heads)
    assert first == again != other


def test_a_new_head_fits_the_task():
    task = tiny.task(classes=("x", "y"))
    net = tl.replace_head(tiny.network(), task)
    assert net.classes == ("x", "y") and net(task.train[0][0][None]).shape == (1, 2)


@pytest.mark.parametrize("task", [tiny.regression_task(), tiny.multilabel_task()], ids=repr)
def test_a_new_head_fits_other_kinds_of_task(task):
    net = tl.replace_head(tiny.network(), task)
    assert net(task.train[0][0][None]).shape == (1, task.outputs)


@pytest.mark.parametrize("outputs", [0, -1, 2.0, True, "10", None])
def test_an_impossible_number_of_outputs_is_refused(outputs):
    with pytest.raises(ValueError, match=r"positive number of outputs, but got .*load_task"):
        tl.replace_head(tiny.network(), outputs)


def test_the_roles_are_frozen_fine_tuned_and_new():
    net = tl.freeze(tl.replace_head(tiny.network(), 4), through="block1")
    assert [net.role(name) for name in net.stages] == ["frozen", "frozen", "fine-tuned", "new"]


def test_random_and_frozen_has_a_name_of_its_own():
    net = tl.freeze(tiny.network(copied=False), through="stem")
    assert net.role("stem") == "random and frozen" and net.role("block1") == "new"


def test_the_picture_of_a_network_in_text_names_each_role():
    net = tl.freeze(tl.replace_head(tiny.network(), 4), through="stem")
    assert repr(net) == (
        "<network 'tiny-net': [stem: frozen] [block1: fine-tuned] [block2: fine-tuned] [head: new]>"
    )


def test_what_is_frozen_and_what_learns_are_the_two_sides_of_the_boundary():
    net = tl.freeze(tiny.network(), through="block1")
    assert net.frozen == ("stem", "block1") and net.learning == ("block2", "head")
    assert tl.unfreeze(net).frozen == () and net.learning == net.stage_names


def test_a_walk_ends_with_what_the_network_gives():
    net, x = tiny.network(), torch.randn(2, 1, 8, 8)
    outputs = dict(net.walk(x))
    assert tuple(outputs) == net.stage_names
    assert torch.equal(outputs["head"], net(x))
    assert torch.equal(outputs["block1"], net.run(x, through="block1"))


def test_another_image_size_changes_the_input_and_not_the_weights():
    net = tl.load_network("mobilenet_v2", image_size=96)
    assert net.preprocess.shape == (3, 96, 96)
    assert tl.fingerprint(net) == tl.fingerprint(tl.load_network("mobilenet_v2"))


@pytest.mark.parametrize("size", [0, -8, 28.5, "28", True])
def test_an_impossible_image_size_is_refused(size):
    with pytest.raises(ValueError, match=r"image_size=.* does not work: expected a whole number"):
        tl.load_network("letters-resnet", image_size=size)


def test_an_unknown_network_is_named_with_what_was_meant():
    with pytest.raises(ValueError, match=r"'mobilenetv2'.*did you mean 'mobilenet_v2'"):
        tl.load_network("mobilenetv2")


@pytest.mark.parametrize("part", ["running_mean", "num_batches_tracked", "weight"])
def test_a_fingerprint_changes_with_every_parameter_and_buffer(part):
    net = tiny.network()
    before = tl.fingerprint(net)
    getattr(net.stages["block1"].bn1, part).data += 1
    assert tl.fingerprint(net) != before


def test_a_fingerprint_is_that_of_the_values_alone():
    net = tiny.network()
    twin = tl.freeze(copy.deepcopy(net).train())
    assert tl.fingerprint(twin) == tl.fingerprint(net)


@pytest.mark.parametrize("seed", [-1, "a", 1.5, None])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(ValueError, match=rf"seed={seed!r} does not work: expected a whole number"):
        tl.load_network("letters-resnet", "random", seed=seed)


def test_a_head_without_a_layer_to_replace_is_refused():
    net = tiny.network()
    net.stages["head"] = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(128, 3))
    with pytest.raises(ValueError, match=r"'tiny-net' does not end in a linear layer.*pooled_head"):
        tl.replace_head(net, 2)


def test_a_missing_folder_is_said_by_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere' for 'net"):
        tl.save_network(tl.load_network("letters-resnet"), tmp_path / "nowhere" / "net.safetensors")


@pytest.mark.parametrize("names", [[], ["body"], ["head"], ["head", "body"], ["body", "output"]])
def test_a_row_without_a_body_or_a_head_at_its_end_is_refused(names):
    stages = {name: torch.nn.Flatten() for name in names}
    with pytest.raises(ValueError, match=rf"of 'mine' is {re.escape(str(names))}; expected one or"):
        tl.Network("mine", stages, tiny.TINY8, ("a",))


@pytest.mark.parametrize("frozen", [-1, 6])
def test_a_boundary_beyond_the_row_is_refused(frozen):
    net = tl.load_network("letters-resnet")
    with pytest.raises(ValueError, match=rf"frozen={frozen} does not work: .* has 5 stages"):
        net.set_boundary(frozen)
    assert net.frozen_through is None


def test_a_seed_leaves_the_numbers_of_apples_graphics_alone(monkeypatch):
    states = ["the reader's"]
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: states[-1])
    monkeypatch.setattr(torch.mps, "set_rng_state", states.append)
    monkeypatch.setattr(torch, "manual_seed", lambda seed: states.append(seed))
    with pytest.raises(KeyError), seeded(3):
        raise KeyError
    assert states == ["the reader's", 3, "the reader's"]
