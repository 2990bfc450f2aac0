"""What is to be predicted of each file, as classes and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .listing import natural

# The name of a class, the names of several, or one value an output.
Label = str | frozenset[str] | tuple[float, ...]


@dataclass(frozen=True)
class Targets:
    """What is to be predicted of each file.

    Attributes
    ----------
    kind : str
        Kind of task.
    labels : mapping
        The label of each file.
    outputs : tuple of str
        Names of the outputs where the labels do not name them, as values do not.
    groups : dict or None
        What each file belongs to.
    """

    kind: str
    labels: Mapping[str, Label]
    outputs: tuple[str, ...] = ()
    groups: dict[str, str] | None = None

    def numbered(self, files: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
        """Give the classes and the labels as a `Collection` wants them.

        Parameters
        ----------
        files : sequence of str
            The files that are used, in order.

        Returns
        -------
        classes : tuple of str
            In natural order, 2 before 10; columns keep the order they were given in.
        labels : numpy.ndarray
            Class numbers, rows of 0 and 1, or rows of values.
        """
        labels = [self.labels[file] for file in files]
        if self.kind == "regression":
            return self.outputs, np.array(labels, dtype=np.float64)
        named = [{label} if isinstance(label, str) else set(map(str, label)) for label in labels]
        classes = self.outputs or tuple(sorted(set().union(*named), key=natural))
        rows = np.array([[name in names for name in classes] for names in named], dtype=np.int64)
        return classes, rows if self.kind == "multilabel" else rows.argmax(axis=1)
