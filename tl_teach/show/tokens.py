"""Which tokens of a text an answer hangs on."""

from __future__ import annotations

import torch

from ..learning.predicting import evaluating, shares
from ..networks import Network
from ..tasks.tokens import PADDING
from ..wording import unknown
from .attention import require_tokens
from .palette import look
from .picture import INK, Picture, blank, style


def show_token_importance(net: Network, text: str, target: str | None = None) -> Picture:
    """Leave out each token of a text in turn, and draw how the answer changes.

    Parameters
    ----------
    net : Network
        For texts, with a head for classes or values. Left as it is.
    text : str
        One text.
    target : str, optional
        The class whose probability, or the output whose value, is watched; by default the class
        that the network answers, or the first output.

    Returns
    -------
    Picture
        A bar a token: how far the answer falls without it. A bar to the left says that it rises.

    Raises
    ------
    ValueError
        If there is no such class, or the text has no token.
    TypeError
        If the network reads no texts.

    Notes
    -----
    The shortened text is one that nobody wrote, and two tokens that say the same can both seem
    unimportant.

    References
    ----------
    Li, Monroe, Jurafsky (2016), "Understanding neural networks through representation erasure",
    https://arxiv.org/abs/1612.08220

    Examples
    --------
    >>> import tl_teach as tl
    >>> net = tl.replace_head(tl.load_network("minilm"), 2)  # doctest: +SKIP
    >>> tl.show_token_importance(net, "what a good day")  # doctest: +SKIP
    """
    net, tokens = require_tokens(net, text)
    if target is not None and target not in net.classes:
        raise ValueError(unknown(f"output of {net.name!r}", target, net.classes))
    marks = net.preprocess.tokens("")
    places = [place for place, token in enumerate(tokens) if token not in marks]
    if not places:
        raise ValueError(f"The text {text!r} has no token to leave out; give a longer one.")
    numbers = net.preprocess(text)
    gap = torch.tensor([PADDING])
    without = [torch.cat([numbers[:place], numbers[place + 1 :], gap]) for place in places]
    with evaluating(net):
        outputs = net(torch.stack([numbers, *without]).to(net.device)).cpu()
    outputs = shares(outputs, net.kind)
    likeliest = int(outputs[0].argmax()) if net.kind == "classification" else 0
    chosen = likeliest if target is None else net.classes.index(target)
    answer = float(outputs[0, chosen])
    falls = (answer - outputs[1:, chosen]).tolist()
    what = "value" if net.kind == "regression" else "probability"
    name = net.classes[chosen]

    figure = blank(6.4, 0.27 * len(places) + 0.9)
    axes = figure.add_subplot()
    style(axes, xlabel=f"how far the {what} of {name!r}, {answer:.2f}, falls without the token")
    rows = range(len(places))
    axes.barh(rows, falls, color=[look(0 if fall >= 0 else 3).colour for fall in falls])
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_yticks(rows, [tokens[place] for place in places], fontsize=10, color=INK)
    axes.set_ylim(len(places) - 0.4, -0.6)
    order = sorted(rows, key=lambda row: -abs(falls[row]))[:3]
    listed = ", ".join(f"{tokens[places[row]]} {falls[row]:+.2f}" for row in order)
    return Picture(
        figure,
        f"The {what} of {name} is {answer:.2f} for this text of {len(places)} tokens. Without one "
        f"token it falls by: {listed} (the three that matter most; a minus says that it rises).",
    )
