"""A task: what is to be predicted, with data to learn, to choose and to be examined on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..wording import require_kind
from .images import Images
from .report import Report
from .split import SealedSplit, Split, TaskInfo
from .tokens import AnyPreprocess


@dataclass(frozen=True, eq=False)
class Collection:
    """All the items of a task, before they are divided.

    Attributes
    ----------
    info : TaskInfo
        What the task is about.
    images : Images
        The pictures, or texts.
    labels : numpy.ndarray
        One target an item, shape (N,); for several labels an item, 0 or 1 in shape (N, classes);
        for several values to predict, shape (N, outputs).
    preprocess : Preprocess or TextPreprocess
        For a network that has none of its own.
    held_out : float
        Share of the items in the validation split, and in the test split.
    groups : numpy.ndarray or None
        Which items belong together (one patient, one module), shape (N,): a group never stands
        on two sides of a division. None where the items are independent, or nothing is known.
    strata : numpy.ndarray or None
        What each part should hold alike, one number an item, shape (N,); None for the labels.
    report : Report
        What was left out already.
    """

    info: TaskInfo
    images: Images
    labels: np.ndarray
    preprocess: AnyPreprocess
    held_out: float
    groups: np.ndarray | None = None
    strata: np.ndarray | None = None
    report: Report = field(default_factory=Report)


@dataclass(frozen=True, eq=False)
class Task:
    """Data for one question, in parts that are kept apart.

    Attributes
    ----------
    info : TaskInfo
        Name, kind, classes, citation, licence.
    train : Split
        The labelled items to learn from, within the label budget.
    validation : Split
        Items to choose by: when to stop, which recipe, which setting.
    test : SealedSplit
        Items that only `final_exam` reads. They are the same for every seed, so that a new
        seed is not a new look.
    unlabelled : Split
        All pictures that may be learned from, without their labels.
    groups : numpy.ndarray or None
        The group of each picture, by its place in ``train.images``; see `Collection`.
    report : Report
        What is left out of the data, and why; it lists every file or item.
    """

    info: TaskInfo
    train: Split
    validation: Split
    test: SealedSplit
    unlabelled: Split
    groups: np.ndarray | None = None
    report: Report = field(default_factory=Report)
    _divide: Callable[..., Task] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.info.name

    @property
    def kind(self) -> str:
        """``"classification"``, ``"multilabel"`` or ``"regression"``."""
        return self.info.kind

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the target numbers."""
        return self.info.classes

    @property
    def outputs(self) -> int:
        """How many numbers a network must give for one item."""
        return len(self.info.classes)

    @property
    def metric(self) -> str:
        """What its scores are counted in: ``"accuracy"`` or ``"R2"``."""
        return self.info.metric

    @property
    def preprocess(self) -> AnyPreprocess:
        """How this task's pictures become inputs."""
        return self.train.preprocess

    @property
    def citation(self) -> str:
        """Where the data come from."""
        return self.info.citation

    @property
    def licence(self) -> str:
        """What may be done with the data."""
        return self.info.licence

    def with_labels(
        self, labels_per_class: int | None = None, seed: int = 0, *, labels: int | None = None
    ) -> Task:
        """Divide the same items anew, with another budget of labels or another seed.

        Parameters
        ----------
        labels_per_class, labels : int, optional
            The budget; all labels by default. See `load_task`.
        seed : int
            See `load_task`.

        Returns
        -------
        Task
            With the same test.

        Examples
        --------
        >>> import tl_teach as tl
        >>> len(tl.load_task("printed-digits").with_labels(3, seed=1).train)
        30
        """
        if self._divide is None:
            raise ValueError(f"{self.name!r} was not divided from a collection; load it anew.")
        return self._divide(labels_per_class, labels, seed)

    def for_network(self, net: Any) -> Task:
        """Give the same task with its inputs preprocessed for `net`.

        Parameters
        ----------
        net : Network
            Anything with a ``preprocess``.

        Returns
        -------
        Task
            A view; the items, their division and the seal are the same.
        """
        return replace(
            self,
            train=self.train.for_network(net),
            validation=self.validation.for_network(net),
            unlabelled=self.unlabelled.for_network(net),
        )

    def __repr__(self) -> str:
        what = "outputs" if self.kind == "regression" else "classes"
        return (
            f"<task {self.name!r}: {self.kind}, {self.outputs} {what};\n"
            f" {len(self.train):,} train, {len(self.validation):,} validation, "
            f"{len(self.test):,} sealed test, {len(self.unlabelled):,} unlabelled>"
        )


def require_task(task: object) -> Task:
    """Refuse what is not a task, in one sentence."""
    return require_kind(task, Task, "a task", "load one with tl.load_task(name)")
