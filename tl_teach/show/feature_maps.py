"""Feature maps: what each stage sees in one picture."""

from __future__ import annotations

from typing import Any

import torch

from ..learning.evaluation import evaluating
from ..networks import Network, require_network
from ..tasks import Preprocess
from ..wording import require_count
from .examples import as_image
from .picture import INK, Picture, blank, tile
from .roles import ROLES, sign


def show_feature_maps(net: Network, image: Any, channels: int = 6) -> Picture:
    """Show, stage by stage, the channels that answer a picture most strongly.

    Parameters
    ----------
    net : Network
        Left as it is.
    image : torch.Tensor, numpy.ndarray or PIL.Image.Image
        An input as ``split[i][0]`` gives it (float tensor of shape (C, H, W)), or any picture
        with values 0..255 as uint8, which is preprocessed for the network.
    channels : int
        Maps a stage.

    Returns
    -------
    Picture
        One row a stage, marked with the stage's role; bright is a strong answer. Each map has
        a scale of its own.

    Raises
    ------
    ValueError
        If the input does not fit the network, or `channels` is no count.

    Examples
    --------
    >>> import tl_teach as tl
    >>> image, label = tl.load_task("printed-digits").train[0]
    >>> print(tl.show_feature_maps(tl.load_network("letters-resnet"), image, channels=2).alt)
    The strongest 2 feature maps of each stage of letters-resnet for one picture: stem (fine-tuned)
    channels ...
    """
    net = require_network(net)
    require_count("channels", channels)
    value = as_input(net, image)
    stages = net.stage_names[:-1]
    rows = len(stages) + 1
    figure = blank(6.4, 6.4 / (channels + 1.6) * rows * 1.04, gap=0.02)
    grid = figure.add_gridspec(rows, channels + 1, width_ratios=[1.6] + [1] * channels)
    given = figure.add_subplot(grid[0, 0])
    given.set(xlim=(0, 1.6), ylim=(0, 1))
    given.set_axis_off()
    given.text(0.08, 0.5, "the picture", color=INK, fontsize=10, va="center")
    tile(figure.add_subplot(grid[0, 1]), as_seen(value, net.preprocess))
    shown = []
    with evaluating(net):
        maps = value[None]
        for row, name in enumerate(stages, start=1):
            maps = net.stages[name](maps)
            if maps.ndim != 4:
                continue
            strength = maps[0].clamp(min=0).mean((1, 2))
            best = strength.topk(min(channels, len(strength))).indices.tolist()
            _name(figure.add_subplot(grid[row, 0]), name, net.role(name), maps.shape)
            for column, channel in enumerate(best):
                axes = figure.add_subplot(grid[row, column + 1])
                axes.imshow(maps[0, channel].numpy(), cmap="magma", interpolation="nearest")
                axes.set_axis_off()
            listed = ", ".join(str(channel) for channel in best)
            shown.append(f"{name} ({net.role(name)}) channels {listed}")
    return Picture(
        figure,
        f"The strongest {channels} feature maps of each stage of {net.name} for one picture: "
        + "; ".join(shown)
        + ". Maps get smaller and more selective from stage to stage.",
    )


def as_input(net: Network, image: Any) -> torch.Tensor:
    """Give one picture as the network's input.

    Parameters
    ----------
    net : Network
        Whose preprocessing is used.
    image : torch.Tensor, numpy.ndarray or PIL.Image.Image
        A picture, or an input that is preprocessed already.

    Returns
    -------
    torch.Tensor
        Float tensor of shape (C, H, W).

    Raises
    ------
    ValueError
        If the input has another number of channels than the network expects.
    """
    if isinstance(image, torch.Tensor) and image.is_floating_point():
        if image.ndim != 3 or len(image) != net.preprocess.channels:
            raise ValueError(
                f"{net.name!r} needs one input of shape {net.preprocess.shape}, but got "
                f"{tuple(image.shape)}; take split.for_network(net)[i][0], or hand over a picture "
                "with uint8 values."
            )
        return image
    return net.preprocess(image)


def as_seen(value: torch.Tensor, preprocess: Preprocess) -> Any:
    """Undo the normalisation of an input, so that it can be looked at.

    Parameters
    ----------
    value : torch.Tensor
        A preprocessed input of shape (C, H, W).
    preprocess : Preprocess
        How it was made.

    Returns
    -------
    numpy.ndarray
        (H, W) or (H, W, 3), values 0..1.
    """
    mean = torch.tensor(preprocess.mean).view(-1, 1, 1)
    std = torch.tensor(preprocess.std).view(-1, 1, 1)
    return as_image((value * std + mean).clamp(0, 1))


def _name(axes: Any, name: str, role: str, shape: torch.Size) -> None:
    axes.set(xlim=(0, 1.6), ylim=(0, 1))
    axes.set_aspect("equal")
    axes.set_axis_off()
    sign(axes, role, 0.2, 0.62, 0.26)
    ink = ROLES[role].ink
    axes.text(0.4, 0.62, name, color=ink, weight="bold", fontsize=10, va="center")
    size = f"{shape[2]}×{shape[3]} pixels"
    axes.text(0.08, 0.25, size, color=INK, fontsize=8, va="center")
