"""How far the weights of each stage have moved."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch

from .network import Network, require_network


class StageChange(NamedTuple):
    """How far one stage has moved, relative to where it was.

    Attributes
    ----------
    parameters : float or None
        ||after - before|| / ||before|| over all parameters of the stage, from 0; infinite where
        all were 0 before; None where it has none, or is new.
    buffers : float or None
        The same over its buffers of decimal numbers: BatchNorm's running means and variances.
    new : bool
        Whether the stage was replaced by another, so that there is nothing to compare.
    """

    parameters: float | None
    buffers: float | None
    new: bool


def stage_change(before: Network, after: Network) -> dict[str, StageChange]:
    """Measure how far each stage's weights moved from one network to another.

    Parameters
    ----------
    before, after : Network
        Two states of one architecture, such as a copy made before training
        (``copy.deepcopy(net)``) and the trained network. Both are left as they are.

    Returns
    -------
    dict of str to StageChange
        By stage, in order. A frozen stage has moved by exactly 0.

    Raises
    ------
    ValueError
        If the two are not rows of the same stages.

    Examples
    --------
    >>> import copy
    >>> import tl_teach as tl
    >>> from tl_teach.networks import stage_change
    >>> before = tl.load_network("letters-resnet")
    >>> after = copy.deepcopy(before)
    >>> with torch.no_grad():
    ...     _ = after.stages["block3"].conv1.weight.mul_(1.5)
    >>> change = stage_change(before, after)
    >>> change["block2"].parameters, change["block3"].parameters > 0.1
    (0.0, True)
    >>> stage_change(before, tl.replace_head(before, 10))["head"].new
    True
    """
    before, after = require_network(before), require_network(after)
    if before.stage_names != after.stage_names:
        raise ValueError(
            f"{before.name!r} and {after.name!r} are not rows of the same stages: "
            f"{', '.join(before.stage_names)} against {', '.join(after.stage_names)}; "
            "compare two states of one architecture."
        )
    return {name: _change(name, before, after) for name in before.stage_names}


def _change(name: str, before: Network, after: Network) -> StageChange:
    old, new = before.stages[name], after.stages[name]
    shapes = [{key: value.shape for key, value in s.state_dict().items()} for s in (old, new)]
    # A new head may have the old one's shape by chance; the distance would mean nothing then.
    if shapes[0] != shapes[1] or (before.copied[name] and not after.copied[name]):
        return StageChange(None, None, new=True)
    return StageChange(
        _relative(old.parameters(), new.parameters()),
        # How many batches BatchNorm has counted is a buffer too, but says nothing of distance.
        _relative(_decimal(old.buffers()), _decimal(new.buffers())),
        new=False,
    )


def _decimal(tensors: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    return [tensor for tensor in tensors if tensor.is_floating_point()]


def _relative(before: Iterable[torch.Tensor], after: Iterable[torch.Tensor]) -> float | None:
    pairs = [
        (old.detach().cpu().double(), new.detach().cpu().double())
        for old, new in zip(before, after, strict=True)
    ]
    if not pairs:
        return None
    moved = math.sqrt(sum(float((new - old).square().sum()) for old, new in pairs))
    length = math.sqrt(sum(float(old.square().sum()) for old, _ in pairs))
    if not moved:
        return 0.0
    return moved / length if length else math.inf
