"""Heads: the last stage, which turns features into a task's outputs."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import torch
from torch import nn

from ..tasks import Task
from ..wording import require_count, require_share, unknown
from .freezing import unfreeze
from .network import Network, require_network
from .outputs import output_layer
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


def replace_head(
    net: Network,
    task: Task | int,
    *,
    hidden: int | None = None,
    dropout: float | None = None,
    reuse_classes: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Network:
    """Give a network a new, random last layer that fits another task.

    Parameters
    ----------
    net : Network
        Left as it is.
    task : Task or int
        The new task, or a number of classes. Classification gets one logit a class; regression
        one value an output, in the task's own units.
    hidden : int, optional
        Put one more layer of this width, with a ReLU, before the last one.
    dropout : float, optional
        Share of the features that is hidden at random in training, 0..1; as before by default.
    reuse_classes : mapping of str to str, optional
        For a new class the old class whose row of weights it begins with, as in
        ``{"cat": "tabby"}``; the other rows are random.
    seed : int
        Fixes the new layers' random start.

    Returns
    -------
    Network
        A copy of the network with the same stages, freeze boundary and preprocessing; its head
        is new, and always learns.

    Raises
    ------
    TypeError
        If `net` is no network.
    ValueError
        If the number of outputs is not positive, the head has no layer to replace, a share or a
        width makes no sense, or a class that is to be reused does not exist.

    Examples
    --------
    >>> import tl_teach as tl
    >>> net = tl.replace_head(tl.load_network("letters-resnet"), 10)
    >>> net.head.output.out_features, net.role("head"), net.role("block3")
    (10, 'new', 'fine-tuned')
    >>> deeper = tl.replace_head(net, 10, hidden=32, dropout=0.5)
    >>> list(dict(deeper.head.named_children()))
    ['pool', 'flatten', 'dropout', 'hidden', 'relu', 'output']
    """
    net = require_network(net)
    task = _outputs(task)
    if hidden is not None:
        require_count("hidden", hidden)
    if dropout is not None:
        require_share("dropout", dropout, without=1)
    changed = copy.deepcopy(net)
    layers = OrderedDict(changed.head.named_children())
    old = layers.get("output")
    if not hasattr(old, "in_features") or not isinstance(changed.head, nn.Sequential):
        raise ValueError(
            f"The head of {net.name!r} does not end in a linear layer named 'output', so there is "
            "nothing to replace; build it with tl_teach.networks.pooled_head(features, outputs)."
        )
    with seeded(seed):
        changed.stages[changed.stage_names[-1]] = nn.Sequential(
            _new_layers(layers, task, hidden, dropout)
        ).train(changed.head.training)
    changed.kind, changed.unit, changed.classes = _description(task)
    changed.copied[changed.stage_names[-1]] = False
    if reuse_classes:
        _reuse(changed, net, old, reuse_classes)
    return unfreeze(changed, from_=changed.stage_names[-1])


def _new_layers(
    layers: OrderedDict[str, nn.Module],
    task: Task | int,
    hidden: int | None,
    dropout: float | None,
) -> OrderedDict[str, nn.Module]:
    """Keep what leads to the last layer, and put new layers after it."""
    first = layers.get("hidden", layers["output"])  # a deeper head is replaced as a whole
    features = int(first.in_features)  # type: ignore[arg-type]
    new = {"hidden", "relu", "output"} if "hidden" in layers else {"output"}
    kept = OrderedDict((name, layer) for name, layer in layers.items() if name not in new)
    if not isinstance(layers["output"], nn.Linear):  # SqueezeNet's last layer takes whole maps
        kept.update(pooled_head(features, 1).named_children())
        del kept["output"]
    if dropout is not None:
        kept.pop("dropout", None)
        if dropout:
            kept["dropout"] = nn.Dropout(float(dropout))
    if hidden is not None:
        kept["hidden"], kept["relu"] = nn.Linear(features, int(hidden)), nn.ReLU()
        features = int(hidden)
    kept["output"] = (
        nn.Linear(features, task) if isinstance(task, int) else output_layer(features, task)
    )
    return kept


def _reuse(changed: Network, net: Network, old: Any, pairs: Mapping[str, str]) -> None:
    new: Any = changed.head.output
    fits = type(new) is type(old) is nn.Linear and new.in_features == old.in_features
    if not fits or {changed.kind, net.kind} & {"regression"}:
        raise ValueError(
            "reuse_classes copies rows from one layer of logits to another of the same width; "
            "it works for classification only, and without hidden=."
        )
    with torch.no_grad():
        for ours, theirs in pairs.items():
            for name, known in ((ours, changed.classes), (theirs, net.classes)):
                if name not in known:
                    raise ValueError(unknown("class", name, known[:20]))
            to, source = changed.classes.index(ours), net.classes.index(theirs)
            new.weight[to] = old.weight[source]
            if new.bias is not None and old.bias is not None:
                new.bias[to] = old.bias[source]


def _description(task: Task | int) -> tuple[str, str, tuple[str, ...]]:
    if isinstance(task, Task):
        return task.kind, task.info.unit, task.classes
    return "classification", "", tuple(str(number) for number in range(task))


def _outputs(task: Any) -> Task | int:
    if isinstance(task, Task):
        return task
    if isinstance(task, Integral) and not isinstance(task, bool) and int(task) >= 1:
        return int(task)
    raise ValueError(
        f"replace_head needs a task or a positive number of outputs, but got {task!r}; "
        "load a task with tl.load_task(name)."
    )
