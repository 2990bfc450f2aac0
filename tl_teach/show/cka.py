"""How alike the stages of two networks see the same pictures."""

from __future__ import annotations

import numpy as np

from ..discover import cka
from ..learning import extract_features
from ..networks import Network, require_network
from ..tasks import Split
from .matrix import matrix, write
from .picture import Picture, blank
from .roles import ROLES


def show_cka(before: Network, after: Network, split: Split) -> Picture:
    """Compare two networks stage by stage, by linear centred kernel alignment (CKA).

    1 means that a stage of one network arranges the pictures as that of the other does, up to a
    rotation and a common scale; 0 that the two arrangements have nothing in common. The weights
    may differ all the same.

    Parameters
    ----------
    before, after : Network
        Such as a network before and after fine-tuning. Both are left as they are.
    split : Split
        The pictures to compare them on; no label is used. Take more pictures than a stage has
        channels: with fewer, even unrelated stages seem alike.

    Returns
    -------
    Picture
        A row for each stage of `before`, a column for each of `after`; stages of one name are in
        bold. Feature maps are averaged over the picture first.

    Raises
    ------
    TypeError
        If one of them is no network, or `split` no part of a task.
    SealedError
        If the split is a sealed test.

    References
    ----------
    Kornblith, Norouzi, Lee, Hinton (2019), "Similarity of neural network representations
    revisited", https://arxiv.org/abs/1905.00414

    Examples
    --------
    >>> import tl_teach as tl
    >>> split = tl.load_task("printed-digits").validation
    >>> net = tl.load_network("letters-resnet")
    >>> print(tl.show_cka(net, tl.load_network("letters-resnet", "random"), split).alt)
    Linear CKA between the stages of letters-resnet before and letters-resnet after, on 350 pictures
    of printed-digits; 1 is the same up to rotation and scale. Of each stage with itself: stem ...,
    block1 ..., block2 ..., block3 ..., head .... Least alike: ....
    """
    nets = require_network(before), require_network(after)
    seen = [
        [extract_features(net, split, stage).values for stage in net.stage_names] for net in nets
    ]
    values = np.array([[cka(x, y) for y in seen[1]] for x in seen[0]])
    rows, columns = (net.stage_names for net in nets)
    figure = blank(6.4, 0.42 * len(rows) + 1)
    axes = figure.add_subplot()
    labels = {"xlabel": "stage, after", "ylabel": "stage, before"}
    matrix(axes, values, rows, columns, vmin=0, vmax=1, **labels)
    for row, name in enumerate(rows):
        for column, other in enumerate(columns):
            write(axes, row, column, f"{values[row, column]:.2f}", bold=name == other)
    for net, ticks in zip(nets, (axes.get_yticklabels(), axes.get_xticklabels()), strict=True):
        for name, tick in zip(net.stage_names, ticks, strict=True):
            tick.set_color(ROLES[net.role(name)].ink)
    return Picture(figure, _words(before, after, split, values))


def _words(before: Network, after: Network, split: Split, values: np.ndarray) -> str:
    same = {  # the head at least
        name: values[row, after.position(name)]
        for row, name in enumerate(before.stage_names)
        if name in after.stages
    }
    text = (
        f"Linear CKA between the stages of {before.name} before and {after.name} after, on "
        f"{len(split):,} pictures of {split.info.name}; 1 is the same up to rotation and scale."
    )
    listed = ", ".join(f"{name} {value:.2f}" for name, value in same.items())
    least = min(same, key=lambda name: same[name])
    return f"{text} Of each stage with itself: {listed}. Least alike: {least}."
