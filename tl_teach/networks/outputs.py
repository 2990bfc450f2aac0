"""Output layers for values: a linear layer whose answers are in the units of the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from .safetensors import WeightsError

if TYPE_CHECKING:
    from ..tasks import Task


class RangedLinear(nn.Linear):
    """A linear layer whose outputs lie between two values, by a sigmoid.

    Parameters
    ----------
    features, outputs : int
        Numbers that come in and go out.
    low, high : float
        No output is below `low` or above `high`.

    Examples
    --------
    >>> layer = RangedLinear(4, 1, low=0.0, high=1.0)
    >>> extreme = layer(torch.full((1, 4), 1e9))
    >>> bool(0 <= extreme <= 1)
    True
    """

    low: torch.Tensor
    high: torch.Tensor

    def __init__(self, features: int, outputs: int, low: float, high: float):
        super().__init__(features, outputs)
        self.register_buffer("low", torch.tensor(float(low)))
        self.register_buffer("high", torch.tensor(float(high)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give values of shape (N, outputs) between `low` and `high`."""
        return self.low + (self.high - self.low) * torch.sigmoid(super().forward(x))


class ScaledLinear(nn.Linear):
    """A linear layer that starts from the mean and the spread of the targets.

    A plain layer gives numbers near 0 at first, and would spend most of a short training on
    finding out that ages lie around 40.

    Parameters
    ----------
    features, outputs : int
        Numbers that come in and go out.
    mean, spread : torch.Tensor
        Of the training targets, one value an output.
    """

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, features: int, outputs: int, mean: torch.Tensor, spread: torch.Tensor):
        super().__init__(features, outputs)
        self.register_buffer("mean", mean.float().reshape(outputs))
        self.register_buffer("spread", spread.float().reshape(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Give values of shape (N, outputs) in the units of the targets."""
        return self.mean + self.spread * super().forward(x)


def output_layer(features: int, task: Task) -> nn.Linear:
    """Build the last layer that fits a task.

    Parameters
    ----------
    features : int
        Numbers that come in.
    task : Task
        Classification, for one or for several labels an item, gets one logit a class;
        regression one value an output, kept in the task's range where it has one, and scaled by
        the training targets' mean and spread where it has none.

    Returns
    -------
    torch.nn.Linear
        With random weights.
    """
    if task.kind != "regression":
        return nn.Linear(features, task.outputs)
    if task.info.range is not None:
        return RangedLinear(features, task.outputs, *task.info.range)
    targets = task.train.targets.reshape(len(task.train), -1)
    spread = targets.std(0) if len(targets) > 1 else torch.ones(task.outputs)
    return ScaledLinear(features, task.outputs, targets.mean(0), torch.where(spread > 0, spread, 1))


def output_like(state: Mapping[str, torch.Tensor]) -> nn.Linear:
    """Build the linear layer that a state dict was saved from.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        Of that layer alone.

    Returns
    -------
    torch.nn.Linear
        Of the same kind and size; its weights are not filled in.

    Raises
    ------
    WeightsError
        If they are no weights of a linear layer.
    """
    if state["weight"].ndim != 2:
        raise WeightsError(
            f"The file's last layer has weights of shape {tuple(state['weight'].shape)}; expected "
            "(outputs, features), as tl.save_network writes them."
        )
    outputs, features = state["weight"].shape
    if "low" in state:
        return RangedLinear(features, outputs, 0.0, 1.0)
    if "spread" in state:
        return ScaledLinear(features, outputs, torch.zeros(outputs), torch.ones(outputs))
    return nn.Linear(features, outputs)
