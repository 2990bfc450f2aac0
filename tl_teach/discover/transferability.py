"""What to transfer: numbers that compare networks, or stages, without any training."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import FeatureTable, one_each, table


def logme(features: FeatureTable, targets: Any = None) -> float:
    r"""Score features by the evidence of a Bayesian linear model on them (LogME).

    For one column :math:`y` of targets (one-hot for classes), features :math:`F` of shape
    :math:`(n, D)`, a prior :math:`w \sim N(0, \alpha^{-1} I)` and noise of precision
    :math:`\beta`, the logarithm of :math:`p(y \mid F)` is

    .. math:: L(\alpha, \beta) = \tfrac{n}{2} \ln \beta + \tfrac{D}{2} \ln \alpha
        - \tfrac{n}{2} \ln 2 \pi - \tfrac{\beta}{2} \lVert F m - y \rVert^2
        - \tfrac{\alpha}{2} m^\top m - \tfrac{1}{2} \ln \det A

    with :math:`A = \alpha I + \beta F^\top F` and :math:`m = \beta A^{-1} F^\top y`. It is
    maximised over :math:`\alpha` and :math:`\beta`, divided by :math:`n` and averaged over the
    columns.

    Parameters
    ----------
    features : Features or numpy.ndarray
        Of labelled items of the target task, shape (N, D).
    targets : array, optional
        Classes as whole numbers or names, or values, shape (N,); by default those of the features.

    Returns
    -------
    float
        Higher is better. Only the order of networks on one task means something.

    Raises
    ------
    ValueError
        If there are no targets.

    References
    ----------
    You, Liu, Wang, Long (2021), "LogME: practical assessment of pre-trained models for transfer
    learning", https://arxiv.org/abs/2102.11005

    Examples
    --------
    >>> import numpy as np
    >>> import tl_teach as tl
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1], 50)
    >>> useful, useless = labels[:, None] + rng.normal(0, 0.3, (100, 4)), rng.normal(size=(100, 4))
    >>> tl.logme(useful, labels) > tl.logme(useless, labels)
    True
    """
    values, truth = table(features), one_each(features, targets)
    columns = truth[:, None]
    if truth.dtype.kind in "iuSU":
        columns = columns == np.unique(truth)
    columns = columns.astype(float)
    left, singular, _ = np.linalg.svd(values, full_matrices=False)
    # In the basis of the left singular vectors everything is a sum over directions, and those
    # without spread drop out: they add as much to ln det A as to D ln alpha.
    spread = singular > 1e-10 * max(singular[0], 1e-300)
    along = np.square(left.T[spread] @ columns)
    outside = np.maximum(np.square(columns).sum(0) - along.sum(0), 0)
    scores = [
        _evidence(np.square(singular[spread]), along[:, place], outside[place], len(values))
        for place in range(columns.shape[1])
    ]
    return float(np.mean(scores) / len(values))


def leep(probabilities: FeatureTable, targets: Any = None) -> float:
    r"""Score a network by how well its *source* classes predict the target's (LEEP).

    With the source-class probabilities :math:`\theta(x_i)_z` of the target's items,

    .. math:: \hat P(y, z) = \frac{1}{n} \sum_{i:\, y_i = y} \theta(x_i)_z, \qquad
        \mathrm{LEEP} = \frac{1}{n} \sum_i \ln \sum_z \hat P(y_i \mid z)\, \theta(x_i)_z

    Parameters
    ----------
    probabilities : Features or numpy.ndarray
        Of each source class, shape (N, source classes): the softmax of what the network's own
        head gives.
    targets : array, optional
        Classes of the target, shape (N,); by default those of the features.

    Returns
    -------
    float
        At most 0; higher is better.

    Raises
    ------
    ValueError
        If a row is no distribution, or there are no targets.

    References
    ----------
    Nguyen, Hassner, Seeger, Archambeau (2020), "LEEP: a new measure to evaluate transferability
    of learned representations", https://arxiv.org/abs/2002.12462

    Examples
    --------
    >>> import numpy as np
    >>> import tl_teach as tl
    >>> tl.leep(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), [5, 5, 7])
    0.0
    """
    theta = table(probabilities)
    truth = np.unique(one_each(probabilities, targets), return_inverse=True)[1].ravel()
    if theta.min() < 0 or not np.allclose(theta.sum(1), 1, atol=1e-3):
        raise ValueError(
            "leep needs probabilities of the source classes, but these rows do not sum to 1; give "
            "the softmax of tl.extract_features(net, split, stage='head').values, with the "
            "network's original head."
        )
    joint = np.stack([theta[truth == label].sum(0) for label in range(truth.max() + 1)])
    totals = joint.sum(0)
    given = joint / np.where(totals == 0, 1, totals)  # a source class that never occurs adds 0
    return float(np.log((given[truth] * theta).sum(1)).mean())


def cka(first: FeatureTable, second: FeatureTable) -> float:
    r"""Compare two representations of the same items (linear CKA).

    With the columns of :math:`X` and :math:`Y` centred,

    .. math:: \mathrm{CKA} = \frac{\lVert Y^\top X \rVert_F^2}
        {\lVert X^\top X \rVert_F \, \lVert Y^\top Y \rVert_F}

    Parameters
    ----------
    first, second : Features or numpy.ndarray
        Of the same items in the same order, shapes (N, D) and (N, E).

    Returns
    -------
    float
        0..1: 1 where one is the other turned, mirrored or scaled as a whole. With fewer items than
        features it is high for anything.

    Raises
    ------
    ValueError
        If the numbers of items differ, or all items are alike.

    References
    ----------
    Kornblith, Norouzi, Lee, Hinton (2019), "Similarity of neural network representations
    revisited", https://arxiv.org/abs/1905.00414

    Examples
    --------
    >>> import numpy as np
    >>> import tl_teach as tl
    >>> values = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(tl.cka(values, 7 * values[:, ::-1]), 6)
    1.0
    """
    x, y = table(first), table(second)
    if len(x) != len(y):
        raise ValueError(
            f"cka compares two views of the same items, but got {len(x)} and {len(y)}; take both "
            "from one split."
        )
    x, y = x - x.mean(0), y - y.mean(0)
    own = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    if own == 0:
        raise ValueError("All items have the same features, so there is nothing to compare.")
    return float(np.square(np.linalg.norm(y.T @ x)) / own)


def _evidence(squares: np.ndarray, along: np.ndarray, outside: float, n: int) -> float:
    """Maximise the evidence by its fixed point: alpha = g / |m|^2, beta = (n - g) / |Fm - y|^2."""
    least = 1e-12 * (along.sum() + outside or 1.0)  # neither weights nor noise vanish altogether
    alpha = beta = 1.0
    for _ in range(500):
        before = alpha / beta
        known, length, error = _posterior(alpha, beta, squares, along, outside)
        alpha = max(known, 1e-12) / max(length, least)
        beta = max(n - known, 1e-12) / max(error, least)
        if abs(alpha / beta - before) <= 1e-6 * before:
            break
    _, length, error = _posterior(alpha, beta, squares, along, outside)
    fit = n * np.log(beta / (2 * np.pi)) - beta * error - alpha * length
    return 0.5 * float(fit + (np.log(alpha) - np.log(alpha + beta * squares)).sum())


def _posterior(
    alpha: float, beta: float, squares: np.ndarray, along: np.ndarray, outside: float
) -> tuple[float, float, float]:
    """Directions that the data determine, squared length of m, squared error of Fm."""
    share = alpha + beta * squares
    known = (beta * squares / share).sum()
    length = (beta**2 * squares * along / share**2).sum()
    error = (alpha**2 * along / share**2).sum() + outside
    return float(known), float(length), float(error)
