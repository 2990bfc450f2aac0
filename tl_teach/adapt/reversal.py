"""The layer that lets two classifiers share features, one of them in vain."""

from __future__ import annotations

import math
from typing import Any

import torch


class ReverseGradient(torch.autograd.Function):
    """Hands values on as they are, and gradients back times ``-strength``."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, strength: float) -> torch.Tensor:
        """Do nothing to the values.

        Parameters
        ----------
        ctx : Any
            Remembers the strength.
        values : torch.Tensor
            Of any shape.
        strength : float
            What the gradient is multiplied by, with the sign turned.
        """
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Turn the gradient round.

        Parameters
        ----------
        ctx : Any
            Knows the strength.
        *gradients : torch.Tensor
            One, of the values' shape.
        """
        return -ctx.strength * gradients[0], None


def rising_strength(progress: float) -> float:
    r"""Let the domains' quarrel begin softly.

    .. math:: \lambda_p = \frac{2}{1 + \exp(-10 p)} - 1

    Parameters
    ----------
    progress : float
        How much of the training is done, 0..1.

    Returns
    -------
    float
        From 0 to almost 1.

    Examples
    --------
    >>> [round(rising_strength(progress), 2) for progress in (0, 0.1, 1)]
    [0.0, 0.46, 1.0]
    """
    return 2 / (1 + math.exp(-10 * progress)) - 1
