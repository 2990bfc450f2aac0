"""Grading beyond one machine: a Dask cluster, on which each submission is jailed where it lands."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import islice

from ..wording import need
from .grade import LOST, Bench, Done, Settings
from .layouts import Submission
from .marking import Rehearsal, Result, unmarked
from .master import Master
from .slot import WarmParent

_AHEAD = 4  # submissions that wait at each thread of a worker: enough to keep it busy

# In a worker, each thread keeps a bench; all share one warm parent.
_own = threading.local()
_warm: dict[tuple[str, bool], WarmParent] = {}
_turns = threading.Lock()


def elsewhere(
    settings: Settings, warm: WarmParent, rehearsal: Rehearsal, waiting: list[Submission]
) -> Done:
    """Mark on a scheduler's workers; one that dies leaves its submissions to the others."""
    need("distributed", "distributed", "Grading on other machines")
    from distributed import Client, Future, KilledWorker, as_completed

    master, light = warm.master, replace(rehearsal, kept=b"")  # too much to send with each
    number_of: dict[Future, int] = {}
    todo = iter(range(len(waiting)))
    with Client(settings.scheduler) as client:

        def send(number: int) -> Future:
            data = waiting[number].read()
            future = client.submit(_mark, settings, master, light, data, pure=False)
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


def _mark(settings: Settings, master: Master, rehearsal: Rehearsal, data: bytes) -> Result:
    bench = getattr(_own, "bench", None)
    if bench is None or (bench.settings, bench.warm.master.digest) != (settings, master.digest):
        if bench is not None:
            bench.close()
        bench = _own.bench = Bench(settings, _warm_parent(settings, master, rehearsal), rehearsal)
    return bench.mark(data)


def _warm_parent(settings: Settings, master: Master, rehearsal: Rehearsal) -> WarmParent:
    """Give the one warm parent of this worker, made anew for another master or way of grading."""
    wanted = (master.digest, settings.isolated)
    with _turns:
        if wanted not in _warm:
            for old in [_warm.pop(key) for key in list(_warm)]:
                old.close()  # slots that are at work go on
            _warm[wanted] = WarmParent(master, settings.isolated)
            _warm[wanted].learn(rehearsal.modules)
        return _warm[wanted]
