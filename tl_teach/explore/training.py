"""Slide through the epochs of a training."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
import torch

from ..learning.evaluation import score_only
from ..learning.feed import feed, inputs
from ..learning.fit import fit
from ..learning.predicting import evaluating, predict
from ..networks import Network, require_network
from ..networks.change import stage_change
from ..show.change import percent
from ..show.feature_maps import as_seen
from ..tasks import Task, require_pictures, require_task
from ..wording import require_count
from .frame import Control, Explorer, View
from .parts import Chart, figure, share, stage_row, svg, tiles

_CHART = Chart()
_PICTURES, _MAPS, _MOST_VALIDATION = 6, 4, 300


class _Epoch(NamedTuple):
    """What is kept of the network after an epoch."""

    train: float
    validation: float
    moved: dict[str, float]
    answers: list[int]
    maps: np.ndarray


def explore_training(
    net: Network, task: Task, *, epochs: int = 8, lr: float = 3e-3, seed: int = 0, **options: Any
) -> Explorer:
    """Train a copy of a network, and slide through the epochs.

    Parameters
    ----------
    net : Network
        Left as it is; its freeze boundary decides what learns.
    task : Task
        For classification. Learns from ``task.train``; is judged on at most 300 items of
        ``task.validation``.
    epochs : int
        How many. The optimiser starts anew with each, so that the network can be looked at.
    lr : float
        Learning rate.
    seed : int
        Fixes the order of the items.
    **options
        More of `fit`'s, such as ``batch_size``.

    Returns
    -------
    Explorer
        For each epoch: the scores so far, how far each stage has moved from where it began, what
        the network says of six validation pictures, and the feature maps of the first of them.

    Raises
    ------
    TypeError
        If `net` is no network, `task` no task, or its items are texts.
    ValueError
        If the task is no classification, or `epochs` is not positive.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=2)
    >>> net = tl.freeze(tl.replace_head(tl.load_network("letters-resnet"), task))
    >>> tl.explore_training(net, task, epochs=1).controls[0].options
    ('0', '1')
    """
    net = require_network(net)
    task = require_task(task).for_network(net)
    require_pictures(task)
    require_count("epochs", epochs)
    if task.kind != "classification":
        raise ValueError(f"explore_training shows classes, but {task.name!r} is {task.kind}.")
    learner = copy.deepcopy(net)
    looked_at = task.validation[:_PICTURES]
    shown, truth = inputs(looked_at, torch.arange(len(looked_at))), looked_at.targets.tolist()
    kept = [_look(learner, net, task, shown)]
    for epoch in range(epochs):
        fit(learner, task, 1, lr, seed=seed * 1000 + epoch, progress=False, **options)
        kept.append(_look(learner, net, task, shown))

    def draw(epoch: int) -> View:
        now = kept[epoch]
        words = f"After {epoch} epoch{'s' * (epoch != 1)}: {share(now.train)} of training and "
        words += f"{share(now.validation)} of validation pictures right. "
        moving = [f"{name} by {percent(value)}" for name, value in now.moved.items() if value]
        words += f"Moved: {', '.join(moving)}." if moving else "No stage has moved."
        below = {name: f"moved {percent(value)}" for name, value in now.moved.items()}
        answers = (
            figure(
                as_seen(shown[i], net.preprocess),
                f"a {task.classes[truth[i]]}, read as {task.classes[answer]}",
                f"{'✓' if answer == truth[i] else '✗'} {task.classes[answer]}",
            )
            for i, answer in enumerate(now.answers)
        )
        maps = (figure(m, f"feature map {i + 1}", "", "magma") for i, m in enumerate(now.maps))
        return View(
            stage_row(learner, len(net.frozen), below)
            + svg(_curves(kept, epoch), words)
            + tiles(answers, small=True)
            + "<p>The first picture in the last block:</p>"
            + tiles(maps, small=True),
            words,
        )

    control = Control("epoch", tuple(str(epoch) for epoch in range(epochs + 1)), epochs)
    return Explorer(f"{epochs} epochs of {net.name} on {task.name}", [control], draw)


def _curves(kept: list[_Epoch], epoch: int) -> str:
    last = max(1, len(kept) - 1)
    lines = ""
    for values, look, name in (
        ([one.train for one in kept], "c-idle", "training"),
        ([one.validation for one in kept], "c-fine-tuned", "validation"),
    ):
        points = [(place / last, value) for place, value in enumerate(values)]
        lines += _CHART.line(points, f"thin {look}")
        lines += _CHART.line(points[: epoch + 1], f"bold {look}")
        lines += _CHART.mark(points[epoch], f"f-{look[2:]}")
        drop = 0.12 if name == "validation" else 0.06
        x, y = _CHART.at(0.97, max(0.05, values[-1] - drop)).split(",")
        lines += f'<text class="end" x="{x}" y="{y}">{name}</text>'
    ticks = {place / last: str(place) for place in range(len(kept))}
    return _CHART.axes(ticks, "epoch") + lines


def _look(net: Network, before: Network, task: Task, shown: torch.Tensor) -> _Epoch:
    parts = (split[:_MOST_VALIDATION] for split in (task.train, task.validation))
    scores = [score_only(predict(net, feed(net, part)), part) for part in parts]
    changes = stage_change(before, net)
    moved = {name: _finite(change.parameters) for name, change in changes.items()}
    shown = shown.to(net.device)
    with evaluating(net):
        answers = net(shown).argmax(1).tolist()
        deepest = net.run(shown[:1], through=net.stage_names[-2]).cpu()
    if deepest.ndim != 4:
        return _Epoch(scores[0], scores[1], moved, answers, np.zeros((0, 1, 1)))
    maps = deepest[0]
    best = maps.mean((1, 2)).topk(min(_MAPS, len(maps))).indices
    chosen = maps[best]
    high = chosen.amax((1, 2), keepdim=True).clamp(min=1e-9)
    return _Epoch(scores[0], scores[1], moved, answers, (chosen / high).clamp(min=0).numpy())


def _finite(value: float | None) -> float:
    return min(value or 0.0, 9.99)
