"""What a channel likes: the patches of real pictures that excite it most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from ..learning.feed import chunks
from ..learning.predicting import evaluating
from ..networks import Network, require_network
from ..tasks import Split, require_pictures
from ..wording import require_count
from .feature_maps import as_input, as_seen, no_maps
from .picture import INK, Picture, blank, credit, tile
from .roles import ROLES

_CHUNK = 16  # pictures that are run at a time
_TRACED = 4  # pictures whose gradients are traced back at a time: these need the more memory


def show_top_images(
    net: Network,
    images: Split | Sequence[Any],
    stage: str,
    channels: Sequence[int] | None = None,
    *,
    rows: int = 5,
    count: int = 8,
) -> Picture:
    """Show, for some channels of a stage, the patches that excite them most.

    A small filter shows no readable edge by itself. The patches it answers to, out of many real
    pictures, show what it looks for: the same stroke direction, the same texture, the same part.

    Parameters
    ----------
    net : Network
        Left as it is.
    images : Split or sequence of pictures
        What to look through: a split (a sealed test refuses), or pictures with values 0..255 as
        uint8 (arrays of shape (H, W) or (H, W, 3), or PIL images).
    stage : str
        One of ``net.stage_names``, before the head.
    channels : sequence of int, optional
        Which channels; by default those that are most choosy, whose strongest answer stands out
        most from their usual one.
    rows : int
        How many channels, if `channels` is not given.
    count : int
        Patches a channel, each from another picture.

    Returns
    -------
    Picture
        One row a channel; a patch is the part of the picture that the answer depends on.

    Raises
    ------
    TypeError
        If `net` is no network, or reads texts.
    ValueError
        If there is no such stage or channel, or a number is no count.

    References
    ----------
    Zeiler, Fergus (2014), "Visualizing and understanding convolutional networks",
    https://arxiv.org/abs/1311.2901

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=2)
    >>> net = tl.load_network("letters-resnet")
    >>> print(tl.show_top_images(net, task.train, "block1", channels=[0, 1], count=3).alt)
    The 3 patches of printed-digits that excite each of the channels 0, 1 of stage block1 of
    letters-resnet most.
    """
    net = require_network(net)
    require_pictures(net)
    require_count("rows", rows)
    require_count("count", count)
    split = images.for_network(net) if isinstance(images, Split) else None
    inputs = _Inputs(net, images if split is None else split)
    strongest, where, width = _answers(net, inputs, stage)
    if channels is None:
        spread = strongest.std(0) + 1e-6
        choosy = (strongest.max(0).values - strongest.mean(0)) / spread
        choosy[strongest.max(0).values <= 1e-3] = 0  # a channel that is silent likes nothing
        channels = choosy.topk(min(rows, len(choosy))).indices.tolist()
    elif not all(0 <= channel < strongest.shape[1] for channel in channels):
        raise ValueError(
            f"channels={list(channels)} does not work: the stage {stage!r} of {net.name!r} has "
            f"the channels 0 to {strongest.shape[1] - 1}."
        )
    count = min(count, len(inputs))
    figure = blank(6.4, 6.4 / (count + 0.7) * len(channels) + 0.25, gap=0.03)
    grid = figure.add_gridspec(len(channels), count + 1, width_ratios=[0.7] + [1] * count)
    for row, channel in enumerate(channels):
        name = figure.add_subplot(grid[row, 0])
        name.set_axis_off()
        name.text(0, 0.5, f"channel\n{channel}", fontsize=9, va="center", color=INK)
        best = strongest[:, channel].topk(count).indices
        column = 1
        for some in best.split(_TRACED):
            places = [divmod(int(where[item, channel]), width) for item in some]
            values = [inputs[int(item)] for item in some]
            for patch in _patches(net, values, stage, channel, places):
                tile(figure.add_subplot(grid[row, column]), patch)
                column += 1
    figure.suptitle(
        f"{stage} of {net.name}", fontsize=11, color=ROLES[net.role(stage)].ink, x=0.01, ha="left"
    )
    if split is not None:
        credit(figure, split.info)
    what = "the given pictures" if split is None else split.info.name
    listed = ", ".join(str(channel) for channel in channels)
    return Picture(
        figure,
        f"The {count} patches of {what} that excite each of the channels {listed} of "
        f"stage {stage} of {net.name} most.",
    )


class _Inputs:
    """The pictures as inputs of the network, made one at a time."""

    def __init__(self, net: Network, images: Split | Sequence[Any]):
        self._net, self._images = net, images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, item: int) -> torch.Tensor:
        if isinstance(self._images, Split):
            return self._images.preprocess(self._images.pixels(item))
        return as_input(self._net, self._images[item])


def _answers(net: Network, inputs: _Inputs, stage: str) -> tuple[torch.Tensor, torch.Tensor, int]:
    """For each picture and channel: the strongest answer, its place, and the map's width."""
    strongest, where = [], []
    with evaluating(net):
        for items in chunks(len(inputs), _CHUNK):
            some = torch.stack([inputs[int(item)] for item in items]).to(net.device)
            maps = net.run(some, through=stage)
            if maps.ndim != 4:
                raise no_maps(net, stage)
            best = maps.flatten(2).max(2)
            strongest.append(best.values.cpu())
            where.append(best.indices.cpu())
    return torch.cat(strongest), torch.cat(where), maps.shape[3]


def _patches(
    net: Network,
    values: list[torch.Tensor],
    stage: str,
    channel: int,
    places: list[tuple[int, int]],
) -> Iterator[np.ndarray]:
    """Cut out the part of each picture that an answer depends on: where its gradient is not 0."""
    traced = torch.stack(values).to(net.device).requires_grad_()
    with evaluating(net), torch.enable_grad():
        maps = net.run(traced, through=stage)
        answers = [maps[item, channel, row, column] for item, (row, column) in enumerate(places)]
        # In eval mode no picture influences another, so one pass back serves them all.
        torch.stack(answers).sum().backward(inputs=[traced])
    assert traced.grad is not None
    for value, influence in zip(values, traced.grad.abs().sum(1).cpu(), strict=True):
        seen = as_seen(value, net.preprocess)
        rows, columns = torch.nonzero(influence, as_tuple=True)
        if len(rows):
            seen = seen[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        yield seen
