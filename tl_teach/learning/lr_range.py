"""The learning-rate range test: which rates are worth trying, found in one short run."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR

from ..networks import Network, require_network, seeded
from ..tasks import Task, require_task
from ..wording import is_number, require_count
from .feed import feed
from .loop import Loop
from .losses import LOSSES
from .optimisers import build_optimiser
from .predicting import require_fit, require_learning
from .team import Team

_SMOOTH = 0.9
_DIVERGED = 4.0


@dataclass(frozen=True)
class LrRange:
    """What a learning-rate range test saw.

    Attributes
    ----------
    rates : list of float
        The learning rate of each step, growing by a constant factor.
    losses : list of float
        The training loss before each step, smoothed.
    suggested : float
        A tenth of the rate at which the loss was lowest: fast, with room to spare.
    """

    rates: list[float]
    losses: list[float]
    suggested: float

    def __repr__(self) -> str:
        return (
            f"<learning-rate range test: {len(self.rates)} steps from {self.rates[0]:.1e} to "
            f"{self.rates[-1]:.1e}; suggested {self.suggested:.1e}>"
        )


def lr_range_test(
    net: Network,
    task: Task,
    *,
    low: float = 1e-6,
    high: float = 1.0,
    steps: int = 100,
    batch_size: int = 32,
    seed: int = 0,
) -> LrRange:
    """Raise the learning rate from batch to batch, and watch the training loss.

    Where the rate is too small the loss stands still, where it is too large it explodes. What
    lies between is worth trying; validation decides, not this test.

    Parameters
    ----------
    net : Network
        Left as it is: a copy is trained.
    task : Task
        Learns from ``task.train``.
    low, high : float
        The first and the last rate. It stops early when the loss has grown fourfold.
    steps : int
        Batches.
    batch_size : int
        Items a step.
    seed : int
        Fixes the order of the items.

    Returns
    -------
    LrRange
        For `show_lr_range`.

    Raises
    ------
    TypeError
        If `net` is no network, or `task` no task.
    ValueError
        If nothing can learn, the head does not fit the task, a number makes no sense, or the
        loss is no number from the beginning.

    References
    ----------
    Smith (2017), "Cyclical learning rates for training neural networks",
    https://arxiv.org/abs/1506.01186

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=5)
    >>> net = tl.freeze(tl.replace_head(tl.load_network("letters-resnet"), task))
    >>> 1e-4 < tl.lr_range_test(net, task, steps=60).suggested < 1
    True
    """
    net = copy.deepcopy(require_network(net))
    task = require_task(task).for_network(net)
    require_learning(net)
    require_fit(net, task.train)
    if not (is_number(low) and is_number(high) and 0 < low < high < float("inf")):
        raise ValueError(f"low={low!r}, high={high!r} do not work: expected 0 < low < high.")
    for name, given, least in (
        ("steps", steps, 2),
        ("batch_size", batch_size, 1),
        ("seed", seed, 0),
    ):
        require_count(name, given, least)
    factor = (high / low) ** (1 / (steps - 1))
    optimiser = build_optimiser(net.eval(), low)
    schedule = LambdaLR(optimiser, lambda step: factor**step)
    train, layout, alone = feed(net, task.train), torch.contiguous_format, Team(alone=True)
    loss = LOSSES[task.kind]
    loop = Loop(net, train, task.train.targets, loss, optimiser, schedule, layout, alone)
    rates: list[float] = []
    losses: list[float] = []
    smooth = 0.0
    with seeded(seed):
        while len(rates) < steps and (not losses or losses[-1] < _DIVERGED * losses[0]):
            for _, value in loop.epoch(len(train), batch_size):
                smooth = _SMOOTH * smooth + (1 - _SMOOTH) * float(value)
                rates.append(low * factor ** len(rates))
                losses.append(smooth / (1 - _SMOOTH ** len(rates)))
                if len(rates) == steps or not losses[-1] < _DIVERGED * losses[0]:
                    break
    if not np.isfinite(losses).any():
        raise ValueError(
            f"The loss of {net.name!r} is no number from the first batch on, so no rate can be "
            "suggested; are its weights numbers, and is net.preprocess the one it was trained with?"
        )
    best = int(np.nanargmin(losses))
    return LrRange(rates, losses, rates[best] / 10)
