"""Move the freeze boundary, and see what it costs and what to expect of it."""

from __future__ import annotations

import copy
import time
from typing import NamedTuple

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from ..learning import Study
from ..learning.studies import require_study
from ..networks import Network, require_network
from ..tasks import require_pictures
from ..wording import require_count
from .frame import Control, Explorer, View
from .parts import share, stage_row, table
from .study import boundary_scores, shipped_study

_PICTURES = 100  # an epoch


def explore_network(net: Network, study: Study | None = None, *, batch_size: int = 16) -> Explorer:
    """Move the freeze boundary of a network.

    Parameters
    ----------
    net : Network
        Left as it is.
    study : Study, optional
        From `compare`, with recipes named after the last frozen stage, or ``"none"``. By default,
        for letters-resnet, a study of the handwritten digits that comes with the library.
    batch_size : int
        How many pictures are trained on at a time, for the memory.

    Returns
    -------
    Explorer
        For each boundary: the stages and their roles, how many parameters learn, the memory that
        a training step keeps (weights, slopes, Adam's two averages, and what PyTorch saves right
        of the boundary for the way back), seconds measured on this processor for an epoch of 100
        pictures, and the mean score in the study.

    Raises
    ------
    TypeError
        If the network reads texts, or `study` is no study.
    ValueError
        If `batch_size` is not positive, or the study holds no score.

    Examples
    --------
    >>> import tl_teach as tl
    >>> net = tl.replace_head(tl.load_network("letters-resnet"), 10)
    >>> tl.explore_network(net).view(3).words
    'Frozen through block2: 58,378 of 77,754 parameters learn. ...'
    """
    net = require_network(net)
    require_pictures(net)
    require_count("batch_size", batch_size)
    if study is not None:
        study = require_study(study)
    elif net.name == "letters-resnet":
        study = shipped_study()
    metric = "" if study is None else study.metric
    names = net.stage_names
    counts = {name: sum(p.numel() for p in net.stages[name].parameters()) for name in names}
    costs = _measure(net)
    options = ("nothing", *names[:-1])

    def draw(frozen: int) -> View:
        learning = [costs[name] for name in names[frozen:]]
        learn = sum(counts[name] for name in names[frozen:])
        saved = learning[0].entering + sum(cost.saved for cost in learning)
        bytes_ = 4 * (sum(counts.values()) + 3 * learn) + batch_size * saved
        forward = sum(costs[name].forward for name in names[:frozen])
        epoch = sum(cost.forward + cost.backward for cost in learning)
        rows = {
            "learn": f"{learn:,} of {sum(counts.values()):,} parameters",
            f"memory of a step of {batch_size}": f"{bytes_ / 1e6:.1f} MB",
            f"an epoch of {_PICTURES} pictures": f"{epoch * _PICTURES:.2f} s",
            "once, for the frozen part": f"{forward * _PICTURES:.2f} s",
        }
        last = names[frozen - 1] if frozen else None
        scores = boundary_scores(study, last) if study is not None else {}
        for count, value in scores.items():
            unit = "label" if count == 1 else "labels"
            rows[f"expected {metric}, {count} {unit} per class"] = share(value)
        start = f"Frozen through {last}" if last else "Nothing frozen"
        words = f"{start}: {learn:,} of {sum(counts.values()):,} parameters learn."
        if scores:
            listed = ", ".join(f"{share(value)} with {count}" for count, value in scores.items())
            words += f" Expected {metric} by labels per class: {listed}."
        below = {name: f"{counts[name]:,}" for name in names}
        return View(stage_row(net, frozen, below) + table(rows), words)

    frozen = len(net.frozen) or len(names)  # where the boundary stands, or the head
    place = min(frozen, len(names) - 1)
    control = Control("Frozen through", options, place)
    return Explorer(f"the freeze boundary of {net.name}", [control], draw)


class _Cost(NamedTuple):
    """What a stage takes for one picture: seconds, and bytes that are saved for the way back."""

    forward: float
    backward: float
    entering: float  # of what comes in, which the stage before may save as well
    saved: float  # of all else


def _measure(net: Network) -> dict[str, _Cost]:
    """Let every stage learn from a few pictures."""
    learner = copy.deepcopy(net).cpu().train().requires_grad_(True)
    value, costs = torch.zeros(8, *net.preprocess.shape), {}
    for name, stage in learner.stages.items():
        blocks = _saved(stage, value)  # it warms up, too
        entering = blocks.pop(value.untyped_storage().data_ptr(), 0)
        begun = time.perf_counter()
        with torch.enable_grad():
            out = stage(value.requires_grad_())
        middle = time.perf_counter()
        out.sum().backward()
        seconds = middle - begun, time.perf_counter() - middle
        sums = (*seconds, entering, sum(blocks.values()))
        costs[name] = _Cost(*(each / len(value) for each in sums))
        value = out.detach()
    return costs


def _saved(stage: nn.Module, value: torch.Tensor) -> dict[int, int]:
    """Bytes of each block of memory that PyTorch saves for the way back, but for the weights."""
    blocks: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        memory = tensor.untyped_storage()
        blocks[memory.data_ptr()] = memory.nbytes()
        return tensor

    with torch.enable_grad(), saved_tensors_hooks(note, lambda tensor: tensor):
        stage(value.detach().requires_grad_()).sum().backward()
    weights = {each.untyped_storage().data_ptr() for each in stage.parameters()}
    return {place: size for place, size in blocks.items() if place not in weights}
