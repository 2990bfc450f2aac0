"""The final exam: the sealed test is opened once, for one network."""

from __future__ import annotations

from dataclasses import replace

from ..networks import Network, fingerprint, require_network
from ..tasks import SealedError, Task, TaskInfo, require_task
from . import looks
from .evaluation import Evaluation, evaluate

_taken: dict[str, dict[str, Evaluation]] = {}  # by test split, then by network


def candidate(net: Network) -> str:
    """Name a network for an exam: other weights or other inputs make another candidate.

    Parameters
    ----------
    net : Network
        The network.

    Returns
    -------
    str
        The same for the same network.
    """
    return f"{fingerprint(net)} {net.preprocess}"


def seen_by(info: TaskInfo) -> set[str]:
    """Give the candidates that have sat a task's exam in this process.

    Parameters
    ----------
    info : TaskInfo
        What the task is about.

    Returns
    -------
    set of str
        Empty as long as nobody has seen the labels.
    """
    everyone = (pair for sat in _taken.values() for pair in sat.items())
    return {key for key, result in everyone if result.info.name == info.name}


def final_exam(net: Network, task: Task, *, break_seal: bool = False) -> Evaluation:
    """Score a network on the sealed test, once.

    Asked again for the same weights, it gives the same answer, so that a notebook may be run
    twice. Asked for other weights on the same test, it refuses: choosing between networks by
    their test scores makes the better score too good to be true.

    Parameters
    ----------
    net : Network
        The one that you chose, by validation.
    task : Task
        Whose test is opened. It is the same for every seed and label budget.
    break_seal : bool
        Look once more all the same; the result says so.

    Returns
    -------
    Evaluation
        As from `evaluate`; its ``note`` says how often validation was looked at before, and
        whether the seal was broken.

    Raises
    ------
    TypeError
        If `net` is no network, or `task` no task.
    SealedError
        If another network has sat this exam in this process.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-letters")
    >>> net = tl.load_network("letters-resnet")
    >>> tl.final_exam(net, task).score == tl.final_exam(net, task).score
    True
    """
    net = require_network(net)
    key = candidate(net)
    test = require_task(task).test._open_for_exam()
    sat = _taken.setdefault(task.test._identity, {})
    if key in sat:
        return sat[key]
    if sat and not break_seal:
        raise SealedError(
            f"Another network has already sat the final exam of {task.name!r}, and choosing "
            "between test scores is peeking; compare networks on task.validation. To look all "
            "the same, say so: tl.final_exam(net, task, break_seal=True)."
        )
    result = evaluate(net, test)
    notes = [looks.so_far(task.name)]
    if sat or task.test.seal_broken:
        notes.append(f"The seal was broken: this is look number {len(sat) + 1} at this test.")
    result = replace(result, note=" ".join(filter(None, notes)))
    sat[key] = result
    return result
