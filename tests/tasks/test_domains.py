import copy
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tl_teach as tl
from tl_teach.tasks import DOMAINS, SealedError, SealedSplit, Target, Task, as_target
from tl_teach.tasks.domains import ChosenImages, _domain, _of_mix

from . import tiny

PAIRS = [(name, side) for name, sides in DOMAINS.items() for side in sides]


def truth(target):
    """Labels of everything in a target, the way no method may go."""
    return target.test._open_for_exam().targets


def reachable(thing, seen):
    """Everything that public attributes, keys and items lead to."""
    if id(thing) in seen or isinstance(thing, ModuleType | type | str | bytes | int | float):
        return
    seen[id(thing)] = thing
    if isinstance(thing, dict):
        inside = [*thing.keys(), *thing.values()]
    elif isinstance(thing, list | tuple | set):
        inside = list(thing)
    elif isinstance(thing, np.ndarray | torch.Tensor):
        return
    else:
        names = [name for name in dir(thing) if not name.startswith("_")]
        inside = []
        for name in names:
            try:
                value = getattr(thing, name)
            except SealedError:
                continue
            if not callable(value):
                inside.append(value)
    for value in inside:
        reachable(value, seen)


@pytest.mark.parametrize(("name", "side"), PAIRS)
def test_no_public_attribute_of_a_target_leads_to_a_label(name, side):
    other = next(one for one in DOMAINS[name] if one != side)
    target = tl.load_domains(name, other, side).target
    seen = {}
    reachable(target, seen)
    whole = _domain(name, side, None).labels
    labels = [whole, truth(target).numpy(), whole[target.unlabelled.indices]]
    arrays = [
        np.asarray(one) for one in seen.values() if isinstance(one, np.ndarray | torch.Tensor)
    ]
    assert len(arrays) >= 1  # the indices, at least: the walk does walk
    assert not any(np.array_equal(array, hidden) for array in arrays for hidden in labels)


@pytest.mark.parametrize(("name", "side"), PAIRS)
def test_the_place_of_a_picture_does_not_tell_its_label(name, side):
    labels = _domain(name, side, None).labels
    classes = len(np.unique(labels))
    blocks = np.array_split(labels, classes)
    purity = np.mean([np.bincount(block).max() / len(block) for block in blocks])
    assert purity < np.bincount(labels).max() / len(labels) + 0.1


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_target_has_no_labelled_part(part):
    target = as_target(tiny.task())
    with pytest.raises(SealedError, match=r"'tiny' has no .* part.*tl\.reveal\(nets, target\)"):
        getattr(target, part)


def test_the_unlabelled_part_withholds_its_labels():
    unlabelled = as_target(tiny.task()).unlabelled
    assert isinstance(unlabelled[0], torch.Tensor)
    with pytest.raises(SealedError, match="withheld"):
        unlabelled.targets


def test_the_test_of_a_target_is_sealed():
    test = as_target(tiny.task()).test
    assert isinstance(test, SealedSplit)
    with pytest.raises(SealedError):
        test.targets


@pytest.mark.parametrize("use", [tl.fit, lambda net, target: tl.baseline(target)])
def test_what_learns_from_labels_refuses_a_target(use):
    with pytest.raises(SealedError, match="no training part"):
        use(tiny.network(), as_target(tiny.task()))


def test_a_target_is_a_task_for_a_head_and_for_the_exam():
    target = as_target(tiny.task(name="tiny-target"))
    net = tl.replace_head(tiny.network(7), target)
    assert net.classes == target.classes
    assert len(tl.final_exam(net, target).targets) == len(target.test)


def test_a_target_for_a_network_stays_a_target():
    target, net = as_target(tiny.task()), tl.load_network("letters-resnet")
    other = target.for_network(net)
    assert isinstance(other, Target) and other.unlabelled[0].shape == (1, 28, 28)
    assert other.test is target.test and other.preprocess is net.preprocess


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copied_target_keeps_its_seal(copied):
    target = copied(as_target(tiny.task()))
    with pytest.raises(SealedError):
        target.train
    with pytest.raises(SealedError):
        target.test.targets


def test_a_target_of_a_target_is_itself():
    target = as_target(tiny.task())
    assert as_target(target) is target


@pytest.mark.parametrize(("name", "side"), PAIRS)
def test_no_picture_to_adapt_on_is_in_the_test(name, side):
    other = next(one for one in DOMAINS[name] if one != side)
    target = tl.load_domains(name, other, side).target
    test = target.test._open_for_exam().digests()
    unlabelled = target.unlabelled.digests()
    assert len(set(test)) == len(test) and len(set(unlabelled)) == len(unlabelled)
    assert not set(test) & set(unlabelled)
    assert len(test) / (len(test) + len(unlabelled)) == pytest.approx(
        0.4, abs=0.005
    )  # groups are whole


def test_solar_cells_are_divided_by_crystal():
    mono, poly = (_domain("solar-cells", side, None) for side in ("mono", "poly"))
    assert (len(mono.labels), len(poly.labels)) == (901, 1322)
    pictures = {collection.images.digest(0) for collection in (mono, poly)}
    assert len(pictures) == 2
    assert np.bincount(poly.labels)[0] / 1322 == pytest.approx(0.70, abs=0.005)


def test_labels_belong_to_their_pictures():
    whole = tl.load_task("handwriting")
    labels = {
        digest: int(label)
        for part in (whole.train, whole.validation)
        for digest, label in zip(part.digests(), part.targets, strict=True)
    }
    target = tl.load_domains("digits", "printed", "handwritten").target
    test = target.test._open_for_exam()
    pairs = list(zip(test.digests(), test.targets.tolist(), strict=True))
    known = [(labels[digest], label) for digest, label in pairs if digest in labels]
    assert len(known) > 1000 and all(ours == theirs for ours, theirs in known)


def test_small_digits_look_like_the_large_ones():
    small = _domain("digits", "8x8", None)
    large = _domain("digits", "handwritten", None)

    def mean_of(collection):
        return torch.stack([collection.images.pixels(i) for i in range(300)]).float().mean(0)[0]

    ours, theirs = mean_of(small), mean_of(large)
    assert ours.shape == theirs.shape == (28, 28)
    assert ours[:4].max() == 0 and ours[:, :4].max() == 0  # the frame that MNIST leaves dark
    assert torch.corrcoef(torch.stack([ours.flatten(), theirs.flatten()]))[0, 1] > 0.8


def test_the_seed_divides_the_source_and_leaves_the_target():
    first = tl.load_domains("digits", "printed", "8x8", seed=0)
    second = tl.load_domains("digits", "printed", "8x8", seed=1)
    assert set(first.source.train.digests()) != set(second.source.train.digests())
    assert first.target.unlabelled.digests() == second.target.unlabelled.digests()
    assert first.target.test._identity == second.target.test._identity


def test_a_label_budget_is_the_sources():
    domains = tl.load_domains("digits", "printed", "8x8", labels_per_class=3)
    assert len(domains.source.train) == 30 and len(domains.target.unlabelled) == 1078


def test_a_mix_of_the_classes_holds_on_both_sides_and_in_every_part():
    source, target = tl.load_domains(
        "solar-cells",
        "mono",
        "poly",
        source_mix={"sound": 0.5, "defective": 0.5},
        target_mix={"sound": 0.2, "defective": 0.8},
    )
    for part in (source.train, source.validation, source.test._open_for_exam()):
        assert part.targets.float().mean() == pytest.approx(0.5, abs=0.01)
    assert truth(target).float().mean() == pytest.approx(0.8, abs=0.01)
    assert target.name == "solar-cells: poly (sound 0.2, defective 0.8)"


def test_classes_without_a_share_divide_the_rest():
    target = tl.load_domains("digits", "printed", "8x8", target_mix={"0": 0.55}).target
    shares = torch.bincount(truth(target)) / len(truth(target))
    assert shares[0] == pytest.approx(0.55, abs=0.02)
    assert shares[1:].min() > 0.03 and shares[1:].max() < 0.07


@given(
    counts=st.lists(st.integers(5, 40), min_size=2, max_size=4),
    weights=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(lambda w: sum(w[:2]) > 0),
)
def test_a_mix_keeps_as_many_items_as_it_allows(counts, weights):
    classes = tuple("abcd"[: len(counts)])
    wanted = np.array(weights[: len(counts)]) / sum(weights[: len(counts)])
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    kept = _of_mix(labels, classes, dict(zip(classes, wanted, strict=True)))
    got = np.bincount(labels[kept], minlength=len(counts))
    assert len(set(kept.tolist())) == len(kept)
    assert np.all(np.abs(got - wanted * got.sum()) < len(counts))  # as far as whole items can
    assert np.any(got[wanted > 0] == np.array(counts)[wanted > 0])  # one class is used up


@pytest.mark.parametrize(
    "mix", [{"sound": 0.7, "defective": 0.7}, {"sound": -0.1}, {"sound": 0.2, "defective": 0.2}]
)
def test_an_impossible_mix_is_refused(mix):
    with pytest.raises(ValueError, match=r"mix .* does not work: expected shares from 0 to 1"):
        tl.load_domains("solar-cells", "mono", "poly", source_mix=mix)


def test_unknown_names_are_answered_with_what_was_meant():
    with pytest.raises(ValueError, match=r"task with domains named 'solar'.*'solar-cells'"):
        tl.load_domains("solar", "mono", "poly")
    with pytest.raises(ValueError, match=r"domain of 'digits' named 'print'.*'printed'"):
        tl.load_domains("digits", "print", "8x8")
    with pytest.raises(ValueError, match=r"class named 'broken'"):
        tl.load_domains("solar-cells", "mono", "poly", target_mix={"broken": 0.5})


def test_one_domain_cannot_be_both_sides():
    with pytest.raises(ValueError, match=r"'printed' cannot be source and target.*'8x8' as one"):
        tl.load_domains("digits", "printed", "printed", target_mix={"0": 0.5})


def test_chosen_images_are_the_ones_asked_for():
    images = tiny.collection().images
    chosen = ChosenImages(images, np.array([5, 2]))
    assert len(chosen) == 2 and chosen.digest(1) == images.digest(2)
    assert torch.equal(chosen.pixels(0), images.pixels(5))


def test_domains_unpack():
    source, target = tl.load_domains("digits", "printed", "8x8")
    assert isinstance(source, Task) and isinstance(target, Target)
    assert source.classes == target.classes
