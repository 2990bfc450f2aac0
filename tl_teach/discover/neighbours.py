"""Neighbours: what is near an item, and which items are near to nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..wording import require_count
from .arrays import FeatureTable, one_each, table, unit


class Neighbours(NamedTuple):
    """The items most like a query, the most alike first.

    Attributes
    ----------
    indices : numpy.ndarray
        Their positions, shape (n,), or (queries, n).
    similarities : numpy.ndarray
        Cosine of the angle to the query, -1..1, of the same shape.
    """

    indices: np.ndarray
    similarities: np.ndarray


def nearest(features: FeatureTable, query: int | FeatureTable, n: int = 5) -> Neighbours:
    r"""Find the items that are most like a query.

    .. math:: \cos(a, b) = \frac{a \cdot b}{\lVert a \rVert \lVert b \rVert}

    Parameters
    ----------
    features : Features or numpy.ndarray
        What is searched, shape (N, D).
    query : int, Features or numpy.ndarray
        The position of one of the items, which is then left out itself; or features of shape (D,)
        or (queries, D).
    n : int
        How many to find.

    Returns
    -------
    Neighbours
        ``indices`` and ``similarities``.

    Raises
    ------
    ValueError
        If there are fewer than `n` items, or the query has other features.

    Examples
    --------
    >>> import numpy as np
    >>> import tl_teach as tl
    >>> tl.nearest(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), query=0, n=2).indices.tolist()
    [1, 2]
    """
    values = table(features)
    if isinstance(query, int | np.integer) and not isinstance(query, bool):
        if not 0 <= query < len(values):
            raise ValueError(f"There is no item {query} among {len(values)}.")
        _require_n(n, len(values) - 1)
        return Neighbours(*(row[0] for row in _closest(values, values[[query]], n, [int(query)])))
    single = isinstance(query, np.ndarray) and query.ndim == 1
    queries = table(query[None] if single else query)  # type: ignore[index, arg-type]
    if queries.shape[1] != values.shape[1]:
        raise ValueError(
            f"The query has {queries.shape[1]} features and the items have {values.shape[1]}; "
            "take both from one stage of one network."
        )
    _require_n(n, len(values))
    found = _closest(values, queries, n)
    return Neighbours(*(row[0] for row in found)) if single else found


def retrieval_precision(features: FeatureTable, targets: Any = None, *, n: int = 5) -> float:
    """Tell how often the items most like an item are of its class.

    Parameters
    ----------
    features : Features or numpy.ndarray
        Each item is a query once, and never its own answer.
    targets : array, optional
        The class of each item; by default those that the features carry.
    n : int
        How many answers to a query.

    Returns
    -------
    float
        Mean share of answers of the query's class, 0..1.

    Raises
    ------
    ValueError
        If there are no targets, or not enough items.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> retrieval_precision(values, [0, 0, 1, 1], n=1)
    1.0
    """
    values, truth = table(features), one_each(features, targets)
    _require_n(n, len(values) - 1)
    shares = []
    for items in np.array_split(np.arange(len(values)), -(-len(values) // 1000)):
        found = _closest(values, values[items], n, items.tolist()).indices
        shares.append((truth[found] == truth[items, None]).mean(1))
    return float(np.concatenate(shares).mean())


def outliers(
    features: FeatureTable, reference: FeatureTable | None = None, *, n: int = 5
) -> np.ndarray:
    """Score how far each item is from all others: the mean distance to its nearest neighbours.

    Parameters
    ----------
    features : Features or numpy.ndarray
        The items to score, shape (N, D).
    reference : Features or numpy.ndarray, optional
        What is usual, shape (M, D); by default the other items.
    n : int
        How many neighbours.

    Returns
    -------
    numpy.ndarray
        Distances between directions (each item is scaled to length 1), 0..2, shape (N,): the
        higher, the stranger. Only their order means something.

    Raises
    ------
    ValueError
        If there are not enough items, or the tables do not fit.

    Notes
    -----
    The distance to one centre, even measured by the spread (Mahalanobis), supposes that usual items
    form one cloud. Several classes form several: with one handwritten digit left out of the
    reference, the neighbours find it better (mean AUC .93 against .87). For defects among
    sound solar cells, which do form one cloud, the two are alike (.88 to .93 and .89 to .92).

    References
    ----------
    Ramaswamy, Rastogi, Shim (2000), "Efficient algorithms for mining outliers from large data
    sets", https://doi.org/10.1145/342009.335437, who take the distance to the farthest of them

    Angiulli, Pizzuti (2002), "Fast outlier detection in high dimensional spaces", who take all

    Examples
    --------
    >>> import numpy as np
    >>> import tl_teach as tl
    >>> usual = np.random.default_rng(0).normal([5, 0, 0], 1, size=(50, 3))
    >>> int(tl.outliers(np.concatenate([usual, [[0.0, 0.0, 5.0]]])).argmax())
    50
    """
    from sklearn.neighbors import NearestNeighbors

    values = unit(table(features))
    usual = values if reference is None else unit(table(reference))
    if usual.shape[1] != values.shape[1]:
        raise ValueError(
            f"The reference has {usual.shape[1]} features and the items have {values.shape[1]}; "
            "take both from one stage of one network."
        )
    _require_n(n, len(usual) - (reference is None))
    model = NearestNeighbors(n_neighbors=int(n)).fit(usual)
    # Asked without items, scikit-learn leaves each one out of its own neighbours.
    distances, _ = model.kneighbors(None if reference is None else values)
    return distances.mean(1)


def _closest(
    values: np.ndarray, queries: np.ndarray, n: int, without: list[int] | None = None
) -> Neighbours:
    """The n most similar of each query, leaving one item out of each row if asked to."""
    similar = unit(queries) @ unit(values).T
    if without is not None:
        similar[np.arange(len(queries)), without] = -np.inf
    indices = np.argsort(-similar, axis=1, kind="stable")[:, :n]
    return Neighbours(indices, np.take_along_axis(similar, indices, axis=1))


def _require_n(n: int, available: int) -> None:
    require_count("n", n)
    if n > available:
        raise ValueError(f"n={n} does not work: there are {available} items to find.")
