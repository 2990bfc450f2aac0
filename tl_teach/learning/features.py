"""Features: what a network's stages make of a picture, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..networks import Network, require_network
from ..tasks import Split, require_split
from .feed import chunks, feed
from .predicting import evaluating


@dataclass(frozen=True, eq=False)
class Features:
    """What one stage gives for every item of a split.

    Attributes
    ----------
    values : numpy.ndarray
        float32, shape (N, D).
    targets : numpy.ndarray or None
        One target an item; None where labels are withheld.
    stage : str
        Where the features were taken.
    """

    values: np.ndarray
    targets: np.ndarray | None
    stage: str

    def __len__(self) -> int:
        return len(self.values)


def extract_features(
    net: Network, split: Split, stage: str | None = None, *, pool: bool = True
) -> Features:
    """Take what a stage gives for every picture.

    Parameters
    ----------
    net : Network
        Left as it is.
    split : Split
        With or without labels. A sealed test refuses.
    stage : str, optional
        Take the features after this stage; by default what enters the network's last layer.
    pool : bool
        Average each channel over the picture; otherwise all positions are kept.

    Returns
    -------
    Features
        ``.values`` of shape (N, channels), and ``.targets``.

    Raises
    ------
    TypeError
        If `net` is no network, or `split` no part of a task.
    ValueError
        If there is no such stage.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=2)
    >>> tl.extract_features(tl.load_network("letters-resnet"), task.train).values.shape
    (20, 64)
    """
    net = require_network(net)
    split = require_split(split).for_network(net)
    body, head = net.stage_names[-2:]
    at_the_end = stage in (None, head)
    parts = []
    with evaluating(net):
        through = body if at_the_end else stage
        averaged = pool and not at_the_end
        supply = feed(net, split, through=through, reduce=at_the_end, pool=averaged)
        for items in chunks(len(supply), 64):
            values = supply(items)
            if at_the_end:
                values = supply.prefix.rest(values, but_last=stage is None)
            parts.append(values.flatten(1).cpu())
    targets = None if split.labels is None else split.labels.numpy().copy()
    return Features(torch.cat(parts).numpy(), targets, stage or "features")
