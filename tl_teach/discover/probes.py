"""Linear probes: how much of a task can be read off features by a linear model."""

from __future__ import annotations

import numpy as np

from ..learning import Features
from .arrays import one_each, table

_C = (
    0.1  # inverse strength of the penalty; on validation parts .1 did well from 100 labels to 3,000
)


def linear_probe(train: Features, test: Features) -> float:
    """Train a linear model on features and score it on others.

    Parameters
    ----------
    train : Features
        What it learns from, with targets.
    test : Features
        Of another part, usually validation, of the same stage.

    Returns
    -------
    float
        Accuracy of a logistic regression for classes (whole numbers), R2 of a ridge regression
        for values. Features are standardised, and the penalty is the same for every stage and
        network, so that scores can be compared.

    Raises
    ------
    ValueError
        If targets are missing or all of one class, or the two do not fit.

    References
    ----------
    Alain, Bengio (2017), "Understanding intermediate layers using linear classifier probes",
    https://arxiv.org/abs/1610.01644

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=10)
    >>> net = tl.load_network("letters-resnet")
    >>> parts = [tl.extract_features(net, part, "block1") for part in (task.train, task.validation)]
    >>> tl.linear_probe(*parts) > 0.2
    True
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values, others = table(train), table(test)
    targets, truth = (one_each(part, option=False) for part in (train, test))
    if values.shape[1] != others.shape[1]:
        raise ValueError(
            f"The probe learns from {values.shape[1]} features and is tested on "
            f"{others.shape[1]}; take both from one stage of one network."
        )
    whole = np.issubdtype(targets.dtype, np.integer)
    if whole and len(np.unique(targets)) < 2:
        raise ValueError(
            f"All {len(targets)} items that the probe learns from have one class, so there is "
            "nothing to tell apart; give items of two classes at least."
        )
    model = LogisticRegression(C=_C, max_iter=2000) if whole else Ridge(alpha=1 / _C)
    return float(make_pipeline(StandardScaler(), model).fit(values, targets).score(others, truth))
