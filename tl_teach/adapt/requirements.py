"""What methods ask of their arguments, each refusal in one sentence."""

from __future__ import annotations

from torch import nn

from ..networks import Network
from ..tasks import Task


def require_source(source: Task | None, method: str) -> Task:
    """Refuse to go on without labelled pictures of the source.

    Parameters
    ----------
    source : Task or None
        What the caller gave.
    method : str
        Who needs it.

    Returns
    -------
    Task
        The same object.

    Raises
    ------
    ValueError
        If there is none.
    """
    if source is None:
        raise ValueError(
            f"The method {method!r} learns from the source's labels; give them: "
            f"tl.adapt(net, target.unlabelled, source, method={method!r})."
        )
    return source


def last_layer(net: Network) -> nn.Linear:
    """Give the layer that turns features into class logits.

    Parameters
    ----------
    net : Network
        The network.

    Returns
    -------
    torch.nn.Linear
        The head's ``output``.

    Raises
    ------
    ValueError
        If the head does not end in a linear layer, or is frozen.
    """
    head, layer = net.stage_names[-1], getattr(net.head, "output", None)
    if not isinstance(layer, nn.Linear):
        raise ValueError(
            f"The head of {net.name!r} does not end in a linear layer named 'output'; "
            "build it with tl_teach.networks.pooled_head(features, outputs)."
        )
    if net.is_frozen(head):
        raise ValueError(
            f"The head of {net.name!r} is frozen, so it cannot learn to fit the target; "
            f"let it: tl.unfreeze(net, from_={head!r})."
        )
    return layer
