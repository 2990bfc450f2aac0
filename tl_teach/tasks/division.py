"""Dividing a collection into the parts of a task, and keeping a budget of labels."""

from __future__ import annotations

from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import torch

from ..wording import require_count
from .labels import require_groups, require_labels, require_variety
from .report import Report
from .split import SealedSplit, Split, TaskInfo
from .splitting import (
    as_strata,
    distinct,
    first_per_class,
    hold_out,
    hold_out_groups,
    stratified_order,
)
from .task import Collection, Task


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
        If labels do not fit the kind of task or leave nothing to learn; if there are too few items
        for a part; if the budget is not positive, is given twice, or is more than there is; if the
        seed is no whole number.
    """
    require_count("seed", seed, least=0)
    info, images = collection.info, collection.images
    require_labels(info, collection.labels, len(images))
    require_groups(info, collection.groups, len(images))
    kept, left_out = distinct(images, collection.labels)
    report = Report((*collection.report, *left_out))
    truth = collection.labels[kept]
    require_variety(info, truth, report)
    if info.kind == "regression" and truth.shape[1:] == (1,):  # one output: one number an item
        truth = truth[:, 0]
    strata = as_strata(truth, info.kind)
    mix = strata if collection.strata is None else collection.strata[kept]
    groups = None if collection.groups is None else collection.groups[kept]
    everything = np.arange(len(kept))
    learn, test = _apart(everything, mix, groups, collection.held_out, np.random.default_rng(0))
    rng = np.random.default_rng([1, seed])
    share = collection.held_out / (1 - collection.held_out)
    pool, validation = _apart(learn, mix, groups, share, rng)
    pool = pool[stratified_order(mix[pool], rng)]
    _require_filled(info, strata, {"train": pool, "validation": validation, "test": test})
    train = pool[_within_budget(info, strata[pool], labels_per_class, labels)]

    def part(role: str, members: np.ndarray, labelled: bool = True) -> Split:
        dtype = torch.float32 if info.kind == "regression" else torch.int64
        targets = torch.as_tensor(truth[members], dtype=dtype) if labelled else None
        return Split(images, kept[members], targets, info, role, collection.preprocess)

    return Task(
        info=info,
        train=part("train", train),
        validation=part("validation", validation),
        test=SealedSplit(part("test", test)),
        unlabelled=part("unlabelled", pool, labelled=False),
        groups=collection.groups,
        report=report,
        _divide=partial(divide, collection),
    )


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


def _require_filled(info: TaskInfo, strata: np.ndarray, parts: dict[str, np.ndarray]) -> None:
    """Refuse a division that leaves a part empty, or a class nothing to learn from."""
    for role, members in parts.items():
        if not len(members):
            raise ValueError(
                f"{info.name!r} cannot be divided: of its {len(strata)} items, or the groups they "
                f"belong to, none is left for the {role} part; add items or smaller groups."
            )
    absent = set(strata) - set(strata[parts["train"]])
    if info.kind == "classification" and absent:
        name = info.classes[min(absent)]
        raise ValueError(
            f"{info.name!r} cannot be divided: the few items of the class {name!r}, or the groups "
            "they belong to, are all in the other parts and leave none to learn from; add items or "
            "leave the class out."
        )


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
    whole = isinstance(given, Integral) and not isinstance(given, bool)
    if not whole or not 1 <= given <= available:
        raise ValueError(
            f"{name}={given!r} does not work: expected a whole number from 1 to {available}, "
            f"which is the number of {where}."
        )
