"""How much of a picture one unit of a stage can see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.patches import Rectangle

from ..learning.predicting import evaluating
from ..networks import Network, require_network
from ..tasks import require_split
from .feature_maps import as_input, as_seen, feature_maps, no_maps
from .picture import PAPER, Picture, credit, grid, tile
from .roles import ROLES

_COLUMNS = 4


class _Field(NamedTuple):
    """Where a unit stands in its stage's map, and the pixels that it depends on."""

    unit: tuple[int, int]
    maps: tuple[int, int]
    top: int
    bottom: int  # one beyond the last row
    left: int
    right: int

    def __str__(self) -> str:
        return f"{self.bottom - self.top}×{self.right - self.left}"


def show_receptive_field(
    net: Network,
    picture: Any,
    stage: str | None = None,
    position: tuple[int, int] | None = None,
) -> Picture:
    """Show which pixels one unit of each stage can see.

    Each convolution looks at a small window of what came before, so a unit of a late stage depends
    on a large part of the picture.

    Parameters
    ----------
    net : Network
        Left as it is.
    picture : Split, torch.Tensor, numpy.ndarray or PIL.Image.Image
        What is drawn: the first picture of a split (a sealed test refuses), an input as
        ``split[i][0]`` gives it, or any picture with values 0..255 as uint8.
    stage : str, optional
        The last stage to show; by default the last one before the head.
    position : tuple of int, optional
        Row and column of the unit in the feature maps of `stage`, from 0; the middle by default.
        Of earlier stages the unit at the same place of the picture is shown.

    Returns
    -------
    Picture
        One picture a stage; what its unit cannot see is pale.

    Raises
    ------
    TypeError
        If `net` is no network, or `split` no part of a task.
    ValueError
        If there is no such stage or unit, or the stage gives no feature maps.

    Notes
    -----
    The field is found by trial, so that it is right for any architecture: pixels are replaced by
    "not a number", which spreads through every sum it enters, and the unit is asked whether it has
    become one. It is what the unit *can* see, within the picture. What it uses is less: pixels in
    the middle have many more ways to reach it (Luo et al.).

    References
    ----------
    Luo, Li, Urtasun, Zemel (2016), "Understanding the effective receptive field in deep
    convolutional neural networks", https://arxiv.org/abs/1701.04128

    Araujo, Norris, Sim (2019), "Computing receptive fields of convolutional neural networks",
    https://doi.org/10.23915/distill.00021

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits")
    >>> print(tl.show_receptive_field(tl.load_network("letters-resnet"), task.train).alt)
    The pixels that one unit of each stage of letters-resnet can see, of 28×28: stem 3×3, block1
    7×7, block2 13×13, block3 25×25. The unit of block3 stands in row 3, column 3 of its 7×7 map.
    """
    net = require_network(net)
    stage = net.stage_names[-2] if stage is None else stage
    split = require_split(picture) if isinstance(picture, Sequence) else None
    value = as_input(net, picture if split is None else split.pixels(0))
    shapes = _shapes(net, stage)
    unit = _unit(net, stage, shapes, position)
    fields = {}
    for name, shape in shapes.items():
        pairs = zip(unit, shapes[stage], shape, strict=True)
        here = [int((place + 0.5) / theirs * ours) for place, theirs, ours in pairs]
        fields[name] = _field(net, name, (here[0], here[1]), shape)
    figure = _tiles(net, as_seen(value, net.preprocess), fields)
    if split is not None:
        credit(figure, split.info)
    listed = ", ".join(f"{name} {field}" for name, field in fields.items())
    last = fields[stage]
    return Picture(
        figure,
        f"The pixels that one unit of each stage of {net.name} can see, of "
        f"{net.preprocess.size}×{net.preprocess.size}: {listed}. The unit of {stage} stands in "
        f"row {last.unit[0]}, column {last.unit[1]} of its {last.maps[0]}×{last.maps[1]} map.",
    )


def _shapes(net: Network, stage: str) -> dict[str, tuple[int, int]]:
    """Height and width of the feature maps of each stage up to this one."""
    last = net.position(stage)
    maps = feature_maps(net, torch.zeros(1, *net.preprocess.shape))
    if stage not in maps:
        raise no_maps(net, stage)
    shapes = {name: (one.shape[2], one.shape[3]) for name, one in maps.items()}
    return {name: shape for name, shape in shapes.items() if net.position(name) <= last}


def _unit(
    net: Network,
    stage: str,
    shapes: dict[str, tuple[int, int]],
    position: tuple[int, int] | None,
) -> tuple[int, int]:
    height, width = shapes[stage]
    if position is None:
        return height // 2, width // 2
    row, column = position
    if not (0 <= row < height and 0 <= column < width):
        raise ValueError(
            f"position={position!r} does not work: the maps of the stage {stage!r} of "
            f"{net.name!r} have the rows 0 to {height - 1} and the columns 0 to {width - 1}."
        )
    return row, column


def _field(net: Network, stage: str, unit: tuple[int, int], maps: tuple[int, int]) -> _Field:
    """Find how many lines of pixels can be spoilt from each side before the unit notices."""
    size = net.preprocess.size
    fewest, most = torch.ones(4, dtype=torch.int64), torch.full((4,), size)
    with evaluating(net):
        while (fewest < most).any():
            middle = (fewest + most) // 2
            top, bottom, left, right = middle.tolist()
            # Four at a time: some fast convolutions for large batches would let NaN leak out.
            inputs = torch.zeros(4, *net.preprocess.shape, device=net.device)
            inputs[0, :, :top] = np.nan
            inputs[1, :, size - bottom :] = np.nan
            inputs[2, :, :, :left] = np.nan
            inputs[3, :, :, size - right :] = np.nan
            answer = net.run(inputs, through=stage)[:, :, unit[0], unit[1]]
            noticed = answer.isnan().any(1).cpu()
            most = torch.where(noticed, middle, most)
            fewest = torch.where(noticed, fewest, middle + 1)
    top, bottom, left, right = (fewest - 1).tolist()
    return _Field(unit, maps, top, size - bottom, left, size - right)


def _tiles(net: Network, seen: np.ndarray, fields: dict[str, _Field]) -> Any:
    figure, places = grid(len(fields), min(_COLUMNS, len(fields)), 0.4)
    for axes, (name, field) in zip(places, fields.items(), strict=False):
        inside = np.s_[field.top : field.bottom, field.left : field.right]
        shown = 1 - 0.28 * (1 - seen)
        shown[inside] = seen[inside]
        tile(axes, shown, f"{name}\n{field} pixels")
        look = ROLES[net.role(name)]
        axes.title.set_color(look.ink)
        corner = (field.left - 0.5, field.top - 0.5)
        extent = (field.right - field.left, field.bottom - field.top)
        line: dict[str, Any] = {"facecolor": "none", "clip_on": False}
        axes.add_patch(Rectangle(corner, *extent, edgecolor=PAPER, linewidth=4, **line))
        axes.add_patch(Rectangle(corner, *extent, edgecolor=look.ink, linewidth=2, **line))
    return figure
