"""Embeddings: many features drawn as two, for the eye."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..wording import require_count, unknown
from .arrays import FeatureTable, table


def embed(features: FeatureTable, method: str = "pca", *, seed: int = 0) -> np.ndarray:
    """Give each item a place in the plane.

    Parameters
    ----------
    features : Features or numpy.ndarray
        From `extract_features`, or any array of shape (N, D).
    method : str
        ``"pca"``: the two directions of largest spread; distances can be read. ``"tsne"``: near
        items stay near; sizes of groups and the gaps between them mean nothing.
    seed : int
        Fixes what is random in it.

    Returns
    -------
    numpy.ndarray
        Shape (N, 2).

    Raises
    ------
    ValueError
        If there is no such method, or fewer than four items.

    References
    ----------
    van der Maaten, Hinton (2008), "Visualizing data using t-SNE",
    https://www.jmlr.org/papers/v9/vandermaaten08a.html

    Examples
    --------
    >>> import numpy as np
    >>> import tl_teach as tl
    >>> tl.embed(np.random.default_rng(0).normal(size=(20, 8))).shape
    (20, 2)
    """
    if method not in METHODS:
        raise ValueError(unknown("embedding", method, METHODS))
    require_count("seed", seed, least=0)
    values = table(features)
    if len(values) < 4 or values.shape[1] < 2:
        raise ValueError(
            f"An embedding needs at least four items and two features, but got the shape "
            f"{values.shape}."
        )
    return METHODS[method](values, seed)


def _pca(values: np.ndarray, seed: int, dimensions: int = 2) -> np.ndarray:
    from sklearn.decomposition import PCA

    return PCA(dimensions, random_state=seed).fit_transform(values)


def _tsne(values: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    # As in the paper, at most 50 directions: more cost time and add mostly noise.
    values = _pca(values, seed, min(50, *values.shape))
    perplexity = min(30, (len(values) - 1) / 3)
    return TSNE(2, init="pca", perplexity=perplexity, random_state=seed).fit_transform(values)


METHODS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {"pca": _pca, "tsne": _tsne}
"""The embeddings by name."""
