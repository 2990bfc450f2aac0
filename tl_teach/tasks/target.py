"""A target: pictures without labels, and a sealed test that has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from .report import Report
from .split import SealedError, SealedSplit, Split, TaskInfo
from .task import Task, require_task
from .tokens import AnyPreprocess


class Target(Task):
    """A domain to adapt to: pictures without labels, and a sealed test.

    It is a task for whatever asks no labels of it (`final_exam`, `replace_head`). It has no
    labelled part: asking for ``train`` or ``validation`` raises `SealedError`.

    Parameters
    ----------
    info : TaskInfo
        What the task is about.
    test : SealedSplit
        Pictures and labels for the exam.
    unlabelled : Split
        Pictures to adapt on, none of them in the test.
    report : Report, optional
        What is left out of the data.
    """

    def __init__(
        self, info: TaskInfo, test: SealedSplit, unlabelled: Split, report: Report | None = None
    ):
        parts = {"info": info, "test": test, "unlabelled": unlabelled, "report": report or Report()}
        for name, value in parts.items():
            object.__setattr__(self, name, value)  # a task does not change once it is made

    @property
    def train(self) -> NoReturn:
        """Not there: a target has no labels to learn from."""
        raise self._refusal("training")

    @property
    def validation(self) -> NoReturn:
        """Not there: a target has no labels to choose by."""
        raise self._refusal("validation")

    @property
    def preprocess(self) -> AnyPreprocess:
        """How the pictures become inputs."""
        return self.unlabelled.preprocess

    def for_network(self, net: Any) -> Target:
        """Give the same target with its inputs preprocessed for `net`.

        Parameters
        ----------
        net : Network
            Anything with a ``preprocess``.

        Returns
        -------
        Target
            A view; the seal is the same.
        """
        return Target(self.info, self.test, self.unlabelled.for_network(net), self.report)

    def _refusal(self, part: str) -> SealedError:
        return SealedError(
            f"The target {self.name!r} has no {part} part, since nobody may learn from or choose "
            "by its labels; adapt on target.unlabelled, and see the truth at the end with "
            "tl.reveal(nets, target)."
        )

    def __repr__(self) -> str:
        return (
            f"<target {self.name!r}: {len(self.classes)} classes;\n"
            f" {len(self.unlabelled):,} unlabelled, {len(self.test):,} sealed test>"
        )


def as_target(task: Task) -> Target:
    """Hide a task's labels, so that it becomes a target to adapt to.

    Parameters
    ----------
    task : Task
        Left as it is.

    Returns
    -------
    Target
        All pictures outside the test are unlabelled now; the test is the task's own.

    Raises
    ------
    TypeError
        If it is no task.

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits")
    >>> target = tl.as_target(tl.shift(task, "blur"))
    >>> len(target.unlabelled) == len(task.train) + len(task.validation)
    True
    """
    task = require_task(task)
    if isinstance(task, Target):
        return task
    every = np.concatenate([task.unlabelled.indices, task.validation.indices])
    return Target(task.info, task.test, replace(task.unlabelled, indices=every), task.report)
