"""What a network says about items: in eval mode, without gradients, from its freeze boundary on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..networks import Network
from ..tasks import Split
from .feed import Feed


@contextmanager
def evaluating(net: Network) -> Iterator[None]:
    """Put a network into eval mode without gradients, and each part back into its mode after.

    Parameters
    ----------
    net : Network
        The network.
    """
    modes = {module: module.training for module in net.modules()}
    net.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():  # a reader may have set some of them by hand
            module.training = training


def predict(net: Network, feed: Feed, items: torch.Tensor | None = None) -> torch.Tensor:
    """Give a network's outputs for items of a feed.

    Parameters
    ----------
    net : Network
        Runs from its freeze boundary on, in eval mode.
    feed : Feed
        Gives what crosses the boundary.
    items : torch.Tensor, optional
        Their numbers; all by default.

    Returns
    -------
    torch.Tensor
        Shape (N, outputs), on the CPU.
    """
    items = torch.arange(len(feed)) if items is None else items
    with evaluating(net):
        parts = [feed.prefix.rest(feed(some)).cpu() for some in items.split(32)]
    return torch.cat(parts)


def shares(outputs: torch.Tensor, kind: str) -> torch.Tensor:
    """Give what outputs say in a reader's terms: probabilities, or the values of a regression.

    Parameters
    ----------
    outputs : torch.Tensor
        Shape (..., outputs): logits, or values.
    kind : str
        Of the task: ``"classification"``, ``"multilabel"`` or ``"regression"``.

    Returns
    -------
    torch.Tensor
        Of the same shape. Those of a classification sum to 1; each of a multilabel task is one of
        its own.
    """
    if kind == "classification":
        return outputs.softmax(-1)
    return outputs.sigmoid() if kind == "multilabel" else outputs


def require_learning(net: Network) -> None:
    """Refuse a network in which nothing can learn.

    Parameters
    ----------
    net : Network
        The network.

    Raises
    ------
    ValueError
        If every stage is frozen.
    """
    if not any(parameter.requires_grad for parameter in net.parameters()):
        raise ValueError(
            f"Every stage of {net.name!r} is frozen, so nothing can learn; "
            "let at least the head learn: tl.unfreeze(net, from_='head')."
        )


def require_fit(net: Network, split: Split, *, any_kind: bool = False) -> None:
    """Refuse a network whose outputs do not fit a task, before anything is computed.

    Parameters
    ----------
    net : Network
        The network.
    split : Split
        Any part of the task.
    any_kind : bool
        Let a head for classes learn values and the other way round: the loss is the caller's.

    Raises
    ------
    ValueError
        If the number of outputs, or their kind, differs from what the task asks for.
    """
    info = split.info
    if len(net.classes) != len(info.classes):
        linear = [layer for layer in net.head.modules() if isinstance(layer, torch.nn.Linear)]
        if linear and linear[-1].out_features == len(info.classes):
            raise ValueError(
                f"The head of {net.name!r} gives {len(info.classes)} outputs, as {info.name!r} "
                f"needs, but the network still knows {len(net.classes)} names for them: the head "
                "was changed by hand; say net.classes = task.classes and net.kind = task.kind, or "
                "let tl.replace_head(net, task) do it."
            )
        raise ValueError(
            f"The network {net.name!r} gives {len(net.classes)} outputs, but the task "
            f"{info.name!r} needs {len(info.classes)}; "
            "give it a new head first: net = tl.replace_head(net, task)."
        )
    if tuple(net.classes) != tuple(info.classes) and {*net.classes} == {*info.classes}:
        raise ValueError(
            f"The network {net.name!r} answers in the order {', '.join(net.classes)}, and the "
            f"classes of {info.name!r} are in the order {', '.join(info.classes)}, so that answers "
            "would be taken for others; give it a new head, net = tl.replace_head(net, task), or "
            "make the task with classes=net.classes."
        )
    if not any_kind and (net.kind == "regression") != (info.kind == "regression"):
        raise ValueError(
            f"The head of {net.name!r} was made for {net.kind}, but the task {info.name!r} is "
            f"{info.kind}; give it a new head first: net = tl.replace_head(net, task)."
        )
