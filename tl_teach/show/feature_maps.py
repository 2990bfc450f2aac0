"""Feature maps: what each stage sees in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import torch

from ..learning.predicting import evaluating
from ..networks import Network, require_network
from ..tasks import Preprocess, require_pictures
from ..wording import require_count
from .change import percent
from .examples import as_image
from .picture import INK, Picture, blank, tile
from .roles import ROLES, sign


def show_feature_maps(
    net: Network, image: Any, channels: int | None = None, *, after: Network | None = None
) -> Picture:
    """Show, stage by stage, the channels that answer a picture most strongly.

    Parameters
    ----------
    net : Network
        Left as it is.
    image : torch.Tensor, numpy.ndarray or PIL.Image.Image
        An input as ``split[i][0]`` gives it (float tensor of shape (C, H, W)), or any picture
        with values 0..255 as uint8, which is preprocessed for the network.
    channels : int, optional
        Maps a stage: 6 by default, or 2 if two networks are compared.
    after : Network, optional
        The same network later, such as after fine-tuning. Each stage then shows the channels
        that changed most: before, after, and the difference.

    Returns
    -------
    Picture
        One row a stage, marked with the stage's role; bright is a strong answer. Each map has
        a scale of its own; a map before and after share one. Where nothing changed, "same" stands.

    Raises
    ------
    TypeError
        If `net` or `after` is no network.
    ValueError
        If the input does not fit the network, `channels` is no count, or the two networks are
        not rows of the same stages.

    Examples
    --------
    >>> import tl_teach as tl
    >>> image, label = tl.load_task("printed-digits").train[0]
    >>> print(tl.show_feature_maps(tl.load_network("letters-resnet"), image, channels=2).alt)
    The strongest 2 feature maps of each stage of letters-resnet for one picture: stem (fine-tuned)
    channels ...
    """
    net = require_network(net)
    if channels is None:
        channels = 6 if after is None else 2
    require_count("channels", channels)
    value = as_input(net, image)
    before = _of_one(net, value)
    if after is not None:
        return _compared(net, require_network(after), value, before, channels)
    figure, grid = _sheet(net, value, len(before), channels)
    shown = []
    for row, (name, maps) in enumerate(before.items(), start=1):
        best = _strength(maps).topk(min(channels, len(maps))).indices.tolist()
        _name(figure.add_subplot(grid[row, 0]), name, net.role(name), maps.shape)
        for column, channel in enumerate(best, start=1):
            _map(figure.add_subplot(grid[row, column]), maps[channel])
        listed = ", ".join(str(channel) for channel in best)
        shown.append(f"{name} ({net.role(name)}) channels {listed}")
    return Picture(
        figure,
        f"The strongest {channels} feature maps of each stage of {net.name} for one picture: "
        + "; ".join(shown)
        + ". Maps get smaller and more selective from stage to stage.",
    )


def _compared(
    net: Network,
    after: Network,
    value: torch.Tensor,
    before: dict[str, torch.Tensor],
    channels: int,
) -> Picture:
    later = _of_one(after, value)
    if {name: maps.shape for name, maps in before.items()} != {
        name: maps.shape for name, maps in later.items()
    }:
        raise ValueError(
            f"{net.name!r} and {after.name!r} do not have the same feature maps; "
            "compare two states of one architecture."
        )
    figure, grid = _sheet(net, value, len(before), 3 * channels)
    shown = []
    for row, (name, old) in enumerate(before.items(), start=1):
        new, role = later[name], after.role(name)
        _name(figure.add_subplot(grid[row, 0]), name, role, old.shape)
        moved = (new - old).square().sum((1, 2))
        rank = moved if moved.any() else _strength(old)
        best = rank.topk(min(channels, len(old))).indices.tolist()
        for place, channel in enumerate(best):
            one, other = old[channel], new[channel]
            parts = [figure.add_subplot(grid[row, 3 * place + part]) for part in (1, 2, 3)]
            ends = torch.stack([one, other]).aminmax()
            for axes, maps in zip(parts, (one, other), strict=False):
                _map(axes, maps, vmin=float(ends.min), vmax=float(ends.max))
            _difference(parts[2], other - one)
            if row == 1:
                for axes, heading in zip(parts, ("before", "after", "change"), strict=True):
                    axes.set_title(heading, pad=2, **_HEADING)
        if moved.any():
            share = float((moved.sum() / old.square().sum()).sqrt())
            listed = ", ".join(str(channel) for channel in best)
            shown.append(f"{name} ({role}) by {percent(share)}, most in channels {listed}")
        else:
            shown.append(f"{name} ({role}) not at all")
    return Picture(
        figure,
        f"Feature maps of each stage of {net.name} for one picture, before and after, and how far "
        f"they changed relative to their size: {'; '.join(shown)}.",
    )


_HEADING: dict[str, Any] = {"color": INK, "fontsize": 9}


def feature_maps(net: Network, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
    """Give what each stage before the head makes of pictures, where that is feature maps.

    Parameters
    ----------
    net : Network
        Left as it is.
    inputs : torch.Tensor
        Preprocessed, shape (N, C, H, W).

    Returns
    -------
    dict of str to torch.Tensor
        By stage, shape (N, channels, height, width), on the CPU.
    """
    with evaluating(net):
        body = islice(net.walk(inputs), len(net.stages) - 1)
        return {name: maps.cpu() for name, maps in body if maps.ndim == 4}


def no_maps(net: Network, stage: str) -> ValueError:
    """Say that a stage gives no feature maps, and which stages there are.

    Parameters
    ----------
    net : Network
        The network.
    stage : str
        Its stage.

    Returns
    -------
    ValueError
        To be raised.
    """
    return ValueError(
        f"The stage {stage!r} of {net.name!r} gives no feature maps; "
        f"choose one of {', '.join(net.stage_names[:-1])}."
    )


def _of_one(net: Network, value: torch.Tensor) -> dict[str, torch.Tensor]:
    return {name: maps[0] for name, maps in feature_maps(net, value[None]).items()}


def _strength(maps: torch.Tensor) -> torch.Tensor:
    return maps.clamp(min=0).mean((1, 2))


def _sheet(net: Network, value: torch.Tensor, stages: int, columns: int) -> tuple[Any, Any]:
    """A sheet whose first row shows the picture, with room for a row a stage."""
    rows = stages + 1
    figure = blank(6.4, 6.4 / (columns + 1.6) * rows * 1.04, gap=0.02)
    grid = figure.add_gridspec(rows, columns + 1, width_ratios=[1.6] + [1] * columns)
    given = figure.add_subplot(grid[0, 0])
    given.set(xlim=(0, 1.6), ylim=(0, 1))
    given.set_axis_off()
    given.text(0.08, 0.5, "the picture", color=INK, fontsize=10, va="center")
    tile(figure.add_subplot(grid[0, 1]), as_seen(value, net.preprocess))
    return figure, grid


def _map(axes: Any, values: torch.Tensor, **scale: float) -> None:
    axes.imshow(values.numpy(), cmap="magma", interpolation="nearest", **scale)
    axes.set_axis_off()


def _difference(axes: Any, values: torch.Tensor) -> None:
    """Orange where a map has grown, violet where it has shrunk."""
    axes.set_axis_off()
    most = float(values.abs().max())
    if most:
        axes.imshow(values.numpy(), cmap="PuOr_r", vmin=-most, vmax=most, interpolation="nearest")
    else:
        axes.text(0.5, 0.5, "same", ha="center", va="center", **_HEADING)


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
    TypeError
        If it is no single picture, or the network reads texts.
    ValueError
        If the input has another number of channels than the network expects.
    """
    require_pictures(net)
    if isinstance(image, Sequence) and not isinstance(image, str):
        raise TypeError(
            f"Expected a picture, but got a {type(image).__name__}; give one input, such as "
            "split[0][0], or a picture with uint8 values."
        )
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
    return as_image((value.cpu() * std + mean).clamp(0, 1))


def _name(axes: Any, name: str, role: str, shape: torch.Size) -> None:
    axes.set(xlim=(0, 1.6), ylim=(0, 1))
    axes.set_aspect("equal")
    axes.set_axis_off()
    sign(axes, role, 0.2, 0.62, 0.26)
    ink = ROLES[role].ink
    axes.text(0.4, 0.62, name, color=ink, weight="bold", fontsize=10, va="center")
    size = f"{shape[1]}×{shape[2]} pixels"
    axes.text(0.08, 0.25, size, color=INK, fontsize=9, va="center")
