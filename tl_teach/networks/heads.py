"""Heads: the last stage, which turns features into a task's outputs."""

from __future__ import annotations

import copy
from collections import OrderedDict

from torch import nn

from ..tasks import Task
from .freezing import unfreeze
from .network import Network, require_network
from .seeding import seeded


def pooled_head(features: int, outputs: int, dropout: float = 0.0) -> nn.Sequential:
    """Build the usual head: average over the picture, then one linear layer.

    Parameters
    ----------
    features : int
        Channels that come in.
    outputs : int
        Numbers that go out.
    dropout : float
        Share of the features that is hidden at random in training, 0..1.

    Returns
    -------
    torch.nn.Sequential
        From (N, features, H, W) to (N, outputs); its last layer is called ``output``.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten()
    )
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    layers["output"] = nn.Linear(features, outputs)
    return nn.Sequential(layers)


def replace_head(net: Network, task: Task | int, *, seed: int = 0) -> Network:
    """Give a network a new, random last layer that fits another task.

    Parameters
    ----------
    net : Network
        Left as it is.
    task : Task or int
        The new task, or the number of outputs.
    seed : int
        Fixes the new layer's random start.

    Returns
    -------
    Network
        A copy of the network with the same stages, freeze boundary and preprocessing; its head
        is new, and always learns.

    Raises
    ------
    ValueError
        If the number of outputs is not positive, or the head has no layer to replace.

    Examples
    --------
    >>> import tl_teach as tl
    >>> net = tl.replace_head(tl.load_network("letters-resnet"), 10)
    >>> net.head.output.out_features, net.role("head"), net.role("block3")
    (10, 'new', 'fine-tuned')
    """
    net = require_network(net)
    outputs, classes = _outputs(task)
    changed = copy.deepcopy(net)
    old = getattr(changed.head, "output", None)
    if not isinstance(old, nn.Linear):
        raise ValueError(
            f"The head of {net.name!r} does not end in a linear layer named 'output', so there is "
            "nothing to replace; build it with tl_teach.networks.pooled_head(features, outputs)."
        )
    with seeded(seed):
        changed.head.output = nn.Linear(old.in_features, outputs)
    changed.classes = classes
    changed.copied[changed.stage_names[-1]] = False
    return unfreeze(changed, from_=changed.stage_names[-1])


def _outputs(task: Task | int) -> tuple[int, tuple[str, ...]]:
    if isinstance(task, Task):
        return task.outputs, task.classes
    if isinstance(task, bool) or not isinstance(task, int) or task < 1:
        raise ValueError(
            f"replace_head needs a task or a positive number of outputs, but got {task!r}; "
            "load a task with tl.load_task(name)."
        )
    return task, tuple(str(number) for number in range(task))
