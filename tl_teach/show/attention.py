"""Where the tokens of a text look: the attention of one layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from ..learning.predicting import evaluating
from ..networks import Network, TokenLayer, require_network
from ..tasks import TextPreprocess
from ..wording import unknown
from .matrix import DEEP_SHADES, matrix
from .picture import Picture, blank


def show_attention(
    net: Network, text: str, stage: str | None = None, *, head: int | None = None
) -> Picture:
    """Draw how much each token of a text takes from each other in one layer.

    Parameters
    ----------
    net : Network
        For texts. Left as it is.
    text : str
        One text.
    stage : str, optional
        A layer; the last by default.
    head : int, optional
        One of the layer's attention heads, from 0; the mean of all by default.

    Returns
    -------
    Picture
        A row for each token that looks, a column for each that is looked at; a row sums to 1.

    Raises
    ------
    ValueError
        If there is no such layer or head.
    TypeError
        If the network reads no texts.

    Notes
    -----
    Attention tells what a layer mixes, not why the network answers as it does: other weights can
    give the same answer.

    References
    ----------
    Vaswani et al. (2017), "Attention is all you need", https://arxiv.org/abs/1706.03762

    Jain, Wallace (2019), "Attention is not explanation", https://arxiv.org/abs/1902.10186

    Examples
    --------
    >>> import tl_teach as tl
    >>> net = tl.load_network("minilm")  # doctest: +SKIP
    >>> tl.show_attention(net, "not good", "layer1")  # doctest: +SKIP
    """
    net, tokens = require_tokens(net, text)
    layers = [name for name in net.stages if isinstance(net.stages[name], TokenLayer)]
    if stage is not None and stage not in layers:
        raise ValueError(unknown(f"layer with attention in {net.name!r}", stage, layers))
    stage = stage or layers[-1]
    weights = _weights(net, text, stage)
    if head is not None and head not in range(len(weights)):
        raise ValueError(unknown(f"attention head in {stage!r}", head, range(len(weights))))
    shown = weights.mean(0) if head is None else weights[head]
    whose = f"the mean of {len(weights)} heads" if head is None else f"head {head}"
    side = 0.34 * len(tokens) + 1.6
    figure = blank(min(6.4, side + 0.8), min(6.0, side))
    labels = {"xlabel": "token that is looked at", "ylabel": "token that looks"}
    drawn = matrix(figure.add_subplot(), shown, tokens, tokens, vmin=0, cmap=DEEP_SHADES, **labels)
    drawn.axes.tick_params(axis="x", rotation=90)
    drawn.axes.set_title(f"{stage}, {whose}", fontsize=11, loc="left")
    figure.colorbar(drawn, label="share of attention", shrink=0.8)
    most = [f"{tokens[row]} at {tokens[int(shown[row].argmax())]}" for row in range(len(tokens))]
    return Picture(
        figure,
        f"Attention in {stage} of {net.name}, {whose}, for {len(tokens)} tokens. "
        f"Each looks most at: {', '.join(most)}. The largest share is {shown.max():.2f}.",
    )


def require_tokens(net: Network, text: str) -> tuple[Network, list[str]]:
    """Refuse a network that reads no texts; give the tokens of the text."""
    net = require_network(net)
    if not isinstance(net.preprocess, TextPreprocess) or not isinstance(text, str):
        raise TypeError(
            f"Expected a network for texts and one text, but got {net.name!r} and "
            f"{type(text).__name__}; load such a network: tl.load_network('minilm')."
        )
    return net, net.preprocess.tokens(text)


def _weights(net: Network, text: str, stage: str) -> np.ndarray:
    """Attention of a layer, shape (heads, tokens, tokens)."""
    layer: Any = net.stages[stage]
    caught: list[torch.Tensor] = []

    def catch(module: nn.Module, given: Any, gave: Any) -> None:
        if isinstance(gave, tuple):  # the weights are the last square table that it gives
            tables = [part for part in gave if isinstance(part, torch.Tensor) and part.ndim == 4]
            caught.extend(tables[-1:])

    hooks = [
        module.register_forward_hook(catch)
        for module in layer.modules()
        if hasattr(module, "config")
    ]
    config = next(m.config for m in layer.modules() if hasattr(m, "config"))
    before = config._attn_implementation
    config._attn_implementation = "eager"  # the faster ways never form the table
    try:
        with evaluating(net):
            net.run(net.preprocess([text]).to(net.device), through=stage)
    finally:
        config._attn_implementation = before
        for hook in hooks:
            hook.remove()
    return caught[0][0].cpu().numpy()
