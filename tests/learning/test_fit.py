import copy
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedulers

import tl_teach as tl
from tests.networks.test_heads import values_task
from tests.tasks import tiny
from tl_teach.learning.loop import batches
from tl_teach.learning.losses import choose_loss
from tl_teach.learning.optimisers import build_optimiser
from tl_teach.learning.prefix import Prefix
from tl_teach.learning.team import Team
from tl_teach.tasks import ArrayImages, Collection, divide


def tensors(split):
    inputs, targets = zip(*split, strict=True)
    return torch.stack(inputs), torch.stack(targets)


def plain_fit(net, task, epochs, lr, batch_size, seed, one_cycle=False):
    """The training loop that a reader writes in plain PyTorch."""
    x, y = tensors(task.for_network(net).train)
    learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=lr, weight_decay=0.0)
    steps = epochs * -(-len(x) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=lr, total_steps=steps)
    if not one_cycle:
        optimiser = torch.optim.AdamW(learning, lr=lr, weight_decay=0.0)
    torch.manual_seed(seed)
    for _ in range(epochs):
        net.train()
        for items in torch.randperm(len(x)).split(batch_size):
            loss = F.cross_entropy(net(x[items]), y[items])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if one_cycle:
                schedule.step()
    return net.eval()


def close(first, second, atol=1e-6):
    ours, theirs = first.state_dict(), second.state_dict()
    return all(torch.allclose(ours[name], theirs[name], atol=atol) for name in ours)


def noise_task(name="noise", count=90, seed=0):
    """Labels that follow from nothing: the more one learns, the worse the validation."""
    labels = np.random.default_rng(seed).integers(0, 3, count)
    images = ArrayImages(tiny.pictures(np.zeros(count), seed))
    return divide(Collection(tiny.info(name=name), images, labels, tiny.TINY8, 0.3))


@pytest.mark.parametrize("lr", [1e-2, {"block1": 1e-3, "block2": 1e-3, "head": 1e-2}])
def test_a_step_passes_once_over_the_weights_unless_it_must_be_exact(lr):
    weights = []
    for exact in (True, False):
        net = tl.freeze(tiny.network(), through="stem")
        optimiser = build_optimiser(net, lr, exact=exact)
        assert optimiser.defaults["fused"] is (None if exact else True)
        for step in range(5):
            inputs = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(step))
            optimiser.zero_grad()
            net(inputs).square().sum().backward()
            optimiser.step()
        weights.append(net)
    assert close(*weights, atol=1e-5)
    assert not close(weights[0], tl.freeze(tiny.network(), through="stem"), atol=1e-3)


def test_weights_with_gaps_between_them_are_not_stepped_over_in_one_pass():
    net = tl.freeze(tiny.network())
    features = net.head.output.in_features
    whole = torch.randn(3, features + 2)
    net.head.output.weight = nn.Parameter(whole[:, :features])
    before = whole.clone()
    tl.fit(net, tiny.task(), epochs=1)
    assert torch.equal(whole[:, features:], before[:, features:]), "its neighbours are not its own"
    assert not torch.equal(whole[:, :features], before[:, :features])


@pytest.mark.parametrize("schedule", ["constant", "one-cycle"])
@pytest.mark.parametrize("through", [None, "stem", "block2"])
def test_fit_is_the_plain_loop_bit_for_bit(through, schedule):
    task, ours = tiny.task(), tiny.network(dropout=0.3)
    if through:
        tl.freeze(ours, through=through)
    theirs = copy.deepcopy(ours)
    tl.fit(ours, task, epochs=3, lr=1e-2, batch_size=12, seed=5, schedule=schedule, exact=True)
    plain_fit(theirs, task, 3, 1e-2, 12, 5, one_cycle=schedule == "one-cycle")
    assert tl.fingerprint(ours) == tl.fingerprint(theirs)


def test_fit_is_the_plain_loop_on_real_digits_too():
    task = tl.load_task("handwriting", labels_per_class=2)
    ours = tl.freeze(tl.replace_head(tl.load_network("letters-resnet"), task), through="block2")
    theirs = copy.deepcopy(ours)
    tl.fit(ours, task, epochs=2, batch_size=10, exact=True)
    plain_fit(theirs, task, 2, 1e-3, 10, 0)
    assert tl.fingerprint(ours) == tl.fingerprint(theirs)


def test_a_frozen_stage_runs_once_for_each_picture(monkeypatch):
    net, task, seen = tl.freeze(tiny.network(), through="stem"), tiny.task(), []
    run = Prefix.__call__
    monkeypatch.setattr(Prefix, "__call__", lambda self, x: seen.append(len(x)) or run(self, x))
    tl.fit(net, task, epochs=5)
    assert sum(seen) <= len(task.train) + 1  # and one to see how large a result is


def test_augmentation_changes_the_pictures_anew_in_every_epoch():
    seen = []

    def augment(picture):
        assert picture.dtype == torch.uint8 and picture.shape == (1, 8, 8)
        seen.append(picture)
        return picture.flip(-1) if torch.rand(()) < 0.5 else picture

    task, net = tiny.task(), tl.freeze(tiny.network())
    tl.fit(net, task, epochs=3, augment=augment, cache=False)
    assert len(seen) == 3 * len(task.train)


def test_augmentation_that_changes_nothing_trains_the_same_weights():
    plain, augmented = (tl.freeze(tiny.network(), through="block1") for _ in range(2))
    tl.fit(plain, tiny.task(), epochs=2)
    tl.fit(augmented, tiny.task(), epochs=2, augment=lambda picture: picture, cache=False)
    assert close(plain, augmented)


def test_augmentation_touches_no_validation_picture():
    task, touched = tiny.task(), []
    validation = {bytes(task.validation.pixels(i).numpy()) for i in range(len(task.validation))}

    def augment(picture):
        touched.append(bytes(picture.numpy()))
        return picture

    net = tl.freeze(tiny.network())
    tl.fit(net, task, epochs=2, patience=1, augment=augment, cache=False)
    assert touched and not validation & set(touched)


def test_a_frozen_stage_and_augmentation_are_told_apart_from_a_fast_training():
    with pytest.warns(UserWarning, match="views=4 would fix four"):
        tl.fit(tl.freeze(tiny.network()), tiny.task(), epochs=1, augment=lambda picture: picture)


def test_the_same_seed_gives_the_same_weights_and_history():
    nets = [tiny.network(dropout=0.5) for _ in range(2)]
    first, second = (tl.fit(net, tiny.task(), epochs=3, validate=True, seed=4) for net in nets)
    assert tl.fingerprint(nets[0]) == tl.fingerprint(nets[1])
    assert replace(first, seconds=0) == replace(second, seconds=0)


def test_another_seed_gives_other_weights():
    nets = [tiny.network() for _ in range(2)]
    for seed, net in enumerate(nets):
        tl.fit(net, tiny.task(), epochs=1, seed=seed)
    assert tl.fingerprint(nets[0]) != tl.fingerprint(nets[1])


def loss_on(net, split):
    x, y = tensors(split.for_network(net))
    with torch.no_grad():
        return float(F.cross_entropy(net(x), y))


@pytest.mark.parametrize("patience", [None, 3, 50])
def test_the_weights_of_the_best_epoch_come_back_whether_or_not_patience_fires(patience):
    task, net = noise_task(), tiny.network()
    history = tl.fit(net, task, epochs=12, lr=3e-2, patience=patience, validate=True)
    assert history.best_epoch < history.epochs  # otherwise nothing is shown
    assert history.best_epoch == 1 + int(np.argmin(history.validation_loss))
    assert loss_on(net, task.validation) == pytest.approx(min(history.validation_loss), rel=1e-5)
    score = tl.evaluate(net, task.validation).score
    assert score == history.validation_score[history.best_epoch - 1]


def test_best_weights_include_the_buffers():
    task = noise_task()
    kept, short = tiny.network(), tiny.network()
    history = tl.fit(kept, task, epochs=12, lr=3e-2, validate=True)
    tl.fit(short, task, epochs=history.best_epoch, lr=3e-2)
    assert tl.fingerprint(kept) == tl.fingerprint(short)


def statistics_of(stage):
    return {name: values.clone() for name, values in stage.named_buffers()}


def statistics_moved(before, stage):
    return any(not torch.equal(before[name], values) for name, values in stage.named_buffers())


def test_statistics_can_be_kept_while_weights_learn():
    kept, usual = (tl.freeze(tiny.network(), through="stem") for _ in range(2))
    before = {name: statistics_of(stage) for name, stage in kept.stages.items()}
    start = tl.fingerprint(kept.stages["block1"])
    tl.fit(kept, tiny.task(), epochs=2, lr=1e-2, keep_statistics=True)
    tl.fit(usual, tiny.task(), epochs=2, lr=1e-2)
    for name in ("block1", "block2"):
        assert not statistics_moved(before[name], kept.stages[name])
        assert statistics_moved(before[name], usual.stages[name])
    assert tl.fingerprint(kept.stages["block1"]) != start, "its weights learn all the same"


def test_with_kept_statistics_a_picture_is_seen_alike_in_any_batch():
    """So what is learned is what the plain loop learns from a network in eval mode."""
    ours, plain = tiny.network(), tiny.network()
    tl.fit(ours, tiny.task(), epochs=2, lr=1e-2, keep_statistics=True, exact=True)
    plain.train = lambda mode=True: plain  # stays in eval mode
    plain_fit(plain, tiny.task(), 2, 1e-2, 32, 0)
    assert close(ours, plain)


def test_a_new_stage_finds_its_own_statistics():
    net = tiny.network()
    net.copied["block2"] = False
    before = {name: statistics_of(stage) for name, stage in net.stages.items()}
    tl.fit(net, tiny.task(), epochs=1, lr=1e-2, keep_statistics=True)
    assert not statistics_moved(before["block1"], net.stages["block1"])
    assert statistics_moved(before["block2"], net.stages["block2"])


def test_an_interrupt_in_validation_leaves_whole_epochs(monkeypatch):
    module = import_module("tl_teach.learning.fit")
    honest, calls = module._validate, iter(range(100))

    def interrupted(*words):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return honest(*words)

    monkeypatch.setattr(module, "_validate", interrupted)
    history = tl.fit(tiny.network(), noise_task(), epochs=9, lr=3e-2, validate=True)
    assert history.interrupted and history.epochs == 2
    assert len(history.train_loss) == len(history.validation_loss) == 2
    tl.show_history(history)


def test_the_exact_solver_has_all_items_in_a_team_too(monkeypatch):
    """Each process would otherwise see its own share, and wrong numbers for the rest."""
    module = import_module("tl_teach.learning.fit")
    alone, among = (tl.freeze(tiny.network()) for _ in range(2))
    tl.fit(alone, tiny.task(), solver="lbfgs", weight_decay=1e-2, cache=False)
    second = Team()
    second.rank, second.size = 1, 2
    monkeypatch.setattr(module, "Team", lambda: second)
    tl.fit(among, tiny.task(), solver="lbfgs", weight_decay=1e-2)
    assert close(alone, among, 1e-5)


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_training_stops_after_so_many_epochs_without_a_better_validation_loss(patience):
    history = tl.fit(tiny.network(), noise_task(), epochs=60, lr=3e-2, patience=patience)
    losses, best, waited = history.validation_loss, float("inf"), 0
    for epoch, loss in enumerate(losses, 1):
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        assert (waited == patience) == (epoch == history.epochs)
    assert history.epochs < 60


def test_training_goes_on_while_validation_improves():
    history = tl.fit(tiny.network(), tiny.task(), epochs=6, lr=3e-3, patience=1)
    assert history.epochs == 6 == history.best_epoch


def test_without_validation_the_last_weights_stay():
    net, task = tiny.network(), noise_task()
    history = tl.fit(net, task, epochs=4, lr=3e-2)
    assert history.best_epoch == 4 and not history.validation_loss


class Watched(ArrayImages):
    """Pictures that remember which of them were looked at."""

    def __init__(self, array):
        super().__init__(array)
        self.seen = set()

    def pixels(self, index):
        self.seen.add(index)
        return super().pixels(index)


def watched_task():
    labels = np.tile(np.arange(3), 20)
    images = Watched(tiny.pictures(labels))
    task = divide(Collection(tiny.info(), images, labels, tiny.TINY8, 0.2))
    images.seen.clear()
    return task, images


def test_nothing_looks_at_the_test_before_the_exam():
    task, images = watched_task()
    net = tl.replace_head(tiny.network(), task)
    tl.fit(net, task, epochs=3, patience=1)
    tl.evaluate(net, task.validation)
    tl.baseline(task)
    tl.extract_features(net, task.unlabelled)
    tl.show_examples(task)
    tl.show_top_images(net, task.train, "stem", [0])
    assert images.seen and not images.seen & set(task.test._open_for_exam().indices)


def test_without_patience_fit_looks_at_training_pictures_only():
    task, images = watched_task()
    tl.fit(tiny.network(), task, epochs=2)
    assert images.seen == set(task.train.indices)


def test_the_validation_pictures_change_nothing_but_when_to_stop():
    task = tiny.task()
    watching, blind = tiny.network(dropout=0.5), tiny.network(dropout=0.5)
    history = tl.fit(watching, task, epochs=6, patience=6)
    tl.fit(blind, task, epochs=history.best_epoch)
    assert tl.fingerprint(watching) == tl.fingerprint(blind)


@given(st.integers(1, 300), st.integers(1, 64))
def test_batches_hold_all_items_and_no_rest_of_one(count, size):
    sizes = batches(count, size)
    assert sum(sizes) == count and max(sizes) <= size + 1
    assert size == 1 or count == 1 or 1 not in sizes


def test_a_rest_of_one_joins_the_batch_before_it():
    net, sizes = tiny.network(), []
    net.register_forward_hook(lambda module, inputs, outputs: sizes.append(len(outputs)))
    net.stages["head"].register_forward_hook(lambda module, inputs, out: sizes.append(len(out)))
    tl.fit(net, tiny.task(labels=13), epochs=1, batch_size=4)
    assert sizes == [4, 4, 5]


def test_one_item_a_batch_is_possible_where_it_is_asked_for():
    net, sizes = tiny.network(), []
    net.stages["head"].register_forward_hook(lambda module, inputs, out: sizes.append(len(out)))
    tl.fit(net, tiny.task(labels=3), epochs=1, batch_size=1)
    assert sizes == [1, 1, 1]


def test_the_network_is_in_eval_mode_afterwards():
    net = tiny.network().train()
    tl.fit(net, tiny.task(), epochs=1)
    assert not any(module.training for module in net.modules())


def test_the_history_says_what_learned_and_has_a_number_an_epoch():
    history = tl.fit(tl.freeze(tiny.network(), "block1"), tiny.task(), epochs=3, validate=True)
    assert history.trained == ("block2", "head") and history.epochs == 3 and history.seconds > 0
    assert len(history.train_loss) == len(history.validation_loss) == 3
    assert all(0 <= score <= 1 for score in history.validation_score)


def test_the_training_loss_is_the_mean_over_the_items():
    net, task = tl.freeze(tiny.network(), through="block2"), tiny.task(labels=13)
    x, y = tensors(task.train)
    with torch.no_grad():
        expected = float(F.cross_entropy(net(x), y))
    history = tl.fit(net, task, epochs=1, lr=1e-12, batch_size=5)  # weights do not move
    assert history.train_loss[0] == pytest.approx(expected, rel=1e-5)


def test_a_training_that_diverges_is_reported_as_it_is():
    history = tl.fit(tiny.network(), tiny.task(), epochs=6, lr=1e30, patience=2)
    assert history.epochs == 2 == history.best_epoch and np.isnan(history.validation_loss).all()


def frozen():
    return tl.freeze(tiny.network(), through="head")


def with_plain_head():
    net = tiny.network(7)
    net.head.output = torch.nn.Linear(net.head.output.in_features, 3)
    return net


BAD = {
    "no network": (
        lambda: tl.fit("letters-resnet", tiny.task()),
        TypeError,
        r"but got str; load one with tl\.load_network",
    ),
    "a name for a task": (
        lambda: tl.fit(tiny.network(), "handwriting"),
        TypeError,
        r"Expected a task, but got str; load one with tl\.load_task",
    ),
    "a split for a task": (
        lambda: tl.fit(tiny.network(), tiny.task().train),
        TypeError,
        "Expected a task, but got Split",
    ),
    "nothing can learn": (
        lambda: tl.fit(frozen(), tiny.task()),
        ValueError,
        r"Every stage of 'tiny-net' is frozen.*tl\.unfreeze\(net, from_='head'\)",
    ),
    "another head": (
        lambda: tl.fit(tiny.network(7), tiny.task()),
        ValueError,
        r"'tiny-net' gives 7 outputs, but the task 'tiny' needs 3.*tl\.replace_head\(net, task\)",
    ),
    "a head that was changed by hand": (
        lambda: tl.fit(with_plain_head(), tiny.task()),
        ValueError,
        r"gives 3 outputs, as 'tiny' needs, but the network still knows 7 names.*net\.classes",
    ),
    "statistics of nothing": (
        lambda: tl.fit(tiny.network(copied=False), tiny.task(), keep_statistics=True),
        ValueError,
        "keep_statistics=True keeps nothing: no copied stage of 'tiny-net' that learns has",
    ),
    "statistics that stand still": (
        lambda: tl.fit(
            tl.freeze(tl.replace_head(tiny.network(), 3)), tiny.task(), keep_statistics=True
        ),
        ValueError,
        "no copied stage of 'tiny-net' that learns has BatchNorm's statistics",
    ),
    "classes in another order": (
        lambda: tl.fit(tiny.network(), tiny.task(classes=("1", "0", "2"))),
        ValueError,
        "answers in the order 0, 1, 2, and the classes of 'tiny' are in the order 1, 0, 2.*net",
    ),
    "another schedule": (
        lambda: tl.fit(tiny.network(), tiny.task(), schedule="one-cicle"),
        ValueError,
        r"no schedule named 'one-cicle'.*did you mean 'one-cycle'",
    ),
}
for _value in (-1, "a", 1.5, None):
    BAD[f"seed={_value!r}"] = (
        lambda seed=_value: tl.fit(tiny.network(), tiny.task(), seed=seed),
        ValueError,
        rf"seed={_value!r} does not work: expected a whole number, at least 0",
    )
BAD["augment"] = (
    lambda: tl.fit(tiny.network(), tiny.task(), augment=3),
    TypeError,
    r"augment=3 does not work: expected a function of one picture.*torchvision",
)
for _name, _values in {
    "epochs": [0, -1, 1.5, "3", True, None, float("nan")],
    "batch_size": [0, -1, 2.0, None],
    "patience": [0, -1, 1.5, True],
}.items():
    for _value in _values:
        BAD[f"{_name}={_value!r}"] = (
            lambda options={_name: _value}: tl.fit(tiny.network(), tiny.task(), **options),
            ValueError,
            rf"{_name}={_value!r} does not work: expected a whole number, at least 1",
        )
for _name, _values, _wanted in [
    ("lr", [0, -1e-3, float("nan"), float("inf"), "1e-3"], "a positive number, like 1e-3"),
    ("weight_decay", [-0.1, float("nan"), "0"], "a number that is not negative"),
    ("min_change", [-0.1, None], "a number that is not negative"),
    ("lr_decay", [0, 1.5, -1, "half"], "a number from 0 to 1, without 0"),
]:
    for _value in _values:
        BAD[f"{_name}={_value!r}"] = (
            lambda options={_name: _value}: tl.fit(tiny.network(), tiny.task(), **options),
            ValueError,
            rf"{_name}={_value!r} does not work: expected {_wanted}",
        )


def _bad(name, words, kind=ValueError, net=tiny.network, task=tiny.task, **options):
    BAD[name] = (lambda: tl.fit(net(), task(), **options), kind, words)


def values_head():
    return tl.replace_head(tiny.network(), tiny.regression_task())


_bad("rate of a frozen stage", r"a rate for 'stem', which is frozen.*tl\.unfreeze",
     net=lambda: tl.freeze(tiny.network(), "stem"), lr={"stem": 1e-3, "head": 1e-3})  # fmt: skip
_bad("rate of no stage", r"no stage of 'tiny-net' named 'haed'.*did you mean 'head'",
     lr={"haed": 1e-3})  # fmt: skip
_bad("a stage without a rate", r"no rate for 'stem', 'block1', 'block2'; name every stage",
     lr={"head": 1e-3})  # fmt: skip
_bad("a rate of 0 for a stage", r"lr\['head'\]=0 does not work", lr={"head": 0})
_bad("rates and a decay", "not all of them", lr={"head": 1e-3}, lr_decay=0.5)
_bad("another solver", r"no solver named 'sgd'; expected one of 'adamw', 'lbfgs'", solver="sgd")
_bad("lbfgs for several stages", r"one linear layer alone can learn.*tl\.freeze\(net\)",
     solver="lbfgs", weight_decay=1e-3)  # fmt: skip
_bad("lbfgs without a penalty", r"weight_decay=0.0 does not work with solver='lbfgs'.*1e-3",
     net=lambda: tl.freeze(tiny.network()), solver="lbfgs")  # fmt: skip
_bad("views without augment", r"views=3 needs augment=", views=3)
_bad("no views", r"views=0 does not work", views=0, augment=lambda picture: picture)
_bad("a loss by name", r"loss='mse' does not work: expected a function", TypeError, loss="mse")
_bad("weights by another name", r"class_weights='ballanced' does not work: expected 'balanced'",
     class_weights="ballanced")  # fmt: skip
_bad("too few weights", r"expected 'balanced' or 3 finite weights", class_weights=[1, 2])
_bad("negative weights", r"none negative", class_weights=[1, 2, -1])
_bad("weights for values", r"cross-entropy of a classification task only", net=values_head,
     task=tiny.regression_task, class_weights="balanced")  # fmt: skip
_bad("values into a softmax head", r"made for classification, but the task 'tiny-regression' is "
     r"regression; give it a new head", net=lambda: tiny.network(1),
     task=tiny.regression_task)  # fmt: skip
_bad("classes into a head for values", r"was made for regression, but the task 'two' is "
     r"classification",
     net=lambda: tl.replace_head(tiny.network(), values_task(outputs=2)),
     task=lambda: tiny.task(name="two", classes=("a", "b")))  # fmt: skip
_bad("no folder for the checkpoint", r"There is no folder .* make it first",
     FileNotFoundError, checkpoint="/no/such/folder/run.pt")  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_work_is_refused_with_the_value_and_the_remedy(case):
    call, kind, words = BAD[case]
    with pytest.raises(kind, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_refused_fit_leaves_the_network_as_it_was():
    net = tiny.network(7).train()
    before = tl.fingerprint(net)
    with pytest.raises(ValueError):
        tl.fit(net, tiny.task())
    assert net.training and tl.fingerprint(net) == before


def test_whole_numbers_of_numpy_are_whole_numbers():
    history = tl.fit(
        tiny.network(), tiny.task(), epochs=np.int64(2), batch_size=np.int32(8), lr=np.float32(1e-3)
    )
    assert history.epochs == 2


@pytest.mark.parametrize("make", [tiny.task, tiny.multilabel_task, tiny.regression_task])
def test_each_kind_of_task_is_learned(make):
    task = make()
    net = tl.replace_head(tiny.network(), task)
    history = tl.fit(net, task, epochs=25, lr=2e-2, patience=25)
    result = tl.evaluate(net, task.validation)
    assert result.score > result.constant_guess + 0.3
    assert history.train_loss[-1] < history.train_loss[0]


def test_frozen_letters_read_handwriting_from_five_labels_a_class():
    task = tl.load_task("handwriting", labels_per_class=5)
    net = tl.freeze(tl.replace_head(tl.load_network("letters-resnet"), task))
    tl.fit(net, task, epochs=30, lr=1e-2)
    assert 0.75 < tl.evaluate(net, task.validation).score < 0.97


def test_pretraining_from_nothing_reaches_the_band_of_the_shipped_weights(tmp_path):
    path = tmp_path / "fresh.safetensors"
    tl.learning.pretrain("letters-resnet", seed=1, output=path)
    fresh, shipped = tl.load_network("letters-resnet", path), tl.load_network("letters-resnet")
    validation = tl.load_task("printed-letters").validation
    scores = [tl.evaluate(net, validation).score for net in (fresh, shipped)]
    assert min(scores) > 0.96 and abs(scores[0] - scores[1]) < 0.02


def test_a_network_without_a_recipe_is_refused():
    with pytest.raises(ValueError, match="no network to pre-train named 'mobilenet_v2'"):
        tl.learning.pretrain("mobilenet_v2")


def test_an_interrupted_training_gives_the_history_and_the_best_weights():
    task, net, calls = noise_task(), tiny.network(), []
    whole = tl.fit(tiny.network(), task, epochs=12, lr=3e-2, validate=True)

    def stop(module, inputs):
        calls.append(1)
        if module.training and len(calls) > 20:
            raise KeyboardInterrupt

    net.stages["head"].register_forward_pre_hook(stop)
    history = tl.fit(net, task, epochs=12, lr=3e-2, validate=True)
    assert history.interrupted and 1 < history.epochs < 12 and "interrupted" in repr(history)
    assert history.validation_loss == whole.validation_loss[: history.epochs]
    calls.clear()
    assert loss_on(net, task.validation) == pytest.approx(min(history.validation_loss), rel=1e-5)
    assert not net.training


def test_a_fall_smaller_than_min_change_does_not_count():
    task = tiny.task()
    history = tl.fit(tiny.network(), task, epochs=9, lr=1e-4, patience=2, min_change=10.0)
    assert history.epochs == 3 and history.best_epoch == 1  # the first is better than nothing


def test_a_loss_of_ones_own_is_used():
    task, seen = tiny.task(), []

    def loss(outputs, targets):
        seen.append(len(targets))
        return F.cross_entropy(outputs, targets)

    own, usual = tiny.network(), tiny.network()
    tl.fit(own, task, epochs=2, loss=loss)
    tl.fit(usual, task, epochs=2)
    assert sum(seen) == 2 * len(task.train) and tl.fingerprint(own) == tl.fingerprint(usual)


def test_class_weights_weigh_each_class():
    task = noise_task()
    net = tl.freeze(tiny.network())
    tl.fit(net, task, epochs=20, lr=1e-1, class_weights=[1, 0, 0])
    assert set(tl.evaluate(net, task.validation).predictions.tolist()) == {0}


def test_balanced_weights_are_the_inverse_of_the_frequencies():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    task = divide(
        Collection(tiny.info(), ArrayImages(tiny.pictures(labels)), labels, tiny.TINY8, 0.2)
    )
    loss = choose_loss(task, None, "balanced")
    outputs, targets = torch.randn(100, 3), torch.as_tensor(labels)
    each = F.cross_entropy(outputs, targets, reduction="none").numpy()
    expected = np.mean([each[labels == one].mean() for one in range(3)])
    assert float(loss(outputs, targets)) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    "schedule", ["cosine", lambda optimiser, steps: schedulers.StepLR(optimiser, 2)]
)
def test_schedules_of_torch_are_followed(schedule):
    net = tiny.network()
    assert tl.fit(net, tiny.task(), epochs=2, schedule=schedule).epochs == 2
    other = tiny.network()
    tl.fit(other, tiny.task(), epochs=2)
    assert tl.fingerprint(net) != tl.fingerprint(other)


def moved(net, before):
    return {
        name: max(
            float((p - q).detach().abs().max())
            for p, q in zip(stage.parameters(), before.stages[name].parameters(), strict=True)
        )
        for name, stage in net.stages.items()
    }


@pytest.mark.parametrize("options", [
    {"lr": {"stem": 1e-6, "block1": 1e-5, "block2": 1e-4, "head": 1e-3}},
    {"lr": 1e-3, "lr_decay": 0.1},
])  # fmt: skip
def test_each_stage_learns_at_its_own_rate(options):
    net = tiny.network()
    before = copy.deepcopy(net)
    tl.fit(net, tiny.task(labels=12), epochs=1, batch_size=12, **options)  # one step of AdamW
    expected = {"stem": 1e-6, "block1": 1e-5, "block2": 1e-4, "head": 1e-3}
    for name, far in moved(net, before).items():
        assert far == pytest.approx(expected[name], rel=0.05)


def test_a_single_rate_and_equal_rates_by_stage_train_the_same_weights():
    one, many = tiny.network(), tiny.network()
    tl.fit(one, tiny.task(), epochs=2, lr=1e-2)
    tl.fit(many, tiny.task(), epochs=2, lr=dict.fromkeys(many.stage_names, 1e-2))
    assert tl.fingerprint(one) == tl.fingerprint(many)


def learner():
    return tl.freeze(tl.replace_head(tiny.network(), 3))


def test_an_interrupt_before_the_first_epoch_gives_a_history_too():
    def stop(picture):
        raise KeyboardInterrupt

    history = tl.fit(learner(), tiny.task(), augment=stop, views=2)
    assert history.interrupted and history.epochs == 0 and history.trained == ("head",)


@pytest.mark.parametrize("options, words", [
    ({"schedule": lambda optimiser, steps: schedulers.ReduceLROnPlateau(optimiser)},
     "expected a scheduler of torch that moves on after every batch"),
    ({"schedule": lambda optimiser, steps: None}, "schedule gave None; expected a scheduler"),
    ({"loss": lambda outputs, targets: 1.0}, r"loss gave 1\.0; expected one number of torch"),
    ({"loss": lambda outputs, targets: outputs.sum(1)}, r"loss gave shape \(32,\); expected one"),
    ({"augment": lambda picture: None, "views": 2}, "augment gave None; expected a picture"),
    ({"augment": lambda picture: picture[0], "views": 2}, r"a tensor of shape \(8, 8\)'; expected"),
    ({"class_weights": [0, 0, 0]}, "expected 'balanced' or 3 finite weights"),
    ({"class_weights": [1, 1, float("inf")]}, "finite weights, none negative and not all 0"),
])  # fmt: skip
def test_a_function_that_gives_something_else_is_named(options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        tl.fit(learner(), tiny.task(), epochs=1, **options)


def test_an_empty_part_is_named():
    with pytest.raises(
        ValueError, match="nothing in <validation split of 'tiny': 0 items>; give a part"
    ):
        tl.evaluate(learner(), tiny.task().validation[:0])


def test_a_range_test_of_a_frozen_network_says_that_nothing_can_learn():
    with pytest.raises(ValueError, match="so nothing can learn"):
        tl.lr_range_test(tl.freeze(learner(), through="head"), tiny.task())
