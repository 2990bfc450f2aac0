"""Where only a linear head learns, training is a small convex problem with an exact answer."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from ..networks import Network
from ..networks.outputs import RangedLinear
from .feed import Feed, chunks
from .losses import Loss
from .predicting import evaluating

_MOST_ITERATIONS = 2000


def solve_head(
    net: Network, train: Feed, targets: torch.Tensor, loss: Loss, weight_decay: float
) -> list[float]:
    """Find the head that makes the loss smallest, by L-BFGS.

    What is made small is the mean loss plus ``weight_decay / 2`` times the sum of the squared
    weights (the bias is free), so that there is one answer, whatever the start.

    Parameters
    ----------
    net : Network
        Everything but its head is frozen; the head's last layer is changed in place.
    train : Feed
        Gives what crosses the boundary.
    targets : torch.Tensor
        One an item.
    loss : callable
        A mean over items.
    weight_decay : float
        Positive.

    Returns
    -------
    list of float
        What was made small, by iteration.

    Raises
    ------
    ValueError
        If more than one linear layer can learn, its outputs are bounded by a sigmoid (then the
        problem is not convex), or `weight_decay` is 0.

    Warns
    -----
    UserWarning
        If the answer is not exact yet after 2,000 iterations.

    References
    ----------
    Liu, Nocedal (1989), "On the limited memory BFGS method for large scale optimization",
    https://doi.org/10.1007/BF01589116
    """
    output: Any = net.head.output
    learning = {id(p) for p in net.parameters() if p.requires_grad}
    if not learning or not learning <= {id(p) for p in output.parameters()}:
        raise ValueError(
            'solver="lbfgs" needs a network in which one linear layer alone can learn; freeze '
            "everything but the head, tl.freeze(net), and give the head no hidden layer."
        )
    if isinstance(output, RangedLinear):
        raise ValueError(
            'solver="lbfgs" needs a convex loss, and a head whose answers lie within a range has '
            "none; give the task no range, or train in batches: solver='adamw'."
        )
    if weight_decay <= 0:
        raise ValueError(
            f"weight_decay={weight_decay!r} does not work with solver='lbfgs': without a penalty "
            "the weights of classes that can be told apart would grow for ever; try 1e-3."
        )
    with evaluating(net):
        parts = [train.prefix.rest(train(items), but_last=True) for items in chunks(len(train), 64)]
        features = torch.cat(parts).cpu().double()  # not every device has numbers this exact
    return _minimise(output, features, targets.cpu(), loss, weight_decay)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let one thread do all: those of SciPy's and of torch's sums would wait for each other.

    Each step is a few microseconds of work, taken in turns by two libraries whose threads keep a
    core busy while they wait. On two cores that was a hundred times slower.
    """
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(threads)


def _minimise(
    output: nn.Linear, features: torch.Tensor, targets: torch.Tensor, loss: Loss, decay: float
) -> list[float]:
    from scipy.optimize import minimize

    there, output = output, copy.deepcopy(output).cpu().double()
    parameters = list(output.parameters())
    values: list[float] = []

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        vector_to_parameters(torch.as_tensor(flat), parameters)
        value = loss(output(features), targets) + decay / 2 * output.weight.square().sum()
        slope = torch.autograd.grad(value, parameters)
        return float(value.detach()), parameters_to_vector(slope).numpy()

    with torch.enable_grad(), _one_thread():
        start = parameters_to_vector(parameters).detach().numpy()
        found = minimize(
            objective,
            start,
            jac=True,
            method="L-BFGS-B",
            callback=lambda intermediate_result: values.append(float(intermediate_result.fun)),
            options={"maxiter": _MOST_ITERATIONS, "maxcor": 20, "ftol": 0.0, "gtol": 1e-9},
        )
        objective(found.x)
    with torch.no_grad():
        for parameter, exact in zip(there.parameters(), parameters, strict=True):
            parameter.copy_(exact.to(parameter.dtype))
    if not found.success and "LIMIT" in str(found.message):
        warnings.warn(
            f"solver='lbfgs' stopped after {_MOST_ITERATIONS:,} iterations, before the answer was "
            "exact; a larger weight_decay makes it easier to find.",
            stacklevel=2,
        )
    return values or [float(found.fun)]
