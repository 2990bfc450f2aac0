"""Promises of the frozen-prefix cache: the same result, and never a stale value."""

import copy
import random
import threading
import types
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning import feed as feed_module
from tl_teach.learning import prefix as prefix_module
from tl_teach.learning import rewriting
from tl_teach.learning import store as store_module
from tl_teach.learning.feed import KeptFeed, LiveFeed, feed
from tl_teach.learning.prefix import Prefix
from tl_teach.learning.rewriting import TOLERANCE
from tl_teach.learning.store import STORE, DiskShelf
from tl_teach.tasks import ArrayImages, Collection, divide


def small(name, image_size=32):
    """A network at a size that runs in a moment, with statistics as after some training."""
    size = {"image_size": image_size}
    net = tiny.network() if name == "tiny" else tl.load_network(name, "random", **size)
    net = tl.replace_head(net, 3)
    inputs = torch.randn(8, *net.preprocess.shape, generator=torch.Generator().manual_seed(0))
    net.train()(inputs)
    return net.eval()


CASES = [
    (name, stage)
    for name in ("tiny", "letters-resnet", "mobilenet_v2")
    for stage in (None, *small(name).stage_names[:-1])
]


def weights_agree(first, second, atol):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.allclose(a.float(), b.float(), atol=atol) for a, b in pairs)


def everything(supply):
    return supply(torch.arange(len(supply)))


@pytest.mark.parametrize(("name", "through"), CASES)
def test_exact_cached_training_gives_the_bits_of_uncached_training(name, through):
    cached, uncached = small(name), small(name)
    for net in (cached, uncached):
        if through:
            tl.freeze(net, through=through)
    task = tiny.task(labels_per_class=4)
    tl.fit(cached, task, epochs=2, batch_size=6, exact=True)
    tl.fit(uncached, task, epochs=2, batch_size=6, exact=True, cache=False)
    assert tl.fingerprint(cached) == tl.fingerprint(uncached)


@pytest.mark.parametrize(("name", "through"), CASES)
def test_the_rewritten_prefix_differs_by_rounding_only(name, through):
    net = small(name)
    inputs = torch.randn(5, *net.preprocess.shape)
    plain, fast = Prefix(net, through, exact=True)(inputs), Prefix(net, through)(inputs)
    assert (plain - fast).abs().max() <= TOLERANCE * plain.abs().max()
    outputs = net(inputs).detach()
    rest = Prefix(net, through).rest(fast).detach()
    assert torch.allclose(rest, outputs, atol=1e-3 * float(outputs.abs().max()))


@pytest.mark.parametrize("through", ["stem", "block1", "block2"])
def test_cached_and_uncached_validation_scores_agree(through):
    cached, uncached = (tl.freeze(tiny.network(), through=through) for _ in range(2))
    task = tiny.task()
    ours = tl.fit(cached, task, epochs=4, lr=1e-2, validate=True)
    theirs = tl.fit(uncached, task, epochs=4, lr=1e-2, validate=True, exact=True, cache=False)
    assert ours.validation_score == pytest.approx(theirs.validation_score, abs=0.1)
    assert weights_agree(cached, uncached, atol=1e-3)


def test_a_network_that_cannot_be_rewritten_keeps_its_plain_layers():
    class Picky(nn.Module):
        def forward(self, x):
            return x * 2 if float(x.sum()) > 0 else x  # torch.fx cannot follow this

    net = tiny.network()
    net.stages["block1"] = Picky()
    inputs = torch.randn(4, 1, 8, 8)
    plain, fast = Prefix(net, "block1", exact=True), Prefix(net, "block1")
    assert torch.allclose(plain(inputs), fast(inputs), atol=1e-6)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
@pytest.mark.parametrize("name", ["letters-resnet", "mobilenet_v2", "resnet18"])
def test_convolutions_clamp_themselves_and_batchnorm_is_gone(name):
    net = small(name, image_size=64)  # PyTorch 2.7 cannot add to maps of one pixel
    plain = nn.Sequential(*net.stages.values())
    inputs = torch.randn(3, *net.preprocess.shape)
    with torch.no_grad():
        fast = rewriting.rewritten(plain, inputs)
        left = {type(layer) for layer in fast.modules()}
        assert rewriting.FusedConvolution in left
        assert not left & {nn.Conv2d, nn.BatchNorm2d, nn.ReLU6}
        assert not _called(fast, "add", "relu")
        assert torch.allclose(fast(inputs), plain(inputs), atol=1e-4)


def _called(fast, *names):
    """Functions that are called between layers, and have one of these in their names."""
    graphs = [module.graph for module in fast.modules() if isinstance(module, torch.fx.GraphModule)]
    called = [str(n.target) for g in graphs for n in g.nodes if n.op == "call_function"]
    return [target for target in called if any(name in target for name in names)]


class Stage(nn.Module):
    """Layers, put together as the case says."""

    def __init__(self, put_together):
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.apart = nn.Conv2d(4, 4, 1, groups=2)
        self.clamp, self.clamp6 = nn.ReLU(), nn.ReLU6()
        self.same, self.drop = nn.Identity(), nn.Dropout(0.5)
        self.put_together = put_together

    def forward(self, x):
        return self.put_together(self, x)


def in_place(m, x):
    y = m.first(x)
    y += x
    return y


def rewritten(put_together, inputs):
    torch.manual_seed(0)
    plain = nn.Sequential(Stage(put_together)).eval()
    with torch.no_grad():
        fast = rewriting.rewritten(plain, inputs[:1])
        assert torch.allclose(fast(inputs.clone()), plain(inputs.clone()), atol=1e-5)
    return fast


def fused(fast):
    return sum(isinstance(layer, rewriting.FusedConvolution) for layer in fast.modules())


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
@pytest.mark.parametrize(
    ("put_together", "fused_layers", "additions_left"),
    [
        (lambda m, x: m.first(x) + x, 1, 0),
        (lambda m, x: x + m.first(x), 1, 0),
        (in_place, 1, 0),
        (lambda m, x: m.drop(m.first(x)) + m.second(x), 2, 0),
        (lambda m, x: torch.relu(torch.add(x, m.second(m.first(x)))), 2, 0),
        (lambda m, x: m.clamp(nn.functional.relu(m.first(x), inplace=True) + m.second(x)), 2, 0),
        (lambda m, x: m.clamp6(m.first(x) + x), 1, 0),
        (lambda m, x: m.first(x) + m.same(x), 1, 0),
        (lambda m, x: torch.add(x, m.first(x), alpha=2), 1, 1),
        (lambda m, x: m.first(x) + 1, 1, 1),
        (lambda m, x: (lambda y: y + y)(m.first(x)), 1, 1),
        (lambda m, x: (lambda y: y + m.clamp(y))(m.first(x)), 1, 1),
        (lambda m, x: (lambda mean: m.first(x) + mean)(x.mean((2, 3), keepdim=True)), 1, 1),
        (lambda m, x: (lambda one: m.first(x) + one)(x.abs().sum((0,), keepdim=True)), 1, 1),
        (lambda m, x: m.apart(x) + x, 1, 1),  # oneDNN adds after groups in a pass of its own
        (lambda m, x: m.first(x) + m.clamp(m.first(x)), 0, 1),  # one layer, used twice
    ],
)
def test_a_convolution_adds_the_shortcut_where_it_can(put_together, fused_layers, additions_left):
    fast = rewritten(put_together, torch.randn(3, 4, 6, 6))
    assert fused(fast) == fused_layers
    assert len(_called(fast, "add")) == additions_left


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
def test_a_layer_that_is_used_twice_is_clamped_as_each_use_says():
    inputs = 100 * torch.randn(3, 4, 6, 6)
    assert not fused(rewritten(lambda m, x: m.clamp(m.first(m.clamp6(m.first(x)))), inputs))


class Crops(nn.Module):
    def forward(self, x):
        crops = torch.cat([x[..., :2], x[..., 1:3]])
        return crops.view(2, -1, *crops.shape[1:]).mean(0)


@pytest.mark.parametrize(
    "odd",
    [
        nn.BatchNorm2d(4, track_running_stats=False),
        Stage(lambda m, x: x - x.mean((0, 2, 3), keepdim=True)),
        Stage(lambda m, x: x.view(len(x), -1)[:, :4]),
        Stage(lambda m, x: x.mul_(2)),
        Stage(lambda m, x: x * 2 if float(x.sum()) > 0 else x),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, 3).double(),
        Crops(),
    ],
    ids=["batch statistics", "batch mean", "view", "in place", "data", "same", "double", "crops"],
)
def test_stages_of_any_kind_keep_their_numbers(monkeypatch, odd):
    monkeypatch.setattr(rewriting, "_NEAR", 4 * 4 * 10 * 10 * 2)  # two pictures
    torch.manual_seed(0)
    kind = torch.float64 if any(p.dtype == torch.float64 for p in odd.parameters()) else None
    layers = nn.Conv2d(3, 4, 3, padding=1), nn.Sequential(odd), nn.Sequential(nn.Flatten())
    plain = nn.Sequential(*layers).eval().to(kind)
    inputs = torch.randn(8, 3, 10, 10, dtype=kind)
    given = inputs.clone()
    with torch.no_grad():
        fast = rewriting.rewritten(plain, given[:1])
        assert torch.equal(given, inputs), "trying must not change the pictures"
        assert torch.allclose(fast(inputs.clone()), plain(inputs.clone()), atol=1e-5)


def test_each_picture_is_close_by_its_own_measure(monkeypatch):
    plain = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False)).eval()
    changed = nn.Conv2d(1, 2, 1)
    changed.weight = nn.init.ones_(plain[0].weight)
    changed.bias = nn.Parameter(torch.full((2,), 2e-5))  # much for the faint picture alone
    monkeypatch.setattr(rewriting, "_fused", lambda layers, _: changed)
    monkeypatch.setattr(rewriting, "_folded", lambda layers, _: changed)
    bright = 1e3 * torch.rand(1, 1, 4, 4)
    with torch.no_grad():
        assert torch.equal(rewriting.rewritten(plain, bright / 1e6)(bright), plain(bright))


def test_a_stage_that_hands_on_a_pair_stays_as_it_is():
    plain = nn.Sequential(
        nn.Conv2d(3, 4, 1), Stage(lambda m, x: (x, x)), Stage(lambda m, pair: pair[0] + pair[1])
    )
    inputs = torch.randn(5, 3, 6, 6)
    with torch.no_grad():
        fast = rewriting.rewritten(plain.eval(), inputs)
        assert torch.equal(fast(inputs), plain(inputs))
    assert not any(module._forward_hooks for module in fast.modules())


@pytest.mark.parametrize(("count", "cores"), [(1, 1), (7, 1), (8, 1), (8, 2)])
def test_a_batch_passes_large_maps_in_pieces_and_small_ones_as_a_whole(monkeypatch, count, cores):
    monkeypatch.setattr(rewriting, "_NEAR", 4 * 16 * 8 * 8 * 3)  # three pictures: so pairs
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    passed = {"large": [], "small": []}

    class Seen(nn.Module):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def forward(self, x):
            passed[self.name].append(len(x))
            return x * float(x.ndim) if len(x) else x  # torch.fx cannot follow this

    plain = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 16, 1), Seen("large"), nn.AvgPool2d(4)),
        nn.Sequential(nn.Conv2d(16, 16, 1), Seen("small")),
    ).eval()
    inputs = torch.randn(count, 3, 8, 8)
    with torch.no_grad():
        fast = rewriting.rewritten(plain, torch.randn(2, 3, 8, 8))
        for seen in passed.values():
            seen.clear()
        given = fast(inputs)
        pieces = {name: list(seen) for name, seen in passed.items()}
        assert torch.allclose(given, plain(inputs), atol=1e-5)
    at_a_time = 2 * cores
    expected = [at_a_time] * (count // at_a_time) + [count % at_a_time] * (count % at_a_time > 0)
    assert pieces == {"large": expected, "small": [count]}


def test_weights_are_laid_out_once_for_a_size_of_pictures(monkeypatch):
    layer = nn.Conv2d(8, 96, 1)
    fused = rewriting.FusedConvolution(layer, "none", [])
    moved, real = [], torch.ops.mkldnn._reorder_convolution_weight

    def counted(weight, *how):
        moved.append(how[-1])
        return real(weight, *how)

    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_convolution_weight", counted)
    with torch.no_grad():
        for count, size in ((4, 10), (4, 10), (3, 10), (4, 10), (4, 12), (1, 12)):
            pictures = torch.randn(count, 8, size, size)
            assert torch.allclose(fused(pictures), layer(pictures), atol=1e-5)
    assert moved == [[4, 8, 10, 10], [4, 8, 12, 12]]


def test_without_onednn_batchnorm_is_folded_all_the_same(monkeypatch):
    monkeypatch.setattr(rewriting, "FusedConvolution", None)
    net = small("letters-resnet")
    inputs = torch.randn(3, *net.preprocess.shape)
    with torch.no_grad():
        fast = rewriting.rewritten(nn.Sequential(*net.stages.values()), inputs)
        left = {type(layer) for layer in fast.modules()}
    assert nn.Conv2d in left
    assert nn.BatchNorm2d not in left


@pytest.mark.parametrize(
    ("size", "at_a_time"), [(28, 32), (96, 32), (160, 16), (224, 8), (299, 4), (2000, 2)]
)
def test_fewer_large_pictures_make_a_batch_so_that_there_is_one_for_every_core(size, at_a_time):
    split = tiny.task().train
    split = replace(split, preprocess=replace(split.preprocess, size=size))
    cpu, card = torch.device("cpu"), torch.device("cuda")
    assert feed_module._at_a_time(split, cpu) == at_a_time
    assert feed_module._at_a_time(split, card) == 32


def test_texts_of_as_many_tokens_pass_together_whatever_their_letters(monkeypatch):
    monkeypatch.setattr(feed_module, "_AT_A_TIME", 4)
    monkeypatch.setattr(feed_module, "_SORTED", 16)
    seen, plain = [], Prefix.__call__
    monkeypatch.setattr(Prefix, "__call__", lambda self, x: (seen.append(x), plain(self, x))[1])
    net = tl.freeze(tiny.text_network(length=12))
    words = ["transformation representation", "a b c d e f g h", "classification", "x y z"]
    texts = [f"{words[n % 4]} {n}" for n in range(80)]  # as many letters are not as many tokens
    split = tl.make_task(texts, [0, 1] * 40, classes=["few", "many"]).train.for_network(net)
    kept = everything(feed(net, split))

    def padding(batches):
        lengths = [(batch >= 0).sum(1) for batch in batches]
        return sum(int((length.max() - length).sum()) for length in lengths)

    batches = seen[1:]  # the first asks for the size of a row
    assert sum(map(len, batches)) == len(split)
    by_letters = sorted((split.text(item) for item in range(len(split))), key=len)
    assert padding(batches) < 0.5 * padding(split.preprocess(by_letters).split(4))
    for (numbers, _), values in zip(split, kept, strict=True):
        assert torch.allclose(values, plain(Prefix(net, net.frozen_through), numbers[None])[0])


def test_a_rewriting_that_changes_the_numbers_is_not_used(monkeypatch):
    monkeypatch.setattr("torch.fx.experimental.optimization.fuse", lambda model: nn.Identity())
    net = tiny.network()
    inputs = torch.randn(4, 1, 8, 8)
    expected = net.run(inputs, through="block1")
    assert torch.allclose(Prefix(net, "block1", reduce=False)(inputs), expected, atol=1e-6)


def changes():
    yield "a weight", lambda net: net.stages["stem"].conv.weight.data.add_(1e-3)
    yield "a buffer", lambda net: net.stages["stem"].bn.running_mean.add_(1e-3)
    yield "the boundary", lambda net: tl.freeze(net, through="block1")
    yield (
        "the preprocessing",
        lambda net: setattr(net, "preprocess", tl.load_network("letters-resnet").preprocess),
    )
    yield "the pooling of the head", lambda net: setattr(net.head, "pool", nn.MaxPool2d(4))
    yield "a setting that no layer prints", lambda net: setattr(net.stages["stem"], "gain", 2.0)
    yield "a layer's setting", lambda net: setattr(net.stages["stem"].bn, "eps", 0.1)


@pytest.mark.parametrize("change", dict(changes()).values(), ids=list(dict(changes())))
def test_the_key_changes_with(change):
    net = tl.freeze(tiny.network())
    before = Prefix(net, net.frozen_through).key
    change(net)
    assert Prefix(net, net.frozen_through).key != before


def test_the_key_does_not_change_with_what_stands_after_the_boundary():
    net = tl.freeze(tiny.network(), through="stem")
    before = Prefix(net, "stem").key
    net.stages["block2"].conv1.weight.data.add_(1)
    assert Prefix(net, "stem").key == before


def test_pooled_features_are_stored_for_a_head_not_feature_maps():
    supply = feed(tl.freeze(tiny.network()), tiny.task().train)
    assert everything(supply).shape[1:] == (8,)


class Counting(ArrayImages):
    def __init__(self, array):
        super().__init__(array)
        self.read = 0

    def pixels(self, index):
        self.read += 1
        return super().pixels(index)


def counted_task(**budget):
    whole = tiny.collection()
    images = Counting(whole.images._array)
    return images, lambda **kw: divide(
        Collection(whole.info, images, whole.labels, whole.preprocess, 0.2), **budget, **kw
    )


def test_seeds_budgets_and_functions_share_what_was_computed():
    images, task = counted_task()
    net = tl.freeze(tiny.network())
    tl.extract_features(net, task().unlabelled)
    tl.evaluate(net, task().validation)
    first = images.read
    for seed in range(3):
        again = tl.replace_head(net, 3, seed=seed)
        tl.fit(again, task(labels_per_class=3, seed=seed), epochs=2, validate=True)
        tl.evaluate(again, task(seed=seed).validation)
    # Each call looks at one picture to learn how large a row is.
    assert images.read - first <= 3 * 3


def test_gradual_unfreezing_finds_the_earlier_boundary_again():
    images, task = counted_task()
    net = tiny.network()
    for stage in ("block1", "block2"):
        tl.extract_features(net, task().train, stage, pool=False)
    before = images.read
    tl.fit(tl.freeze(net, through="block1"), task(), epochs=1)
    assert images.read - before <= 1


def test_augmentation_is_never_kept():
    task, net = tiny.task(), tl.freeze(tiny.network())
    assert isinstance(feed(net, task.train, augment=lambda picture: picture), LiveFeed)
    assert isinstance(feed(net, task.train), KeptFeed)


def test_a_picture_that_cannot_be_read_stops_the_training_with_its_own_error():
    class Broken(ArrayImages):
        def pixels(self, index):
            raise OSError("picture 3 is cut off")

    whole = tiny.collection()
    task = divide(
        Collection(whole.info, Broken(whole.images._array), whole.labels, tiny.TINY8, 0.2)
    )
    with pytest.raises(OSError, match="picture 3 is cut off"):
        tl.fit(tl.freeze(tiny.network()), task, epochs=1)


def test_a_store_that_does_not_fit_into_memory_trains_the_same_weights(monkeypatch):
    in_memory, on_disk = (tl.freeze(tiny.network(), through="block1") for _ in range(2))
    tl.fit(in_memory, tiny.task(), epochs=2)
    STORE.clear()
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", 0)
    tl.fit(on_disk, tiny.task(), epochs=2)
    assert STORE.on_disk()
    assert tl.fingerprint(in_memory) == tl.fingerprint(on_disk)


def test_a_run_that_stopped_half_way_is_continued(monkeypatch):
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", 0)
    monkeypatch.setattr(store_module, "_SEGMENT", 1)  # a segment a picture
    images, task = counted_task()
    net, split = tl.freeze(tiny.network(), through="block1"), task().train
    stop = {"after": 10}
    honest = Counting.pixels

    def interrupted(self, index):
        if self.read >= stop["after"]:
            raise KeyboardInterrupt
        return honest(self, index)

    monkeypatch.setattr(Counting, "pixels", interrupted)
    with pytest.raises(KeyboardInterrupt):
        feed(net, split)
    kept = sum(len(DiskShelf(STORE.folder / key, 1).rows) for key in STORE.on_disk())
    assert 5 <= kept < len(split)
    monkeypatch.setattr(Counting, "pixels", honest)
    before = images.read
    supply = feed(net, split)
    assert images.read - before == len(split) - kept + 1
    fresh = Prefix(net, "block1")(feed_module.inputs(split, torch.arange(len(split))))
    assert torch.allclose(everything(supply), fresh, atol=1e-6)


def test_an_interrupt_keeps_what_is_in_memory_too(monkeypatch):
    images, task = counted_task()
    net, split = tl.freeze(tiny.network(), through="block1"), task().train
    monkeypatch.setattr(feed_module, "_AT_A_TIME", 4)
    honest, calls = Prefix.__call__, iter(range(100))

    def interrupted(self, batch):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return honest(self, batch)

    monkeypatch.setattr(Prefix, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        feed(net, split)
    monkeypatch.setattr(Prefix, "__call__", honest)
    before = images.read
    feed(net, split)
    assert images.read - before <= len(split) - 8 + 1


def test_more_than_the_disk_may_hold_is_computed_anew_with_a_word(monkeypatch):
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", 0)
    monkeypatch.setattr(store_module, "DISK_BUDGET", 1000)
    net, split = tl.freeze(tiny.network(), through="block1"), tiny.task().train
    with pytest.warns(UserWarning, match="more than is kept on disk, so the frozen stages run in"):
        supply = feed(net, split)
    assert isinstance(supply, LiveFeed) and not STORE.on_disk()
    fresh = Prefix(net, "block1")(feed_module.inputs(split, torch.arange(len(split))))
    assert torch.allclose(everything(supply), fresh, atol=1e-6)


@pytest.mark.parametrize("budget", [1 << 30, 0], ids=["memory", "disk"])
@pytest.mark.parametrize("seed", range(100))
def test_soak_no_sequence_of_changes_gives_a_stale_value(seed, budget, monkeypatch):
    monkeypatch.setattr(store_module, "MEMORY_BUDGET", budget)
    rng = random.Random(seed)
    net, pictures = tiny.network(), tiny.pictures(np.arange(9) % 3, seed)
    labels = np.arange(9) % 3

    def edit_weight():
        parameter = rng.choice(list(net.parameters()))
        parameter.data.view(-1)[rng.randrange(parameter.numel())] += 0.5

    def edit_buffer():
        bn = rng.choice([m for m in net.modules() if isinstance(m, nn.BatchNorm2d)])
        bn.running_mean[0] += 0.5

    def edit_picture():
        pictures[rng.randrange(9), rng.randrange(8), rng.randrange(8)] ^= 1 << rng.randrange(8)

    def train():
        net.train()(torch.randn(4, 1, 8, 8))

    def resume():
        STORE._shelves.clear()  # what a new process has: nothing in memory, all that is on disk
        prefix_module._ready.clear()

    moves = [
        lambda: tl.freeze(net, through=rng.choice(net.stage_names[:-1])),
        lambda: tl.unfreeze(net, from_=rng.choice(net.stage_names)),
        edit_weight,
        edit_buffer,
        edit_picture,
        train,
        resume,
        lambda: setattr(net, "preprocess", rng.choice([tiny.TINY8, net.preprocess])),
    ]
    for _ in range(12):
        rng.choice(moves)()
        images = ArrayImages(pictures)
        split = divide(Collection(tiny.info(), images, labels, net.preprocess, 0.2)).train
        net.eval()
        kept = everything(feed(net, split))
        plain = copy.deepcopy(net).eval()
        fresh = Prefix(plain, net.frozen_through, exact=True)(
            torch.stack([split[i][0] for i in range(len(split))])
        )
        assert torch.allclose(kept, fresh, atol=1e-4 * max(1.0, float(fresh.abs().max())))


def written(code, **held):
    """A stage as a notebook's cell defines it, as often as it is run."""
    names = {"nn": nn, "torch": torch, "__name__": "notebook"}
    exec(f"class Own(nn.Module):\n    def forward(self, x):\n        return {code}", names)
    stage = names["Own"]()
    for name, value in held.items():
        setattr(stage, name, value)
    return stage


def with_unsaved(value):
    stage = written("x * self.by")
    stage.register_buffer("by", torch.tensor(value), persistent=False)
    return stage


@pytest.mark.parametrize("stages", [
    [written("x"), written("2 * x")],
    [written("self.does(x)", does=torch.sin), written("self.does(x)", does=torch.cos)],
    [written("self.does(x)", does=lambda x: x), written("self.does(x)", does=lambda x: -x)],
    [written("x * self.by", by=torch.tensor(value)) for value in (1.0, 2.0)],
    [written("x * self.by[0]", by=[torch.tensor(value)]) for value in (1.0, 2.0)],
    [written("x * self.by['it']", by={"it": value}) for value in (1.0, 2.0)],
    [with_unsaved(value) for value in (1.0, 2.0)],
    [nn.Sequential(nn.Conv2d(4, 4, 1).requires_grad_(False), one)
     for one in (written("x"), written("2 * x"))],
])  # fmt: skip
@pytest.mark.parametrize("cache", [True, False])
def test_a_stage_that_was_written_anew_is_asked_anew(stages, cache):
    """Its name and its weights are those of before."""
    split, outputs = tiny.task().validation, []
    if isinstance(stages[0], nn.Sequential):
        stages[1][0].load_state_dict(stages[0][0].state_dict())
    for stage in stages:
        net = tiny.network()
        net.stages["block1"] = stage
        net = tl.freeze(net)
        outputs.append(everything(feed(net, split.for_network(net), cache=cache)))
        inputs = torch.stack([picture for picture, _ in split.for_network(net)])
        assert torch.allclose(outputs[-1], Prefix(net, "block2", exact=True)(inputs), atol=1e-5)
    assert not torch.allclose(*outputs)


def test_a_stage_that_cannot_be_copied_stays_as_it_is():
    net, split = tiny.network(), tiny.task().validation
    expected = tl.evaluate(tl.freeze(tiny.network()), split).outputs
    net.stages["block1"].lock = threading.Lock()
    assert torch.allclose(tl.evaluate(tl.freeze(net), split).outputs, expected, atol=1e-5)
    with torch.no_grad():  # it learns later; another one still has the weights of before
        net.stages["block1"].conv1.weight.mul_(9)
    other = tiny.network()
    other.stages["block1"].lock = threading.Lock()
    STORE.clear()
    assert torch.allclose(tl.evaluate(tl.freeze(other), split).outputs, expected, atol=1e-5)


BODIES = {
    "a number": ("gain = 1", "gain = 2", "self.gain * x"),
    "a static method": (
        "@staticmethod\n    def times(x): return x",
        "@staticmethod\n    def times(x): return 2 * x",
        "self.times(x)",
    ),
    "a property": (
        "@property\n    def gain(self): return 1",
        "@property\n    def gain(self): return 2",
        "self.gain * x",
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_the_body_of_a_class_says_counts(name):
    keys = set()
    *bodies, gives = BODIES[name]
    for body in bodies:
        space = {"nn": nn, "__name__": "__main__"}
        exec(
            f"class Stage(nn.Module):\n    {body}\n    def forward(self, x): return {gives}", space
        )
        net = tiny.network()
        net.stages["block1"] = space["Stage"]()
        keys.add(Prefix(net, "block1").key)
    assert len(keys) == 2


def test_a_layer_that_learns_is_no_pooling_though_it_is_made_from_one():
    class Scale(nn.Identity):
        def __init__(self):
            super().__init__()
            self.by = nn.Parameter(torch.ones(()))

        def forward(self, x):
            return self.by * x

    net = tiny.network()
    net.stages["head"] = nn.Sequential(Scale(), *net.head)
    before = net.head[0].by.item()
    tl.fit(tl.freeze(net), tiny.task(), epochs=2, lr=0.1)
    assert net.head[0].by.item() != before


def test_a_card_computes_one_batch_after_the_other():
    """Two threads on one graphics card wait for each other, and Apple's may end the process."""
    for kind, exact, lanes in (("mps", False, 1), ("cuda", False, 1), ("cpu", True, 1)):
        net = types.SimpleNamespace(device=torch.device(kind))
        assert feed_module._side_by_side(types.SimpleNamespace(exact=exact, net=net)) == lanes
    ours = Prefix(tiny.network(), "block1")
    assert feed_module._side_by_side(ours) == torch.get_num_threads()


@pytest.mark.parametrize("name", ["block1", "head"])
@pytest.mark.parametrize("change", [
    lambda stage: stage.register_forward_hook(lambda layer, given, out: 0 * out),
    lambda stage: stage.register_forward_pre_hook(lambda layer, given: (0 * given[0],)),
    lambda stage: setattr(stage, "forward", lambda x: 0 * stage.__class__.forward(stage, x)),
])  # fmt: skip
def test_a_stage_that_does_something_else_is_asked_anew(change, name):
    net, split = tl.freeze(tiny.network()), tiny.task().validation
    before = tl.evaluate(net, split).outputs
    change(net.stages[name])
    changed = tl.evaluate(net, split).outputs
    inputs = torch.stack([picture for picture, _ in split.for_network(net)])
    with torch.no_grad():
        assert torch.allclose(changed, net(inputs), atol=1e-5)
    assert not torch.allclose(changed, before)
    assert torch.equal(tl.evaluate(tl.freeze(tiny.network()), split).outputs, before)
