"""Dividing items into train, validation and test, and choosing labels within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .images import Images
from .report import Problem

_BINS = 10  # strata that the values of a regression task are put into


def distinct(
    images: Images, labels: Sequence[Any] | np.ndarray, names: Sequence[str] | None = None
) -> tuple[np.ndarray, list[Problem]]:
    """Find the items to keep so that no picture stands twice.

    Of equal pictures with one label the first is kept; of equal pictures with different labels
    none is, since at least one of those labels must be wrong.

    Parameters
    ----------
    images : Images
        All pictures.
    labels : sequence or numpy.ndarray
        Their labels, one an item or one row an item.
    names : sequence of str, optional
        What to call each item; by its number by default.

    Returns
    -------
    kept : numpy.ndarray
        Indices of the items to keep, ascending.
    left_out : list of Problem
        One for each other item.
    """
    names = names or [f"item {index}" for index in range(len(images))]
    equal: dict[bytes, list[int]] = {}
    for index in range(len(images)):
        equal.setdefault(images.digest(index), []).append(index)
    kept, left_out = [], []
    for same in equal.values():
        first, *copies = same
        if any(np.any(labels[first] != labels[copy]) for copy in copies):
            both = " and ".join(names[index] for index in same)
            left_out += [Problem(names[index], "same item, two labels", both) for index in same]
        else:
            kept.append(first)
            left_out += [Problem(names[i], "same item as another", names[first]) for i in copies]
    return np.array(kept, dtype=np.int64), left_out


def as_strata(labels: np.ndarray, kind: str) -> np.ndarray:
    """Give each item a stratum, the class that divisions keep the mix of.

    Classes are their own strata, and so is each combination of several labels. Values are put
    into about ten bins of equally many items (fewer bins an output where there are several);
    values on few levels keep their levels.

    Parameters
    ----------
    labels : numpy.ndarray
        One label or one row an item.
    kind : str
        ``"classification"``, ``"multilabel"`` or ``"regression"``.

    Returns
    -------
    numpy.ndarray
        Shape (N,).

    Examples
    --------
    >>> as_strata(np.linspace(0, 1, 40), "regression").tolist() == [i // 4 for i in range(40)]
    True
    """
    if kind == "regression":
        columns = labels.reshape(len(labels), -1).T
        bins = max(2, round(_BINS ** (1 / len(columns))))
        labels = np.stack([_in_bins(column, bins) for column in columns], axis=1)
    if labels.ndim == 1:
        return labels
    return np.unique(labels, axis=0, return_inverse=True)[1].ravel()


def _in_bins(values: np.ndarray, bins: int) -> np.ndarray:
    levels = np.unique(values)
    if len(levels) <= bins:
        return np.searchsorted(levels, values)
    # Where one value is so common that it fills several bins, these are one.
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, values)


def stratified_order(strata: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Order items so that every beginning of the order has about the mix of the whole.

    Because each beginning contains all shorter ones, budgets cut from one order are nested:
    the first 50 labels contain the first 20.

    Parameters
    ----------
    strata : numpy.ndarray
        The class of each item, shape (N,).
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    numpy.ndarray
        A permutation of ``range(N)``.

    Examples
    --------
    >>> order = stratified_order(np.array([0, 0, 0, 0, 1, 1]), np.random.default_rng(0))
    >>> sorted(order.tolist())
    [0, 1, 2, 3, 4, 5]
    """
    position = np.empty(len(strata))
    for stratum in np.unique(strata):
        members = rng.permutation(np.flatnonzero(strata == stratum))
        # A class of n items is spread evenly over 0..1, at a random phase.
        position[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(position, kind="stable")


def hold_out(
    strata: np.ndarray, fraction: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Divide items in two, each with the mix of the whole.

    Parameters
    ----------
    strata : numpy.ndarray
        The class of each item, shape (N,).
    fraction : float
        Share of the items to hold out, 0..1.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    rest, held_out : numpy.ndarray
        Positions into `strata`.
    """
    order = stratified_order(strata, rng)
    count = round(len(order) * fraction)
    return order[count:], order[:count]


def hold_out_groups(
    strata: np.ndarray, groups: np.ndarray, fraction: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Divide items in two, each group on one side, each side with about the mix of the whole.

    The groups come in random order, and each is held out if that brings the number of held-out
    items of its classes nearer to the share that is wanted. A second round fills up the number of
    all held-out items, which many small classes, each rounded down, leave short.

    Parameters
    ----------
    strata : numpy.ndarray
        The class of each item, shape (N,).
    groups : numpy.ndarray
        The group of each item, shape (N,).
    fraction : float
        Share of the items to hold out, 0..1.
    rng : numpy.random.Generator
        The source of randomness.

    Returns
    -------
    rest, held_out : numpy.ndarray
        Positions into `strata`. The share is met as nearly as the sizes of the groups allow.

    Examples
    --------
    >>> patients = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    >>> rng = np.random.default_rng(0)
    >>> rest, held_out = hold_out_groups(np.array([0, 0, 0, 0, 1, 1, 1, 1]), patients, 0.5, rng)
    >>> set(patients[rest]) & set(patients[held_out])
    set()
    """
    classes, stratum = np.unique(strata, return_inverse=True)
    names, group = np.unique(groups, return_inverse=True)
    table = np.zeros((len(names), len(classes) + 1))
    np.add.at(table, (group, stratum), 1)
    table[:, -1] = table.sum(axis=1)  # all classes together count as one more
    wanted = fraction * table.sum(axis=0)
    weight = 1 / table.sum(axis=0)  # so that a rare class counts as much as a common one
    held, is_held = np.zeros(len(classes) + 1), np.zeros(len(names), dtype=bool)
    turns = rng.permutation(len(names))
    for weight_of_all in (0, len(classes) / len(strata)):
        weight[-1] = weight_of_all
        for one in turns[~is_held[turns]]:
            with_it = held + table[one]
            if weight @ (with_it - wanted) ** 2 < weight @ (held - wanted) ** 2:
                held, is_held[one] = with_it, True
    order = stratified_order(strata, rng)
    out = is_held[group[order]]
    return order[~out], order[out]


def first_per_class(strata: np.ndarray, count: int) -> np.ndarray:
    """Take the first `count` items of each class, in the order given.

    Parameters
    ----------
    strata : numpy.ndarray
        The class of each item in a stratified order, shape (N,).
    count : int
        Items a class.

    Returns
    -------
    numpy.ndarray
        Positions into `strata`, ascending.
    """
    chosen = [np.flatnonzero(strata == stratum)[:count] for stratum in np.unique(strata)]
    return np.sort(np.concatenate(chosen))
