"""CORAL: the source's features are given the target's covariance, and the head learns anew."""

from __future__ import annotations

import numpy as np
import torch

from ..learning import extract_features
from ..networks import Network
from ..tasks import Split, Task
from .requirements import last_layer, require_source
from .signs import Watch


def coral(
    net: Network,
    unlabelled: Split,
    source: Task | None,
    watch: Watch,
    *,
    seed: int = 0,
    reg: float | str = "auto",
    C: float = 0.1,
) -> None:
    """Train the last layer on source features that are spread like the target's.

    Parameters
    ----------
    net : Network
        Its last layer changes; the features are those that enter it.
    unlabelled : Split
        The target's pictures.
    source : Task
        Its training part has the labels.
    watch : Watch
        Takes the signs.
    seed : int
        Changes nothing: the optimum is unique.
    reg : float or str
        See `coral_align`.
    C : float
        Inverse strength of the logistic regression's penalty, on standardised features.

    Notes
    -----
    BatchNorm stays as it is; every picture passes in eval mode.

    References
    ----------
    Sun, Feng, Saenko (2016), "Return of frustratingly easy domain adaptation",
    https://arxiv.org/abs/1511.05547

    Sun, Saenko (2016), "Deep CORAL: correlation alignment for deep domain adaptation", moves the
    features themselves by the same idea, https://arxiv.org/abs/1607.01719
    """
    source, layer = require_source(source, "coral"), last_layer(net)
    ours = extract_features(net, source.train).values
    theirs = extract_features(net, unlabelled).values
    aligned = coral_align(ours, theirs, reg)
    weight, bias = _logistic(aligned, source.train.targets.numpy(), source.outputs, C)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    watch("coral")


def coral_align(source: np.ndarray, target: np.ndarray, reg: float | str = "auto") -> np.ndarray:
    r"""Give features of the source the mean and the covariance of the target.

    .. math:: x' = (x - \mu_s)\, C_s^{-1/2}\, C_t^{1/2} + \mu_t

    The first factor makes the source white, the second colours it like the target. The paper
    adds the identity to both covariances, for features of unit variance; here they are shrunk,
    which does the same for any scale.

    Parameters
    ----------
    source : numpy.ndarray
        Shape (N, D).
    target : numpy.ndarray
        Shape (M, D).
    reg : float or str
        ``"auto"`` shrinks the covariance of standardised features as Ledoit and Wolf say; a number
        from 0 (not at all) to 1 shrinks it by that share towards a multiple of the identity.

    Returns
    -------
    numpy.ndarray
        Shape (N, D).

    Raises
    ------
    ValueError
        If the numbers of features differ, or `reg` makes no sense.

    References
    ----------
    Sun, Feng, Saenko (2016), "Return of frustratingly easy domain adaptation",
    https://arxiv.org/abs/1511.05547

    Ledoit, Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
    matrices", https://doi.org/10.1016/S0047-259X(03)00096-4

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(0, 1, (500, 2)), rng.normal(5, [1, 3], (500, 2))
    >>> coral_align(source, target, reg=0.0).std(0).round(1).tolist()
    [1.0, 3.0]
    """
    if source.ndim != 2 or target.ndim != 2 or source.shape[1] != target.shape[1]:
        raise ValueError(
            f"coral_align needs two tables with the same columns, but got the shapes "
            f"{source.shape} and {target.shape}; take both from one stage of one network."
        )
    white = _power(_covariance(source, reg), -0.5)
    colour = _power(_covariance(target, reg), 0.5)
    return (source - source.mean(0)) @ white @ colour + target.mean(0)


def _covariance(values: np.ndarray, reg: float | str) -> np.ndarray:
    from sklearn.covariance import empirical_covariance, ledoit_wolf, shrunk_covariance

    values = values.astype(np.float64)
    if reg == "auto":
        scale = values.std(0)
        scale[scale == 0] = 1.0  # a feature that never fires
        covariance, _ = ledoit_wolf((values - values.mean(0)) / scale)
        return covariance * np.outer(scale, scale)
    if isinstance(reg, str) or not 0 <= reg <= 1:
        raise ValueError(f"reg={reg!r} does not work: expected 'auto' or a number from 0 to 1.")
    return shrunk_covariance(empirical_covariance(values), shrinkage=reg)


def _power(covariance: np.ndarray, exponent: float) -> np.ndarray:
    """Raise a symmetric matrix to a power, by its eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    least = values.max() * 1e-12  # rounding may leave a direction without spread just below 0
    return (vectors * values.clip(least) ** exponent) @ vectors.T


def _logistic(
    features: np.ndarray, targets: np.ndarray, outputs: int, C: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias, for features as they are, of a logistic regression on standardised ones."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = features.mean(0), features.std(0)
    scale[scale <= 1e-6 * scale.max()] = 1.0  # the rounding of a feature that never fires
    model = LogisticRegression(C=C, max_iter=2000).fit((features - mean) / scale, targets)
    weight = np.zeros((outputs, features.shape[1]))
    bias = np.full(outputs, -1e4)  # a class without an example is never chosen
    if len(model.classes_) == 2:  # one logit, shared out to the two classes
        weight[model.classes_] = np.stack([-model.coef_[0], model.coef_[0]]) / 2
        bias[model.classes_] = np.array([-model.intercept_[0], model.intercept_[0]]) / 2
    else:
        weight[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
    weight /= scale
    return weight, bias - weight @ mean
