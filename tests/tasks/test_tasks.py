from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import tl_teach as tl
from tl_teach.tasks import TASKS as ALL_TASKS
from tl_teach.tasks import ArrayImages, Collection, divide

from . import tiny

# Those whose data every machine has or can fetch in a moment; the others have their own tests.
TASKS = [name for name in ALL_TASKS if not name.startswith("cats-and-dogs")]
REGRESSION = ["digit-rotation", "solar-defect-probability", "word-valence"]
DOWNLOADED = ["breast-tumours"]  # from an address that may be out of reach: see test_breast.py
CLASSIFICATION = [name for name in TASKS if name not in REGRESSION + DOWNLOADED]


def mix(split):
    counts = torch.bincount(split.targets, minlength=len(split.classes)).double()
    return (counts / counts.sum()).numpy()


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_all_parts_have_the_same_mix_of_classes(name):
    task = tl.load_task(name)
    test = task.test._open_for_exam()
    assert np.abs(mix(task.train) - mix(task.validation)).max() < 0.01
    assert np.abs(mix(task.train) - mix(test)).max() < 0.01


@pytest.mark.parametrize("name", REGRESSION)
def test_all_parts_have_the_same_spread_of_values(name):
    task = tl.load_task(name)
    low, high = task.info.range
    deciles = [
        np.quantile(part.targets, np.linspace(0.05, 0.95, 10), method="nearest")
        for part in (task.train, task.validation, task.test._open_for_exam())
    ]
    assert np.abs(np.diff(deciles, axis=0)).max() < 0.05 * (high - low)
    assert all(part.targets.min() >= low and part.targets.max() <= high for part in [task.train])


@pytest.mark.parametrize("name", CLASSIFICATION + REGRESSION)
def test_no_picture_stands_in_two_parts_or_twice_in_one(name):
    task = tl.load_task(name)
    digests = [
        digest
        for split in (task.train, task.validation, task.test._open_for_exam())
        for digest in split.digests()
    ]
    assert len(digests) == len(set(digests))


@pytest.mark.parametrize("name", CLASSIFICATION + REGRESSION)
def test_citation_licence_and_caution_are_stated(name):
    task = tl.load_task(name)
    assert task.name == name
    assert len(task.citation) > 20 and task.licence and task.info.caution.endswith(".")


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_an_item_is_a_tensor_of_the_promised_kind_and_shape_and_a_class_number(name):
    task = tl.load_task(name)
    image, target = task.train[0]
    assert image.dtype == task.preprocess.dtype and image.shape == task.preprocess.shape
    assert target.dtype == torch.int64 and 0 <= int(target) < len(task.classes)


def test_the_seed_fixes_every_part():
    first, second = tiny.task(split_seed=3), tiny.task(split_seed=3)
    for role in ("train", "validation", "unlabelled"):
        ours, theirs = getattr(first, role), getattr(second, role)
        assert np.array_equal(ours.indices, theirs.indices)


def test_another_seed_gives_other_training_items():
    assert tiny.task(split_seed=0).train.digests() != tiny.task(split_seed=1).train.digests()


@pytest.mark.parametrize("name", CLASSIFICATION + REGRESSION)
def test_the_test_items_are_the_same_for_every_seed_and_budget(name):
    first, second = tl.load_task(name), tl.load_task(name, labels=50, seed=7)
    ours, theirs = first.test._open_for_exam(), second.test._open_for_exam()
    assert np.array_equal(ours.indices, theirs.indices)


def test_loading_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(0)
    np.random.seed(0)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(0)
    np.random.seed(0)
    tl.load_task("printed-digits", seed=5)
    assert (torch.rand(1), np.random.rand()) == expected


@pytest.mark.parametrize("budget", ["labels_per_class", "labels"])
def test_small_budgets_are_part_of_large_ones(budget):
    kept = [set(tiny.task(**{budget: count}).train.digests()) for count in (3, 5, 9, 12)]
    assert all(small < large for small, large in pairwise(kept))


def test_a_budget_per_class_gives_each_class_that_many():
    assert torch.bincount(tiny.task(labels_per_class=4).train.targets).tolist() == [4, 4, 4]


def test_a_total_budget_gives_that_many_over_all_classes():
    targets = tiny.task(labels=9).train.targets
    assert len(targets) == 9 and set(targets.tolist()) == {0, 1, 2}


def test_a_budget_leaves_validation_and_unlabelled_as_they_are():
    full, small = tiny.task(), tiny.task(labels_per_class=2)
    assert np.array_equal(full.validation.indices, small.validation.indices)
    assert np.array_equal(full.unlabelled.indices, small.unlabelled.indices)


@pytest.mark.parametrize("budget", ["labels_per_class", "labels"])
@pytest.mark.parametrize("count", [0, -1, 2.5, True, "5", 10_000])
def test_an_impossible_budget_is_refused_with_the_numbers_that_work(budget, count):
    with pytest.raises(ValueError, match=f"{budget}={count!r} does not work: .* from 1 to"):
        tiny.task(**{budget: count})


def test_two_budgets_at_once_are_refused():
    with pytest.raises(ValueError, match="labels_per_class=2 or labels=9, not both"):
        tiny.task(labels_per_class=2, labels=9)


def test_a_budget_per_class_is_refused_where_there_are_no_classes():
    values = Collection(
        tiny.info(kind="regression", classes=("height",)),
        ArrayImages(tiny.pictures(np.zeros(20))),
        np.linspace(0, 1, 20),
        tiny.TINY8,
        0.2,
    )
    with pytest.raises(ValueError, match=r"labels_per_class=2 .* 'regression'; give labels="):
        divide(values, labels_per_class=2)
    assert len(divide(values, labels=5).train) == 5


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(ValueError, match=r"seed=.* does not work: expected a whole number"):
        tiny.task(split_seed=seed)


def test_an_unknown_task_is_named_with_what_was_meant():
    with pytest.raises(ValueError, match=r"'handwritting'.*did you mean 'handwriting'"):
        tl.load_task("handwritting")


def test_the_unlabelled_part_hides_the_labels():
    unlabelled = tiny.task().unlabelled
    assert isinstance(unlabelled[0], torch.Tensor) and unlabelled.labels is None
    with pytest.raises(tl.tasks.SealedError, match="withheld"):
        _ = unlabelled.targets


def test_ten_stands_after_nine_and_not_before_two():
    digits = tl.load_task("handwriting")
    assert digits.classes == tuple("0123456789")
    task = tiny.task(classes=[str(number) for number in (2, 10)])
    assert task.classes == ("2", "10")
    bright = torch.stack([task.train.pixels(item).float()[0, 3].mean() for item in range(9)])
    assert torch.equal(bright > 120, task.train.targets[:9] == task.classes.index("10"))


def test_the_labels_belong_to_their_pictures():
    task = tiny.task()
    for split in (task.train, task.validation, task.test._open_for_exam()):
        for item, target in enumerate(split.targets):
            assert split.pixels(item).float()[0].mean(1).argmax() == 2 * target + 1


@pytest.mark.parametrize("name", ["handwriting", "solar-cells"])
def test_a_split_goes_into_a_data_loader_with_workers(name):
    split = tl.load_task(name, labels_per_class=6).train
    loader = DataLoader(split, batch_size=4, num_workers=2, multiprocessing_context="fork")
    batches = list(loader)
    assert torch.equal(torch.cat([targets for _, targets in batches]), split.targets)
    assert torch.equal(batches[-1][0][-1], split[len(split) - 1][0])


def test_negative_indices_count_from_the_end():
    split = tiny.task().train
    for here, there in zip(split[-1], split[len(split) - 1], strict=True):
        assert torch.equal(here, there)


@pytest.mark.parametrize("index", [36, -37])
def test_an_index_past_the_end_is_refused(index):
    with pytest.raises(IndexError, match=f"train split of 'tiny': 36 items> has no item {index}"):
        tiny.task().train[index]


def test_iterating_a_split_ends():
    split = tiny.task().train
    assert [int(target) for _, target in split] == split.targets.tolist()


@pytest.mark.parametrize("make", [list, np.array, torch.tensor])
@pytest.mark.parametrize("positions", [[2, 0, -1], [1], [True, False] * 5 + [True]])
def test_positions_or_a_mask_give_a_smaller_split(positions, make):
    split = tl.load_task("printed-digits", labels_per_class=2).train[:11]
    part = split[make(positions)]
    wanted = np.arange(11)[np.array(positions)]
    assert part.indices.tolist() == split.indices[wanted].tolist()
    assert torch.equal(part.targets, split.targets[wanted])
    assert torch.equal(part[0][0], split[int(wanted[0])][0])


def test_no_positions_give_no_items_and_wrong_ones_are_refused():
    split = tl.load_task("printed-digits", labels_per_class=2).train
    assert len(split[[]]) == 0
    with pytest.raises(IndexError, match="20"):
        split[[3, 20]]


@pytest.mark.parametrize("cut", [slice(3), slice(-4, None), slice(None, None, -5), slice(2, 2)])
def test_a_slice_is_a_smaller_split(cut):
    split = tiny.task().train
    part = split[cut]
    assert part.targets.tolist() == split.targets.tolist()[cut]
    assert part.digests() == split.digests()[cut]
    assert len(tiny.task().unlabelled[cut]) == len(part)


def test_splits_compare_by_identity_and_serve_as_keys():
    split, other = tiny.task().train, tiny.task().train
    assert split == split and split != other and len({split, other}) == 2


def test_of_equal_pictures_one_is_kept_and_of_contradicted_ones_none():
    labels = np.array([0, 1] * 10)
    values = tiny.pictures(labels)
    values[2] = values[0]  # the same label: one of the two stays
    values[5] = values[4]  # two labels: one must be wrong
    everything = Collection(
        tiny.info(classes=("a", "b")), ArrayImages(values), labels, tiny.TINY8, 0.2
    )
    task = divide(everything)
    parts = task.train, task.validation, task.test._open_for_exam()
    kept = sorted(int(index) for part in parts for index in part.indices)
    assert kept == sorted(set(range(20)) - {2, 4, 5})


def test_printed_letters_hold_no_digit():
    letters, digits = tl.load_task("printed-letters"), tl.load_task("printed-digits")
    assert len(letters.classes) == 37
    assert not set(letters.classes) & set(digits.classes)
    assert not set(letters.unlabelled.digests()) & set(digits.unlabelled.digests())


def test_the_test_of_solar_cells_names_the_class_that_matters():
    task = tl.load_task("solar-cells")
    assert task.classes == ("sound", "defective") and task.info.positive == "defective"


def test_a_task_for_a_network_changes_the_inputs_and_nothing_else():
    task, net = tl.load_task("solar-cells", labels_per_class=2), tl.load_network("letters-resnet")
    other = task.for_network(net)
    assert other.train[0][0].shape == (1, 28, 28)
    assert other.test is task.test and other.train.digests() == task.train.digests()


def test_values_are_floats_for_regression():
    targets = tiny.regression_task().train.targets
    assert targets.dtype == torch.float32 and targets.ndim == 1


def test_several_labels_an_item_are_divided_by_their_combinations():
    task = tiny.multilabel_task()
    assert task.train.targets.shape == (36, 2)
    assert task.train.targets.float().mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.03)


def test_a_fingerprint_tells_pictures_labels_and_their_order():
    part = tl.load_task("printed-digits", labels_per_class=2).train
    relabelled = replace(part, labels=part.labels.flip(0))
    others = [
        part[1:],
        part[torch.arange(len(part)).flip(0)],
        relabelled,
        replace(part, labels=None),
    ]
    assert len({split.fingerprint() for split in [part, *others]}) == 5
    assert (
        part.fingerprint() == tl.load_task("printed-digits", labels_per_class=2).train.fingerprint()
    )
