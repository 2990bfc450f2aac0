"""What moves the weights, and how fast: one rate for all stages or one for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
)

from ..networks import Network
from ..wording import is_number, require_share, unknown

SCHEDULES: dict[str, Callable[[Optimizer, int], LRScheduler]] = {
    "constant": lambda optimiser, steps: ConstantLR(optimiser, factor=1.0),
    "cosine": lambda optimiser, steps: CosineAnnealingLR(optimiser, T_max=steps),
    "one-cycle": lambda optimiser, steps: OneCycleLR(
        optimiser, max_lr=[group["lr"] for group in optimiser.param_groups], total_steps=steps
    ),
}


_FUSED = ("cpu", "cuda")  # devices on which we let one pass over the weights do a step of AdamW


def build_optimiser(
    net: Network,
    lr: float | Mapping[str, float],
    lr_decay: float = 1.0,
    weight_decay: float = 0.0,
    *,
    exact: bool = False,
) -> Optimizer:
    """Build AdamW for what is not frozen.

    Parameters
    ----------
    net : Network
        Its stages that learn.
    lr : float or mapping of str to float
        One rate for all, or one for each stage that learns.
    lr_decay : float
        Each stage learns at this share of the rate of the stage after it; the head at `lr`.
    weight_decay : float
        As in AdamW.
    exact : bool
        Step as ``torch.optim.AdamW`` does when nothing else is said: one operation after the other
        passes over the weights. The same formula in one pass rounds in other places.

    Returns
    -------
    torch.optim.Optimizer
        One group of parameters, or one a stage where their rates differ.
    """
    learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
    fused = True if not exact and all(map(_in_one_pass, learning)) else None
    if not isinstance(lr, Mapping) and lr_decay == 1:
        return torch.optim.AdamW(learning, lr=lr, weight_decay=weight_decay, fused=fused)
    groups = [
        {"params": list(net.stages[name].parameters()), "lr": rate}
        for name, rate in stage_rates(net, lr, lr_decay).items()
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], weight_decay=weight_decay, fused=fused
    )


def _in_one_pass(parameter: torch.Tensor) -> bool:
    """Whether the fused step can take it: it walks through memory and does not look at strides."""
    without_gaps = parameter.stride() == torch.empty_like(parameter).stride()
    return without_gaps and parameter.device.type in _FUSED and parameter.is_floating_point()


def stage_rates(
    net: Network, lr: float | Mapping[str, float], lr_decay: float = 1.0
) -> dict[str, float]:
    """Give the learning rate of every stage that learns.

    Parameters
    ----------
    net : Network
        The network.
    lr, lr_decay
        See `build_optimiser`.

    Returns
    -------
    dict of str to float
        By stage, in order.

    Raises
    ------
    ValueError
        If a rate is no positive number, a stage does not exist or is frozen, or has no rate.

    Examples
    --------
    >>> import tl_teach as tl
    >>> net = tl.freeze(tl.load_network("letters-resnet"), through="block1")
    >>> stage_rates(net, 1e-2, lr_decay=0.5)
    {'block2': 0.0025, 'block3': 0.005, 'head': 0.01}
    """
    if not isinstance(lr, Mapping):
        _require_rate("lr", lr)
        require_share("lr_decay", lr_decay, without=0)
        depth = len(net.learning) - 1
        return {name: lr * lr_decay ** (depth - place) for place, name in enumerate(net.learning)}
    if lr_decay != 1:
        raise ValueError("Give lr as a rate for each stage, or lr and lr_decay, not all of them.")
    for name, rate in lr.items():
        _require_rate(f"lr[{name!r}]", rate)
        if net.is_frozen(name):  # says so too where there is no such stage
            raise ValueError(
                f"lr gives a rate for {name!r}, which is frozen; leave it out, or let it learn: "
                f"tl.unfreeze(net, from_={name!r})."
            )
    missing = [name for name in net.learning if name not in lr]
    if missing:
        raise ValueError(
            f"lr gives no rate for {', '.join(map(repr, missing))}; "
            "name every stage that learns, or freeze what should stand still."
        )
    return {name: lr[name] for name in net.learning}


def build_schedule(
    schedule: str | Callable[[Optimizer, int], LRScheduler], optimiser: Optimizer, steps: int
) -> LRScheduler:
    """Build a schedule of learning rates.

    Parameters
    ----------
    schedule : str or callable
        A key of `SCHEDULES`, or a function of the optimiser and the number of steps that gives
        a scheduler of torch, which is moved on after every batch.
    optimiser : torch.optim.Optimizer
        Whose rates change.
    steps : int
        Batches in the whole training.

    Raises
    ------
    ValueError
        If there is no such schedule.
    """
    if callable(schedule):
        given = schedule(optimiser, steps)
        if not isinstance(given, LRScheduler) or isinstance(given, ReduceLROnPlateau):
            raise ValueError(
                f"The function given as schedule gave {given!r}; expected a scheduler of torch "
                "that moves on after every batch, such as torch.optim.lr_scheduler.StepLR."
            )
        return given
    if schedule not in SCHEDULES:
        raise ValueError(unknown("schedule", schedule, SCHEDULES))
    return SCHEDULES[schedule](optimiser, steps)


def _require_rate(name: str, rate: object) -> None:
    if not is_number(rate) or not 0 < rate < float("inf"):
        raise ValueError(f"{name}={rate!r} does not work: expected a positive number, like 1e-3.")
