"""Pre-training the small world's network: nothing but `fit`, on another task."""

from __future__ import annotations

from pathlib import Path

from ..networks import Network, load_network, save_network
from ..tasks import load_task
from ..wording import unknown
from .fit import fit

RECIPES = {"letters-resnet": "printed-letters"}
"""Which networks can be pre-trained here, and on which source task."""


def pretrain(name: str, *, seed: int = 0, output: str | Path | None = None) -> Network:
    """Pre-train a network on its source task, from random weights.

    Parameters
    ----------
    name : str
        ``"letters-resnet"``.
    seed : int
        Fixes the random start and the order of the pictures.
    output : str or pathlib.Path, optional
        Save the weights here.

    Returns
    -------
    Network
        In eval mode.

    Raises
    ------
    ValueError
        If there is no recipe for this network.
    """
    if name not in RECIPES:
        raise ValueError(unknown("network to pre-train", name, RECIPES))
    net = load_network(name, weights="random", seed=seed)
    task = load_task(RECIPES[name])
    fit(net, task, epochs=3, lr=5e-3, batch_size=64, schedule="one-cycle", seed=seed)
    net.copied = dict.fromkeys(net.stages, True)
    if output is not None:
        save_network(net, output)
    return net
