"""What a channel likes: the patches of real pictures that excite it most."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..learning.evaluation import evaluating
from ..learning.prefix import chunks
from ..networks import Network, require_network
from ..tasks import Split
from .feature_maps import as_seen
from .picture import INK, Picture, blank, credit, tile
from .roles import ROLES


def show_top_images(
    net: Network,
    split: Split,
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
    split : Split
        The pictures to look through. A sealed test refuses.
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
    ValueError
        If there is no such stage or channel.

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
    split = split.for_network(net)
    strongest, where, width = _answers(net, split, stage)
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
    count = min(count, len(split))
    figure = blank(6.4, 6.4 / (count + 0.7) * len(channels) + 0.25)
    figure.get_layout_engine().set(wspace=0.03, hspace=0.03)  # type: ignore[union-attr]
    grid = figure.add_gridspec(len(channels), count + 1, width_ratios=[0.7] + [1] * count)
    for row, channel in enumerate(channels):
        name = figure.add_subplot(grid[row, 0])
        name.set_axis_off()
        name.text(0, 0.5, f"channel\n{channel}", fontsize=9, va="center", color=INK)
        best = strongest[:, channel].topk(count).indices.tolist()
        for column, item in enumerate(best):
            place = divmod(int(where[item, channel]), width)
            patch = _patch(net, split, item, stage, channel, place)
            tile(figure.add_subplot(grid[row, column + 1]), patch)
    figure.suptitle(
        f"{stage} of {net.name}", fontsize=11, color=ROLES[net.role(stage)].ink, x=0.01, ha="left"
    )
    credit(figure, split.info)
    listed = ", ".join(str(channel) for channel in channels)
    return Picture(
        figure,
        f"The {count} patches of {split.info.name} that excite each of the channels {listed} of "
        f"stage {stage} of {net.name} most.",
    )


def _answers(net: Network, split: Split, stage: str) -> tuple[torch.Tensor, torch.Tensor, int]:
    """For each item and channel: the strongest answer, its place, and the map's width."""
    strongest, where = [], []
    with evaluating(net):
        for items in chunks(len(split), 64):
            inputs = torch.stack([split.preprocess(split.pixels(int(item))) for item in items])
            maps = net.run(inputs, through=stage)
            if maps.ndim != 4:
                raise ValueError(
                    f"The stage {stage!r} of {net.name!r} gives no feature maps; "
                    f"choose one of {', '.join(net.stage_names[:-1])}."
                )
            best = maps.flatten(2).max(2)
            strongest.append(best.values)
            where.append(best.indices)
    return torch.cat(strongest), torch.cat(where), maps.shape[3]


def _patch(net: Network, split: Split, item: int, stage: str, channel: int, place: tuple[int, int]):  # type: ignore[no-untyped-def]
    """Cut out the part of a picture that one answer depends on: where its gradient is not 0."""
    value = split.preprocess(split.pixels(item))
    traced = value[None].clone().requires_grad_()
    training = net.training
    net.eval()
    net.run(traced, through=stage)[0, channel, place[0], place[1]].backward(inputs=[traced])
    net.train(training)
    assert traced.grad is not None
    rows, columns = torch.nonzero(traced.grad[0].abs().sum(0), as_tuple=True)
    seen = as_seen(value, split.preprocess)
    if len(rows) == 0:
        return seen
    return seen[int(rows.min()) : int(rows.max()) + 1, int(columns.min()) : int(columns.max()) + 1]
