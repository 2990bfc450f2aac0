"""A split: pictures with their targets, in the form a `DataLoader` takes; and its sealed kind."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..wording import require_kind
from .images import Images
from .tokens import AnyPreprocess, reads_texts

if TYPE_CHECKING:
    from collections.abc import Iterator


_METRICS = {"classification": "accuracy", "multilabel": "accuracy", "regression": "R2"}


class SealedError(RuntimeError):
    """Something asked to see what is sealed: a test split, or labels that are withheld."""


@dataclass(frozen=True)
class TaskInfo:
    """What the splits of one task have in common.

    Attributes
    ----------
    name : str
        Name of the task.
    kind : str
        ``"classification"``, ``"multilabel"`` or ``"regression"``.
    classes : tuple of str
        Class names in the order of the target numbers; for regression, names of the outputs.
    positive : str or None
        The class whose sensitivity matters, where the two mistakes cost differently.
    citation, licence : str
        Where the data come from, and what may be done with them.
    range : tuple of float or None
        For regression, the least and the greatest value that a target can have, where known.
    unit : str
        For regression, what the targets are counted in.
    caution : str
        What a reader of its scores must know: an overlap with what networks learn from, items
        that belong together and may stand on two sides.
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    positive: str | None
    citation: str
    licence: str
    range: tuple[float, float] | None = None
    unit: str = ""
    caution: str = ""

    @property
    def metric(self) -> str:
        """What scores are counted in: the metric that goes with the kind."""
        return _METRICS[self.kind]


@dataclass(frozen=True, eq=False)
class Split(Sequence):
    """A part of a task's data.

    ``len(split)`` is its number of items and ``split[i]`` gives ``(input, target)``, the input
    preprocessed for a network (float tensor of shape (C, H, W), or the int64 token numbers of a
    text), so that a split goes straight into a `torch.utils.data.DataLoader`. A split without
    labels gives the input alone. A slice, a list of positions or a mask gives a smaller split.

    Attributes
    ----------
    images : Images
        All pictures of the task.
    indices : numpy.ndarray
        Which of them belong to this split, in order.
    labels : torch.Tensor or None
        One target an item of this split; None where labels are withheld.
    info : TaskInfo
        What the task is about.
    role : str
        ``"train"``, ``"validation"``, ``"test"`` or ``"unlabelled"``.
    preprocess : Preprocess or TextPreprocess
        How a picture becomes an input.
    """

    images: Images
    indices: np.ndarray
    labels: torch.Tensor | None
    info: TaskInfo
    role: str
    preprocess: AnyPreprocess

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice) or np.ndim(index) == 1:  # positions, or True for each to keep
            if not isinstance(index, slice):
                index = np.asarray(index) if len(index) else []
            chosen = np.arange(len(self))[index].copy()  # torch takes no backward steps
            labels = None if self.labels is None else self.labels[chosen]
            return replace(self, indices=self.indices[chosen], labels=labels)
        if not -len(self) <= index < len(self):
            raise IndexError(f"{self!r} has no item {index}")
        image = self.preprocess(self.pixels(index))
        return image if self.labels is None else (image, self.labels[index])

    def text(self, index: int) -> str:
        """Give text `index` as it was written.

        Parameters
        ----------
        index : int
            Position in this split.

        Raises
        ------
        TypeError
            If the items are pictures.
        """
        if not reads_texts(self):
            raise TypeError(f"{self.info.name!r} has pictures, not texts; look at split.pixels(i).")
        return self.images.text(int(self.indices[index]))

    def pixels(self, index: int) -> torch.Tensor:
        """Give picture `index` as it was stored.

        Parameters
        ----------
        index : int
            Position in this split.

        Returns
        -------
        torch.Tensor
            uint8 tensor of shape (C, H, W).
        """
        return self.images.pixels(int(self.indices[index]))

    @property
    def targets(self) -> torch.Tensor:
        """All targets: class numbers as int64 or values as float32, shape (N,) or (N, outputs)."""
        if self.labels is None:
            raise SealedError(
                f"The labels of the {self.role} part of {self.info.name!r} are withheld; "
                "a method that uses this part must do without them."
            )
        return self.labels

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the target numbers."""
        return self.info.classes

    def for_network(self, net: Any) -> Split:
        """Give the same items, preprocessed for another network.

        Parameters
        ----------
        net : Network
            Anything with a ``preprocess``.

        Returns
        -------
        Split
            A view of this split; nothing is copied.

        Raises
        ------
        TypeError
            If the items are texts and the network reads pictures, or the other way round.
        """
        texts = reads_texts(self)
        if texts != reads_texts(net):
            has, reads = ("texts", "pictures") if texts else ("pictures", "texts")
            fits = "minilm" if texts else "mobilenet_v2"
            raise TypeError(
                f"The items of {self.info.name!r} are {has}, but the network reads {reads}; load "
                f"one that fits, such as tl.load_network({fits!r})."
            )
        return replace(self, preprocess=net.preprocess)

    def digests(self) -> list[bytes]:
        """Content hash of every item, in order."""
        return [self.images.digest(int(index)) for index in self.indices]

    def fingerprint(self) -> str:
        """Tell what is shown and what is asked, item by item, from any other: 64 hex digits."""
        content = hashlib.sha256(b"".join(self.digests()))
        if self.labels is not None:
            content.update(self.labels.numpy().tobytes())
        return content.hexdigest()

    def __repr__(self) -> str:
        return f"<{self.role} split of {self.info.name!r}: {len(self)} items>"


_broken: set[str] = set()  # a task that is loaded anew has the same test


class SealedSplit(Sequence):
    """A test split that nothing but the final exam reads.

    Its length may be known; its pictures and labels may not. Whoever insists calls
    `break_seal`, by name, and the exam's result will say so.

    Parameters
    ----------
    split : Split
        What is to be sealed.
    """

    def __init__(self, split: Split):
        self.__split = split

    @property
    def seal_broken(self) -> bool:
        """Whether `break_seal` was called in this process, on these items by whatever name."""
        return self._identity in _broken

    def __len__(self) -> int:
        return len(self.__split)

    def __getitem__(self, index: Any) -> Any:
        raise self._refusal()

    def __iter__(self) -> Iterator[Any]:
        raise self._refusal()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise self._refusal()

    def __repr__(self) -> str:
        return (
            f"<sealed {self.__split.role} split of {self.__split.info.name!r}: {len(self)} items>"
        )

    def break_seal(self) -> Split:
        """Open the split before the exam; the exam's result will say that this was done.

        Returns
        -------
        Split
            The test items.
        """
        _broken.add(self._identity)
        return self.__split

    @cached_property
    def _identity(self) -> str:
        return self.__split.fingerprint()  # two folders may have one name, and one two names

    def _open_for_exam(self) -> Split:
        return self.__split

    def _refusal(self) -> SealedError:
        return SealedError(
            f"The test split of {self.__split.info.name!r} is sealed: a number from it is honest "
            "only if nothing was chosen by looking at it. Use the validation split while you "
            "work and tl.final_exam(net, task) once at the end."
        )


def require_split(given: object) -> Split:
    """Refuse what is not a part of a task, holds nothing, or is sealed, in one sentence."""
    if isinstance(given, SealedSplit):
        raise given._refusal()
    split = require_kind(given, Split, "a part of a task", "give task.train or task.validation")
    if not len(split):
        raise ValueError(f"There is nothing in {split!r}; give a part that has items.")
    return split
