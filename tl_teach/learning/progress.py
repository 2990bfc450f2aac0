"""Progress bars: one look, and one place where they can be hidden."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tqdm import tqdm

_hidden: ContextVar[tuple[str, ...]] = ContextVar("hidden", default=())


def progress_bar(total: int, what: str, unit: str, shown: bool = True) -> tqdm:
    """Make a bar that appears after two seconds, unless the reader's TQDM_DISABLE forbids it.

    Parameters
    ----------
    total : int
        How many units there are.
    what, unit : str
        What goes on, and what is counted.
    shown : bool
        Whether it may appear.

    Returns
    -------
    tqdm.tqdm
        To be used in a ``with`` statement; gone afterwards.
    """
    shown = shown and not what.startswith(_hidden.get())
    hidden = {} if shown else {"disable": True}  # not False, which would overrule the reader
    return tqdm(total=total, desc=what, unit=f" {unit}", delay=2, leave=False, **hidden)


@contextmanager
def without_bars(*beginnings: str) -> Iterator[None]:
    """Hide bars for a while, whoever makes them.

    Parameters
    ----------
    *beginnings : str
        With what the names of those that are hidden begin; all are where nothing is given.
    """
    before = _hidden.set((*_hidden.get(), *(beginnings or ("",))))
    try:
        yield
    finally:
        _hidden.reset(before)
