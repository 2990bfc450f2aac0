"""Grading beyond one machine: a Dask cluster, on which each submission is jailed where it lands."""

from __future__ import annotations

import threading
from itertools import islice

from .grade import LOST, Bench, Done, Settings
from .layouts import Submission
from .marking import Probe, Result, unmarked
from .master import Master

_AHEAD = 4  # submissions that wait at each thread of a worker: enough to keep it busy

_benches: dict[tuple[int, str], Bench] = {}  # in a worker, by thread and master


def elsewhere(
    settings: Settings, master: Master, probes: list[Probe], waiting: list[Submission]
) -> Done:
    """Mark on a scheduler's workers; one that dies leaves its submissions to the others."""
    from distributed import Client, Future, KilledWorker, as_completed

    number_of: dict[Future, int] = {}
    todo = iter(range(len(waiting)))
    with Client(settings.scheduler) as client:

        def send(number: int) -> Future:
            data = waiting[number].read()
            future = client.submit(_mark, settings, master, probes, data, pure=False)
            number_of[future] = number
            return future

        ahead = _AHEAD * max(1, sum(client.nthreads().values()))
        futures = as_completed([send(number) for number in islice(todo, ahead)])
        for future in futures:
            lost = isinstance(future.exception(), KilledWorker)  # it took several workers along
            result = unmarked(master, ended=LOST) if lost else future.result()
            yield number_of.pop(future), result
            for number in islice(todo, 1):
                futures.add(send(number))


def _mark(settings: Settings, master: Master, probes: list[Probe], data: bytes) -> Result:
    place = (threading.get_ident(), master.digest)
    if place not in _benches:
        _benches[place] = Bench(settings, master, probes)
    return _benches[place].mark(data)
