"""A task: what is to be predicted, with data to learn, to choose and to be examined on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ..wording import require_count
from .images import Images
from .preprocess import Preprocess
from .split import SealedSplit, Split, TaskInfo
from .splitting import distinct, first_per_class, hold_out, hold_out_groups, stratified_order


@dataclass(frozen=True, eq=False)
class Collection:
    """All the items of a task, before they are divided.

    Attributes
    ----------
    info : TaskInfo
        What the task is about.
    images : Images
        The pictures.
    labels : numpy.ndarray
        One target an item, shape (N,); for several labels an item, 0 or 1 in shape (N, classes).
    preprocess : Preprocess
        For a network that has none of its own.
    held_out : float
        Share of the items in the validation split, and in the test split.
    groups : numpy.ndarray or None
        Which items belong together (one patient, one module), shape (N,): a group never stands
        on two sides of a division. None where the items are independent, or nothing is known.
    """

    info: TaskInfo
    images: Images
    labels: np.ndarray
    preprocess: Preprocess
    held_out: float
    groups: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Task:
    """Data for one question, in parts that are kept apart.

    Attributes
    ----------
    info : TaskInfo
        Name, kind, classes, citation, licence.
    train : Split
        The labelled items to learn from, within the label budget.
    validation : Split
        Items to choose by: when to stop, which recipe, which setting.
    test : SealedSplit
        Items that only `final_exam` reads. They are the same for every seed, so that a new
        seed is not a new look.
    unlabelled : Split
        All pictures that may be learned from, without their labels.
    groups : numpy.ndarray or None
        The group of each picture, by its place in ``train.images``; see `Collection`.
    """

    info: TaskInfo
    train: Split
    validation: Split
    test: SealedSplit
    unlabelled: Split
    groups: np.ndarray | None = None

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.info.name

    @property
    def kind(self) -> str:
        """``"classification"``, ``"multilabel"`` or ``"regression"``."""
        return self.info.kind

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the target numbers."""
        return self.info.classes

    @property
    def outputs(self) -> int:
        """How many numbers a network must give for one item."""
        return len(self.info.classes)

    @property
    def preprocess(self) -> Preprocess:
        """How this task's pictures become inputs."""
        return self.train.preprocess

    @property
    def citation(self) -> str:
        """Where the data come from."""
        return self.info.citation

    @property
    def licence(self) -> str:
        """What may be done with the data."""
        return self.info.licence

    def for_network(self, net: Any) -> Task:
        """Give the same task with its inputs preprocessed for `net`.

        Parameters
        ----------
        net : Network
            Anything with a ``preprocess``.

        Returns
        -------
        Task
            A view; the items, their division and the seal are the same.
        """
        return replace(
            self,
            train=self.train.for_network(net),
            validation=self.validation.for_network(net),
            unlabelled=self.unlabelled.for_network(net),
        )

    def __repr__(self) -> str:
        return (
            f"<task {self.name!r}: {self.kind}, {len(self.classes)} classes;\n"
            f" {len(self.train):,} train, {len(self.validation):,} validation, "
            f"{len(self.test):,} sealed test, {len(self.unlabelled):,} unlabelled>"
        )


def divide(
    collection: Collection,
    labels_per_class: int | None = None,
    labels: int | None = None,
    seed: int = 0,
) -> Task:
    """Divide a collection into the parts of a task.

    Parameters
    ----------
    collection : Collection
        All items.
    labels_per_class : int, optional
        Keep this many labelled training items of each class.
    labels : int, optional
        Keep this many labelled training items in all.
    seed : int
        Fixes which items are for training and which for validation, and which labels are kept.
        The test items do not depend on it.

    Returns
    -------
    Task
        Parts are stratified and share no picture and no group; smaller budgets are part of larger
        ones. A budget may leave out a part of a group.

    Raises
    ------
    ValueError
        If the budget is not positive, is given twice, or is more than there is; if the seed is
        no whole number.
    """
    require_count("seed", seed, least=0)
    kept = distinct(collection.images, collection.labels)
    truth = collection.labels[kept]
    # Of several labels an item, each combination is a stratum.
    strata = truth if truth.ndim == 1 else np.unique(truth, axis=0, return_inverse=True)[1].ravel()
    groups = None if collection.groups is None else collection.groups[kept]
    everything = np.arange(len(kept))
    learn, test = _apart(everything, strata, groups, collection.held_out, np.random.default_rng(0))
    rng = np.random.default_rng([1, seed])
    share = collection.held_out / (1 - collection.held_out)
    pool, validation = _apart(learn, strata, groups, share, rng)
    pool = pool[stratified_order(strata[pool], rng)]
    train = pool[_within_budget(collection.info, strata[pool], labels_per_class, labels)]

    def part(role: str, members: np.ndarray, labelled: bool = True) -> Split:
        dtype = torch.float32 if collection.info.kind == "regression" else torch.int64
        targets = torch.as_tensor(truth[members], dtype=dtype) if labelled else None
        return Split(
            collection.images, kept[members], targets, collection.info, role, collection.preprocess
        )

    return Task(
        info=collection.info,
        train=part("train", train),
        validation=part("validation", validation),
        test=SealedSplit(part("test", test)),
        unlabelled=part("unlabelled", pool, labelled=False),
        groups=collection.groups,
    )


def require_task(task: object) -> Task:
    """Refuse what is not a task, in one sentence.

    Parameters
    ----------
    task : object
        What the caller gave.

    Returns
    -------
    Task
        The same object.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if not isinstance(task, Task):
        raise TypeError(
            f"Expected a task, but got {type(task).__name__}; load one with tl.load_task(name)."
        )
    return task


def _apart(
    items: np.ndarray,
    strata: np.ndarray,
    groups: np.ndarray | None,
    fraction: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Divide some of the items in two; groups stay whole."""
    if groups is None:
        rest, held_out = hold_out(strata[items], fraction, rng)
    else:
        rest, held_out = hold_out_groups(strata[items], groups[items], fraction, rng)
    return items[rest], items[held_out]


def _within_budget(
    info: TaskInfo, strata: np.ndarray, labels_per_class: int | None, labels: int | None
) -> np.ndarray:
    if labels_per_class is not None and labels is not None:
        raise ValueError(
            f"Give labels_per_class={labels_per_class} or labels={labels}, not both: "
            "the first counts each class, the second all classes together."
        )
    if labels is not None:
        _check_budget("labels", labels, len(strata), f"training items in {info.name!r}")
        return np.arange(labels)
    if labels_per_class is not None and info.kind != "classification":
        raise ValueError(
            f"labels_per_class={labels_per_class} does not work for {info.name!r}, whose kind is "
            f"{info.kind!r}; give labels=, the number of labelled items in all."
        )
    if labels_per_class is not None:
        scarcest = int(np.unique(strata, return_counts=True)[1].min())
        where = f"training items in the rarest class of {info.name!r}"
        _check_budget("labels_per_class", labels_per_class, scarcest, where)
        return first_per_class(strata, labels_per_class)
    return np.arange(len(strata))


def _check_budget(name: str, given: Any, available: int, where: str) -> None:
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
    if not whole or not 1 <= given <= available:
        raise ValueError(
            f"{name}={given!r} does not work: expected a whole number from 1 to {available}, "
            f"which is the number of {where}."
        )
