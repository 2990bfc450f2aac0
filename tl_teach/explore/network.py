"""Move the freeze boundary, and see what it costs and what to expect of it."""

from __future__ import annotations

import copy
import time

import torch

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
    seconds, entering, kept = _measure(net)
    options = ("nothing", *names[:-1])

    def draw(frozen: int) -> View:
        learn = sum(counts[name] for name in names[frozen:])
        bytes_ = 4 * (sum(counts.values()) + 3 * learn)
        saved = entering[names[frozen]] + sum(kept[name] for name in names[frozen:])
        bytes_ += batch_size * saved
        forward = sum(seconds[name][0] for name in names[:frozen])
        epoch = sum(sum(seconds[name]) for name in names[frozen:])
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


Seconds = dict[str, tuple[float, float]]


def _measure(net: Network) -> tuple[Seconds, dict[str, int], dict[str, int]]:
    """By stage and picture: seconds there and back, bytes saved of what enters, and of the rest."""
    learner = copy.deepcopy(net).cpu().train().requires_grad_(True)
    value = torch.zeros(8, *net.preprocess.shape)
    seconds: Seconds = {}
    entering: dict[str, int] = {}
    kept: dict[str, int] = {}
    for name, stage in learner.stages.items():
        weights = {each.untyped_storage().data_ptr() for each in stage.parameters()}
        blocks: dict[int, int] = {}

        def note(tensor: torch.Tensor, blocks: dict[int, int] = blocks) -> torch.Tensor:
            memory = tensor.untyped_storage()
            blocks[memory.data_ptr()] = memory.nbytes()
            return tensor

        for warm in (True, False):
            inputs = value.detach().requires_grad_()
            begun = time.perf_counter()
            with torch.enable_grad():
                if warm:
                    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
                        out = stage(inputs)
                else:
                    out = stage(inputs)
            middle = time.perf_counter()
            out.sum().backward()
            times = middle - begun, time.perf_counter() - middle
        for known in weights:
            blocks.pop(known, None)
        # The stage before, if it learns, may have saved what enters as well.
        entering[name] = blocks.pop(value.untyped_storage().data_ptr(), 0) // len(value)
        seconds[name] = times[0] / len(value), times[1] / len(value)
        kept[name] = sum(blocks.values()) // len(value)
        value = out.detach()
    return seconds, entering, kept
