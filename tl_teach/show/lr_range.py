"""Which learning rates are worth trying."""

from __future__ import annotations

import numpy as np

from ..learning import LrRange
from ..wording import require_kind
from .picture import ACCENT, QUIET, Picture, blank, style


def show_lr_range(result: LrRange) -> Picture:
    """Draw what a learning-rate range test saw.

    Parameters
    ----------
    result : LrRange
        From `lr_range_test`.

    Returns
    -------
    Picture
        The loss against the rate; the suggested rate is marked.

    Raises
    ------
    TypeError
        If it is no result of a range test.
    ValueError
        If it holds no step with a finite loss.

    References
    ----------
    Smith (2017), "Cyclical learning rates for training neural networks",
    https://arxiv.org/abs/1506.01186

    Examples
    --------
    >>> import tl_teach as tl
    >>> from tl_teach.learning import LrRange
    >>> result = LrRange(rates=[1e-4, 1e-3, 1e-2, 1e-1], losses=[2, 1.5, 1, 4], suggested=1e-3)
    >>> print(tl.show_lr_range(result).alt)
    Loss against the learning rate, from 0.0001 to 0.1: it begins at 2.00, is lowest at a rate of
    0.01 with 1.00, and ends at 4.00. Suggested: 0.001.
    """
    result = require_kind(
        result,
        LrRange,
        "the result of a learning-rate range test",
        "make one with tl.lr_range_test(net, task)",
    )
    rates, losses = np.array(result.rates, dtype=float), np.array(result.losses, dtype=float)
    finite = np.isfinite(losses)
    if not finite.any():
        raise ValueError("The range test holds no finite loss; begin it with a lower rate.")
    rates, losses = rates[finite], losses[finite]
    figure = blank(6.4, 3.2)
    axes = figure.add_subplot()
    style(axes, xlabel="learning rate", ylabel="training loss")
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(lambda rate, _: _plain(rate))
    axes.plot(rates, losses, color=ACCENT, linewidth=2)
    axes.axvline(result.suggested, color=QUIET, linestyle="--", linewidth=1.8)
    suggested = f"dashed: suggested rate {_plain(result.suggested)}"
    axes.set_title(suggested, fontsize=10, color=QUIET, loc="right")
    best = int(losses.argmin())
    first, last, lowest, chosen = map(_plain, (rates[0], rates[-1], rates[best], result.suggested))
    return Picture(
        figure,
        f"Loss against the learning rate, from {first} to {last}: it begins at {losses[0]:.2f}, is "
        f"lowest at a rate of {lowest} with {losses[best]:.2f}, and ends at {losses[-1]:.2f}. "
        f"Suggested: {chosen}.",
    )


def _plain(rate: float) -> str:
    """Such as 0.001 or 1e-6: without small superscripts."""
    return f"{rate:.2g}".replace("e-0", "e-")
