"""Grading beyond one machine: a Dask cluster, on which each submission is jailed where it lands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .grade import Bench, Done, Engine, Settings
from .marking import Probe, Result
from .notebook import Master

_AHEAD = 4  # submissions that wait at each thread of a worker: enough to keep it busy

_benches: dict[tuple[int, str], Bench] = {}  # in a worker, by thread and master


def elsewhere(settings: Settings) -> Engine:
    """Mark on a scheduler's workers; one that dies leaves its submissions to the others."""

    def run(master: Master, probes: list[Probe], readers: list[Callable[[], bytes]]) -> Done:
        from distributed import Client, as_completed

        with Client(settings.scheduler) as client:
            number_of: dict[Any, int] = {}

            def send(number: int) -> Any:
                data = readers[number]()
                future = client.submit(_mark, master, probes, settings, data, pure=False)
                number_of[future] = number
                return future

            threads = max(1, sum(client.nthreads().values()))
            ahead = min(len(readers), _AHEAD * threads)
            futures = as_completed([send(number) for number in range(ahead)])
            for future in futures:
                number = number_of.pop(future)
                yield number, future.result()
                if ahead < len(readers):
                    futures.add(send(ahead))
                    ahead += 1

    return run


def _mark(master: Master, probes: list[Probe], settings: Settings, data: bytes) -> Result:
    place = (threading.get_ident(), master.digest)
    if place not in _benches:
        _benches[place] = Bench(master, probes, settings)
    return _benches[place].mark(data)
