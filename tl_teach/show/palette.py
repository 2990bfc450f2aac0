"""Colours and shapes for what is no role of a stage: classes, and recipes without a role.

The first eight are those of Okabe and Ito (the book's ink for their black), chosen so that people
with the common kinds of colour blindness tell them apart; each has a shape of its own as well.
"""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """A colour and a shape, in Matplotlib's terms."""

    colour: str
    marker: str


_COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#56b4e9",
    "#1c2126",
    "#f0e442",
    "#8f8f8f",
    "#7a4a21",
)
_MARKERS = "os^DvPX*<p"


def look(number: int) -> Look:
    """Give class `number` its look; the first hundred all differ, the first ten in both ways.

    Parameters
    ----------
    number : int
        From 0.

    Returns
    -------
    Look
        A colour and a shape.

    Examples
    --------
    >>> look(1)
    Look(colour='#e69f00', marker='s')
    >>> look(1) == look(11)
    False
    """
    turn, place = divmod(number, len(_COLOURS))
    return Look(_COLOURS[place], _MARKERS[(place + turn) % len(_MARKERS)])
