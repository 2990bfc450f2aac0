"""Choose a picture, a stage and a channel, and compare before with after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..networks import Network, require_network
from ..show.feature_maps import as_input, as_seen, feature_maps
from ..wording import require_count
from .frame import Control, Explorer, View
from .parts import figure, share, tiles


def explore_feature_maps(
    net: Network, images: Sequence[Any], *, after: Network | None = None, channels: int = 6
) -> Explorer:
    """Choose a picture, a stage and a channel.

    Parameters
    ----------
    net : Network
        Left as it is.
    images : sequence of torch.Tensor, numpy.ndarray or PIL.Image.Image
        Inputs as ``split[i][0]`` gives them, or any pictures with values 0..255 as uint8, such as
        your own.
    after : Network, optional
        The same network later, such as after fine-tuning: shown beside the first.
    channels : int
        How many channels of each stage: those that answer the pictures most strongly, or, with
        `after`, those that changed most.

    Returns
    -------
    Explorer
        The picture, the channel's map (bright is a strong answer), the map afterwards on the
        same scale, and the difference.

    Raises
    ------
    TypeError
        If `net` or `after` is no network.
    ValueError
        If there is no picture, one does not fit the network, or the two networks are not rows of
        the same stages.

    Examples
    --------
    >>> import tl_teach as tl
    >>> images = [tl.load_task("printed-digits").train[i][0] for i in range(2)]
    >>> tl.explore_feature_maps(tl.load_network("letters-resnet"), images, channels=2)
    [Explorer] feature maps of letters-resnet, by picture (1, 2); stage (stem, ...
    """
    net = require_network(net)
    require_count("channels", channels)
    if not len(images):
        raise ValueError("explore_feature_maps needs at least one picture; give images=[...].")
    inputs = torch.stack([as_input(net, image) for image in images])
    before = feature_maps(net, inputs)
    later = before if after is None else feature_maps(require_network(after), inputs)
    if {n: m.shape for n, m in before.items()} != {n: m.shape for n, m in later.items()}:
        raise ValueError(
            f"{net.name!r} and {getattr(after, 'name', None)!r} do not have the same feature maps; "
            "compare two states of one architecture."
        )
    best = {name: _strongest(before[name], later[name], channels) for name in before}
    stages = tuple(before)
    most = min(len(chosen) for chosen in best.values())

    def draw(picture: int, stage: int, rank: int) -> View:
        name = stages[stage]
        channel = best[name][rank]
        old, new = before[name][picture, channel], later[name][picture, channel]
        least, scale = float(min(old.min(), new.min())), float(max(old.max(), new.max()))
        span = max(scale - least, 1e-9)
        seen = as_seen(inputs[picture], net.preprocess)
        parts = [figure(seen, f"picture {picture + 1}", "the picture")]

        def add(values: torch.Tensor, label: str) -> None:
            words = f"{label}: channel {channel} of {name}"
            parts.append(figure(((values - least) / span).numpy(), words, label, "magma"))

        add(old, "before" if after else f"channel {channel}")
        finding = f"Channel {channel} of {name} answers"
        finding += f" picture {picture + 1} with at most {scale:.1f}."
        if after is not None:
            add(new, "after")
            change = new - old
            reach = max(float(change.abs().max()), 1e-9)
            words = f"change of channel {channel}: orange where it grew"
            parts.append(figure((change / reach / 2 + 0.5).numpy(), words, "change", "PuOr_r"))
            moved = change.norm() / old.norm().clamp(min=1e-9)
            role = after.role(name)
            finding = f"{name} ({role}): channel {channel} changed by {share(moved)} of its size."
        return View(tiles(parts), finding)

    controls = [
        Control("picture", tuple(str(i + 1) for i in range(len(images))), slides=False),
        Control("stage", stages, len(stages) - 1 if after else 0),
        Control(
            "channel, by change" if after else "channel, by strength",
            tuple(str(rank + 1) for rank in range(most)),
        ),
    ]
    return Explorer(f"feature maps of {net.name}", controls, draw)


def _strongest(before: torch.Tensor, after: torch.Tensor, count: int) -> list[int]:
    moved = (after - before).square().sum((0, 2, 3))
    rank = moved if moved.any() else before.clamp(min=0).mean((0, 2, 3))
    return rank.topk(min(count, len(rank))).indices.tolist()
