"""Promises that every family keeps, at random weights and on small pictures.

One network a family is built and shared by its tests, each of which leaves it as it was.
"""

import re

import pytest
import torch
from torch import nn
from torchvision import models
from torchvision.models.vision_transformer import VisionTransformer, interpolate_embeddings

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning import prefix as prefix_module
from tl_teach.learning.prefix import Prefix
from tl_teach.learning.rewriting import TOLERANCE
from tl_teach.networks import FAMILIES, WeightsError, seeded
from tl_teach.networks.families import compose
from tl_teach.networks.published import published_weights
from tl_teach.tasks.preprocess import IMAGENET_MEAN, IMAGENET_STD

SIZE = {"inception_v3": 75}


class Case:
    """A network, torchvision's module that it was made of, and two pictures."""

    def __init__(self, name):
        with seeded(0):
            options = {"init_weights": True} if name in ("inception_v3", "googlenet") else {}
            self.theirs = models.get_model(name, weights=None, **options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(models, "get_model", lambda *_, **__: self.theirs)
            self.net = tl.load_network(name, "random", image_size=SIZE.get(name, 64))
        self.name = name
        shape = self.net.preprocess.shape
        self.x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
        with seeded(0):
            for module in self.net.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.momentum = None  # statistics of this one batch, as after long training
            nn.init.normal_(list(self.net.head.parameters())[-2], std=0.05)  # the ViT's is zero
            self.net.train()(self.x)
        self.net.eval()


@pytest.fixture(scope="module", params=FAMILIES)
def case(request):
    return Case(request.param)


@pytest.fixture(autouse=True)
def no_prefix_is_kept():
    yield
    prefix_module._ready.clear()


def state_of(net, *, frozen):
    return {
        name: value.clone()
        for name, value in net.state_dict().items()
        if net.is_frozen(name.split(".")[1]) is frozen
    }


def test_the_stages_compose_to_torchvisions_own(case):
    theirs = case.theirs
    if case.name == "vit_b_16":  # torchvision's takes pictures of one size
        theirs = models.vit_b_16(image_size=64)
        theirs.load_state_dict(interpolate_embeddings(64, 16, case.theirs.state_dict()))
    with torch.no_grad():
        expected, got = theirs.eval()(case.x), case.net(case.x)
    assert got.shape == (2, 1000) and expected.std() > 1e-6
    assert torch.equal(got, expected)


def test_the_stages_have_names_in_order_and_the_head_ends_in_its_output(case):
    blocks = [name for name in case.net.stage_names if re.fullmatch(r"block\d", name)]
    assert case.net.stage_names[0] == "stem" and case.net.stage_names[-1] == "head"
    assert blocks == [f"block{number}" for number in range(1, len(blocks) + 1)]
    assert list(case.net.head._modules)[-1] == "output"


def test_only_layers_without_matrices_stand_before_the_output(case):
    """So that a new head is new: what it keeps of the old one is at most a scale."""
    assert all(p.ndim == 1 or p.shape[1:].numel() == 1 for p in case.net.head[:-1].parameters())


def test_outputs_are_one_tensor_in_train_mode_too(case):
    with torch.no_grad(), seeded(0):
        assert case.net.train()(case.x).shape == (2, 1000)
    case.net.eval()


def test_frozen_parameters_and_buffers_are_bit_identical_at_every_boundary(case):
    net = tl.replace_head(case.net, 3)
    for through in net.stage_names[:-1]:
        tl.freeze(net, through=through).train()
        before, head = state_of(net, frozen=True), tl.fingerprint(net.head)
        optimiser = torch.optim.SGD(net.parameters(), lr=1e-3)
        with seeded(0):  # dropout
            net(case.x).sum().backward()  # never flat, as cross-entropy is where all is right
        optimiser.step()
        after = state_of(net, frozen=True)
        assert all(torch.equal(before[name], after[name]) for name in before), through
        assert tl.fingerprint(net.head) != head
        net.zero_grad()


def test_the_exact_prefix_gives_the_bits_and_the_rewritten_one_is_close(case):
    net = case.net
    with torch.no_grad():
        outputs = net(case.x)
        for through in net.stage_names[:-1]:
            exact, fast = Prefix(net, through, exact=True), Prefix(net, through)
            plain, quick = exact(case.x), fast(case.x)
            assert torch.equal(exact.rest(plain), outputs), through
            assert (plain - quick).abs().max() <= TOLERANCE * plain.abs().max(), through


def test_pooled_features_are_a_vector_a_picture_at_every_boundary(case):
    net = case.net
    for through in net.stage_names[:-1]:
        with torch.no_grad():  # attention computes otherwise where a gradient is wanted
            whole = net.run(case.x, through=through)
        features = Prefix(net, through, exact=True, reduce=False, pool=True)(case.x)
        averaged = whole.mean((2, 3) if whole.ndim == 4 else 1) if whole.ndim > 2 else whole
        assert torch.equal(features, averaged), through


def test_a_new_head_has_new_weights_and_nothing_else_changes(case):
    net = tl.replace_head(case.net, 3)
    assert net(case.x).shape == (2, 3)
    for name in net.stage_names[:-1]:
        ours, theirs = net.stages[name].state_dict(), case.net.stages[name].state_dict()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_network_comes_back_from_its_file(case, tmp_path):
    net = tl.replace_head(case.net, 3)
    net.classes = ("ant", "bee", "cow")
    again = tl.open_network(tl.save_network(net, tmp_path / "net.safetensors"))
    assert again.classes == net.classes and again.preprocess == net.preprocess
    with torch.no_grad():
        assert torch.equal(again(case.x), net(case.x))


# Beside the loop over families


@pytest.fixture(scope="module")
def tiny_vit():
    with seeded(0):
        theirs = VisionTransformer(32, 16, 12, num_heads=2, hidden_dim=8, mlp_dim=8).eval()
        nn.init.normal_(theirs.heads.head.weight)
    return theirs


def test_a_transformer_at_its_own_size_uses_its_own_positions(tiny_vit):
    row = nn.Sequential(*compose(tiny_vit, FAMILIES["vit_b_16"]).values()).eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(row(x), tiny_vit(x))


@pytest.mark.parametrize("name", ["inception_v3", "googlenet"])
def test_a_photograph_gives_what_torchvisions_rescaled_input_gives(name):
    """torchvision normalises for ImageNet and lets these two undo it; we never do either."""
    case = Case(name)
    net, theirs = case.net, case.theirs.eval()
    theirs.transform_input = True
    size = net.preprocess.size
    picture = torch.randint(0, 256, (3, size, size + 9), dtype=torch.uint8)
    transform = published_weights(name).transforms(crop_size=size, resize_size=size)
    with torch.no_grad():
        expected, got = theirs(transform(picture)[None]), net(net.preprocess(picture)[None])
    assert torch.allclose(got, expected, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_preprocessing_is_that_of_the_published_weights(name):
    with torch.device("meta"):
        preprocess = tl.load_network(name, "random").preprocess
    picture = torch.randint(80, 176, (3, 400, 380), dtype=torch.uint8)  # far from 0 and 255
    expected, got = published_weights(name).transforms()(picture), preprocess(picture)
    if name in ("inception_v3", "googlenet"):
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
        expected = (expected * std + mean - 0.5) / 0.5
    # Resizing rounds to whole grey levels, which torchvision's two interfaces do a hair apart.
    assert (got - expected).abs().max() <= 1.01 / 255 / min(preprocess.std)
    assert (got - expected).abs().mean() < 0.005


def test_a_pickled_file_is_refused(tmp_path):
    torch.save(models.squeezenet1_1(), tmp_path / "net.pt")
    with pytest.raises(WeightsError, match="pickled objects are never loaded"):
        tl.load_network("squeezenet1_1", tmp_path / "net.pt")


def test_training_a_family_cached_gives_the_bits_of_training_it_uncached():
    task = tiny.task(labels_per_class=2)
    cached, uncached = (
        tl.freeze(tl.replace_head(tl.load_network("vit_b_16", "random", image_size=32), 3))
        for _ in range(2)
    )
    tl.fit(cached, task, epochs=1, exact=True)
    tl.fit(uncached, task, epochs=1, exact=True, cache=False)
    assert tl.fingerprint(cached.head) == tl.fingerprint(uncached.head)
