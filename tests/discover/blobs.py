"""A few round groups in a few dimensions."""

import numpy as np

from tl_teach.learning import Features


def blobs(per_group=20, groups=3, width=4, spread=0.5, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(groups), per_group)
    centres = 6 * np.eye(width)[:groups]
    return centres[labels] + rng.normal(0, spread, (len(labels), width)), labels


def features(**options):
    values, labels = blobs(**options)
    return Features(values.astype(np.float32), labels, "features")
