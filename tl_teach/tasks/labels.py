"""What the labels of a task must be, whatever they come from."""

from __future__ import annotations

import numpy as np

from ..wording import unknown
from .report import Report
from .split import TaskInfo

KINDS = ("classification", "multilabel", "regression")


def require_labels(info: TaskInfo, labels: np.ndarray, items: int) -> None:
    """Refuse labels that do not fit the kind of task, in one sentence.

    Parameters
    ----------
    info : TaskInfo
        What the task is about.
    labels : numpy.ndarray
        One label or one row an item.
    items : int
        How many items they belong to.

    Raises
    ------
    ValueError
        If a label is missing, is not a number of the right kind, or names no class.
    """
    if info.kind not in KINDS:
        raise ValueError(unknown("kind of task", info.kind, KINDS))
    if len(labels) != items:
        raise ValueError(
            f"{info.name!r} has {items} items but {len(labels)} labels; "
            "give one label, or one row of labels, an item."
        )
    if info.kind == "classification":
        _require_class_numbers(info, labels)
    elif info.kind == "multilabel":
        _require_zeros_and_ones(info, labels)
    else:
        _require_values(info, labels)


def require_groups(info: TaskInfo, groups: np.ndarray | None, items: int) -> None:
    """Refuse groups that do not name one group an item, in one sentence.

    Parameters
    ----------
    info : TaskInfo
        What the task is about.
    groups : numpy.ndarray or None
        The group of each item, if there are groups.
    items : int
        How many items they belong to.

    Raises
    ------
    ValueError
        If there are more or fewer.
    """
    if groups is not None and np.shape(groups) != (items,):
        raise ValueError(
            f"The groups of {info.name!r} have the shape {np.shape(groups)}, but {items} "
            "items need one group each; give an item that belongs with no other a group alone."
        )


def require_variety(info: TaskInfo, labels: np.ndarray, report: Report) -> None:
    """Refuse labels that nothing can be learned from, in one sentence.

    Parameters
    ----------
    info : TaskInfo
        What the task is about.
    labels : numpy.ndarray
        The labels of the items that are used, without repeated items.
    report : Report
        What is left out.

    Raises
    ------
    ValueError
        If all items have one label, or a class of a classification task has fewer than two items.
    """
    whole = f"{info.name!r} (left out: {report.reasons})" if report else repr(info.name)
    different = np.unique(labels, axis=0)
    if len(different) < 2:
        what = "none" if not len(different) else _words(info, different[0])
        raise ValueError(
            f"All {len(labels)} usable items of {whole} have one label ({what}), so there is "
            "nothing to learn; give items with at least two different labels."
        )
    if info.kind != "classification":
        return
    counts = np.bincount(labels, minlength=len(info.classes)).tolist()
    if min(counts) < 2:
        name, count = info.classes[counts.index(min(counts))], min(counts)
        raise ValueError(
            f"The class {name!r} of {whole} has {count} usable item{'s' * (count != 1)}, but "
            "needs some to learn from and some to be examined on; add items or leave the class out."
        )


def _require_class_numbers(info: TaskInfo, labels: np.ndarray) -> None:
    last = len(info.classes) - 1
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"The labels of {info.name!r} are {labels.dtype} values of shape {labels.shape}, but "
            f"classification takes one class number an item, a whole number from 0 to {last}; "
            "give the place of each item's class in classes=, or leave that out if the labels are "
            "measurements."
        )
    wrong = labels[(labels < 0) | (labels > last)]
    if len(wrong):
        raise ValueError(
            f"The label {wrong[0]} of {info.name!r} names no class: its {last + 1} classes are "
            f"numbered from 0 to {last}; count from 0, or name all the classes."
        )


def _require_zeros_and_ones(info: TaskInfo, labels: np.ndarray) -> None:
    fits = labels.ndim == 2 and labels.shape[1] == len(info.classes)
    if not fits or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"The labels of {info.name!r} are {labels.dtype} values of shape {labels.shape}, but "
            f"multilabel takes a row of {len(info.classes)} zeros and ones an item, one for each "
            "class; convert them first."
        )


def _require_values(info: TaskInfo, labels: np.ndarray) -> None:
    outputs = len(info.classes)
    fits = labels.shape[1:] == (outputs,) or (outputs == 1 and labels.ndim == 1)
    if not fits or labels.dtype.kind not in "iuf":
        raise ValueError(
            f"The targets of {info.name!r} are {labels.dtype} values of shape {labels.shape}, but "
            f"regression takes {outputs} number{'s' * (outputs > 1)} an item, one for each output; "
            "convert them, or name the classes with classes= and give the place of each item's "
            "class among them."
        )
    wrong = np.flatnonzero(~np.isfinite(labels.reshape(len(labels), -1)).all(axis=1))
    if len(wrong):
        raise ValueError(
            f"{len(wrong)} of the {len(labels)} targets of {info.name!r} are not finite numbers, "
            f"the first of them that of item {wrong[0]}; leave such items out."
        )


def _words(info: TaskInfo, label: np.ndarray) -> str:
    return repr(info.classes[label]) if info.kind == "classification" else str(label)
