"""Losses: what training makes small, by the kind of task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional as F

from ..tasks import Task

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

LOSSES: dict[str, Loss] = {
    "classification": F.cross_entropy,
    "multilabel": lambda outputs, targets: F.binary_cross_entropy_with_logits(
        outputs, targets.to(outputs.dtype)
    ),
    "regression": lambda outputs, targets: F.mse_loss(
        outputs, targets.to(outputs.dtype).reshape(outputs.shape)
    ),
}
"""Each takes outputs of shape (N, outputs) and targets, and gives a mean over the N items."""


def choose_loss(task: Task, loss: Loss | None, class_weights: str | Sequence[float] | None) -> Loss:
    """Give the loss that fits a task, or the one asked for.

    Parameters
    ----------
    task : Task
        Its kind decides, where nothing is asked for.
    loss : callable or None
        A mean over items of outputs and targets, which for regression have one shape.
    class_weights : str, sequence of float or None
        ``"balanced"``, or one weight a class: how much a mistake on it counts.

    Returns
    -------
    callable
        Takes outputs and targets.

    Raises
    ------
    TypeError
        If `loss` is no function.
    ValueError
        If weights are given with a loss of one's own, or do not fit the classes.
    """
    if loss is not None and not callable(loss):
        raise TypeError(
            f"loss={loss!r} does not work: expected a function of outputs and targets, such as "
            "torch.nn.functional.l1_loss."
        )
    if class_weights is None:
        return LOSSES[task.kind] if loss is None else _one_number(_in_shape(loss, task))
    if loss is not None or task.kind != "classification":
        raise ValueError(
            "class_weights work with the cross-entropy of a classification task only; leave them "
            "out, or weigh the items inside your own loss."
        )
    weights = _weights(task, class_weights)

    def weighted(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        losses = F.cross_entropy(outputs, targets, reduction="none")
        return (losses * weights.to(losses.device)[targets]).mean()

    return weighted


def _in_shape(loss: Loss, task: Task) -> Loss:
    """Give a regression's targets the shape of its outputs.

    One value an item has the shape (N,), and torch's losses would compare it with outputs of
    shape (N, 1) in all N x N pairs.
    """
    if task.kind != "regression":
        return loss
    return lambda outputs, targets: loss(outputs, targets.to(outputs.dtype).reshape(outputs.shape))


def _one_number(loss: Loss) -> Loss:
    """Refuse what nothing can be learned from where it first appears."""

    def checked(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        value = loss(outputs, targets)
        if not isinstance(value, torch.Tensor) or value.ndim:
            what = f"shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else repr(value)
            raise TypeError(
                f"The function given as loss gave {what}; expected one number of torch, with its "
                "gradient: the mean over the items."
            )
        return value

    return checked


def _weights(task: Task, given: str | Sequence[float]) -> torch.Tensor:
    if isinstance(given, str) and given == "balanced":
        counts = torch.bincount(task.train.targets, minlength=task.outputs)
        return len(task.train) / (task.outputs * counts.clamp(min=1).float())
    try:
        weights = torch.as_tensor(given, dtype=torch.float32)
    except (TypeError, ValueError):
        weights = torch.empty(0)
    sound = weights.shape == (task.outputs,) and bool((weights >= 0).all())
    if not sound or not 0 < float(weights.sum()) < float("inf"):
        raise ValueError(
            f"class_weights={given!r} does not work: expected 'balanced' or {task.outputs} "
            f"finite weights, none negative and not all 0, in the order of {task.name!r}'s "
            "classes."
        )
    return weights
