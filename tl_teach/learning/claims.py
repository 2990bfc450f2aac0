"""Claims: what a chapter says in words, checked by the run that the words are about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..wording import say


class ClaimError(AssertionError):
    """What was claimed did not happen in this run."""


def claim(
    text: str,
    value: float | Sequence[float],
    *,
    above: float | None = None,
    below: float | None = None,
) -> None:
    """Check a claim against a number that was just measured, and print both.

    Parameters
    ----------
    text : str
        What is claimed, as a sentence.
    value : float or sequence of float
        What was measured; of several values (one a seed) each must lie in the band.
    above, below : float, optional
        The band. It holds over seeds, thread counts and processors, so it is wider than one
        run's last digit.

    Raises
    ------
    ClaimError
        If a value lies outside the band, or is not a number.
    ValueError
        If no band is given.

    Examples
    --------
    >>> claim("frozen features win at 5 labels per class", 0.41, above=0.2)
    ✓ frozen features win at 5 labels per class: 0.41 (claimed: above 0.2)
    """
    if above is None and below is None:
        raise ValueError(f"The claim {text!r} needs a band: give above=, below= or both.")
    values = np.atleast_1d(np.asarray(value, dtype=float))
    low = -np.inf if above is None else above
    high = np.inf if below is None else below
    holds = bool(((low < values) & (values < high)).all()) and values.size > 0
    band = " and ".join(
        f"{word} {end:g}" for word, end in (("above", above), ("below", below)) if end is not None
    )
    measured = ", ".join(f"{one:.2f}" for one in values)
    if not holds:
        raise ClaimError(f"✗ {text}: {measured} (claimed: {band})")
    say(f"✓ {text}: {measured} (claimed: {band})")
