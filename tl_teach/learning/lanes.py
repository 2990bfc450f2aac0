"""Lanes: batches that are computed side by side, each by cores of its own.

Cores that share a batch wait for each other at the end of every layer, and where one of them is
busy otherwise, with reading the next pictures, all wait for it. In lanes nobody waits for anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

MOST = 8
"""Lanes, at most: each holds the feature maps of a batch."""


@contextmanager
def lanes(cores: int) -> Iterator[Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]]:
    """Open lanes for as long as the ``with`` lasts.

    Parameters
    ----------
    cores : int
        To be shared out. With one, all is done in the caller's own thread.

    Yields
    ------
    callable
        Works like `map`, on a list that is known in advance: results come in its order.

    Examples
    --------
    >>> with lanes(2) as each:
    ...     list(each(lambda x: x * x, [1, 2, 3]))
    [1, 4, 9]
    """
    if cores < 2:
        yield map
        return
    threads, count = torch.get_num_threads(), min(cores, MOST)

    def take_cores() -> None:
        torch.get_num_threads()  # PyTorch gives a thread its default when it first asks: before
        torch.set_num_threads(cores // count)

    pool = ThreadPoolExecutor(count, "lane", take_cores)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # as seen by threads that start from here on
