"""The small windows that a convolution slides over a picture."""

from __future__ import annotations

import numpy as np
from torch import nn

from ..networks import Network, require_network
from .picture import Picture, grid, tile


def show_filters(net: Network, stage: str | None = None) -> Picture:
    """Show the filters of a stage's first convolution.

    A 3 x 3 filter has nine weights a channel: too few to see an edge in. Look at
    `show_feature_maps` for what a filter *does*, and at `show_top_images` for what it likes.

    Parameters
    ----------
    net : Network
        Left as it is.
    stage : str, optional
        The first stage by default, whose filters look at the picture itself.

    Returns
    -------
    Picture
        At most 32 filters, dark for negative and light for positive weights; in colour where a
        filter looks at three channels; the mean over channels where it looks at more.

    Raises
    ------
    TypeError
        If it is no network.
    ValueError
        If there is no such stage, or it has no convolution.

    Examples
    --------
    >>> import tl_teach as tl
    >>> print(tl.show_filters(tl.load_network("letters-resnet")).alt)
    16 filters of 3×3 weights in the stage stem of letters-resnet, from dark (negative) to light
    (positive).
    """
    net = require_network(net)
    stage = net.stage_names[0] if stage is None else stage
    net.position(stage)
    convolution = next((m for m in net.stages[stage].modules() if isinstance(m, nn.Conv2d)), None)
    if convolution is None:
        raise ValueError(
            f"The stage {stage!r} of {net.name!r} has no convolution, so it has no filters; "
            f"choose another of {', '.join(net.stage_names)}."
        )
    weights = convolution.weight.detach().cpu().numpy()[:32]
    largest = float(np.abs(weights).max()) or 1.0
    figure, tiles = grid(len(weights), 8, rest=0.05, gap=0.04)
    for axes, window in zip(tiles, weights, strict=False):
        if len(window) == 3:
            tile(axes, (window.transpose(1, 2, 0) / largest + 1) / 2)
        else:
            scale = float(np.abs(weights.mean(1)).max()) or 1.0
            tile(axes, (window.mean(0) / scale + 1) / 2)
    size = "×".join(str(side) for side in convolution.kernel_size)
    return Picture(
        figure,
        f"{len(weights)} filters of {size} weights in the stage {stage} of {net.name}, "
        "from dark (negative) to light (positive).",
    )
