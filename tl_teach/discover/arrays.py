"""Features and targets as plain arrays, whatever form they are given in."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ..learning import Features

FeatureTable: TypeAlias = Features | np.ndarray


def table(features: FeatureTable) -> np.ndarray:
    """Give features as one row an item.

    Parameters
    ----------
    features : Features or numpy.ndarray
        From `extract_features`, or any array of shape (N, D).

    Returns
    -------
    numpy.ndarray
        float64, shape (N, D).

    Raises
    ------
    ValueError
        If it is no table of finite numbers.
    """
    values = features.values if isinstance(features, Features) else np.asarray(features)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            f"Expected features of shape (items, features), but got the shape {values.shape}; "
            "give what tl.extract_features(net, split) returns."
        )
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("The features hold numbers that are not finite; find out where from.")
    return values


def unit(values: np.ndarray) -> np.ndarray:
    """Scale each item to length 1, so that its direction alone counts.

    How strongly a picture excites a network (its brightness, say) tells less about what it shows
    than which features it excites.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (N, D).

    Returns
    -------
    numpy.ndarray
        Shape (N, D); an item of length 0 stays, and is like nothing.
    """
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.where(length == 0, 1, length)


def one_each(features: FeatureTable, targets: Any = None, *, option: bool = True) -> np.ndarray:
    """Give one target for each item.

    Parameters
    ----------
    features : Features or numpy.ndarray
        The items.
    targets : array, optional
        Shape (N,); those that the features carry by default.
    option : bool
        Whether the reader can give them as ``targets=``.

    Returns
    -------
    numpy.ndarray
        Shape (N,).

    Raises
    ------
    ValueError
        If there are none, or not one an item.
    """
    if targets is None and isinstance(features, Features):
        targets = features.targets
    if targets is None:
        give = "give them as targets=, or " if option else ""
        raise ValueError(
            f"These features carry no targets; {give}take what tl.extract_features(net, split) "
            "returns for a part that has labels."
        )
    targets = np.asarray(targets)
    if targets.shape != (len(features),):
        raise ValueError(
            f"Expected one target for each of the {len(features)} items, but got an array of "
            f"shape {targets.shape}."
        )
    return targets
