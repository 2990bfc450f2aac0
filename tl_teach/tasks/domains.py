"""Domains: one question asked of two kinds of pictures, with labels on one side only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
import torch

from ..wording import unknown
from .catalogue import _collection
from .division import divide
from .images import ArrayImages, Images
from .printed import DIGITS, GREY28
from .sentences import SENTENCES
from .solar import solar_cells
from .split import TaskInfo
from .splitting import distinct
from .target import Target, as_target
from .task import Collection, Task

_TARGET_TEST = 0.4  # share of a target that the exam keeps; no validation takes its part there


class Domains(NamedTuple):
    """Two domains of one task.

    Attributes
    ----------
    source : Task
        With labels to learn from and to choose by.
    target : Target
        Without.
    """

    source: Task
    target: Target


def load_domains(
    name: str,
    source: str,
    target: str,
    *,
    source_mix: Mapping[str, float] | None = None,
    target_mix: Mapping[str, float] | None = None,
    labels_per_class: int | None = None,
    labels: int | None = None,
    seed: int = 0,
) -> Domains:
    """Load two domains of one task: labels in the source, none in the target.

    Parameters
    ----------
    name : str
        ``"solar-cells"``, with the domains ``"mono"`` and ``"poly"`` (made of one crystal or of
        many); ``"digits"``, with ``"printed"``, ``"handwritten"`` and ``"8x8"``; or
        ``"sentence-sentiment"``, with ``"tweets"``, ``"films"``, ``"products"`` and
        ``"editorials"``.
    source, target : str
        The domain to learn from, and the one to adapt to.
    source_mix, target_mix : mapping of str to float, optional
        Share of classes by name, 0..1; classes without a share divide what is left as they do
        in the data. As many items are kept as the shares allow. By default all of them are.
    labels_per_class, labels : int, optional
        Label budget of the source; see `load_task`.
    seed : int
        Fixes the division of the source. The target is the same for every seed: another seed
        is another try at the same question, and not a new look.

    Returns
    -------
    Domains
        ``source`` is a `Task`. ``target`` has ``unlabelled`` (three fifths of its pictures, to
        adapt on) and ``test`` (the other two fifths, sealed): no label of the target can be had
        before `final_exam` or `reveal`.

    Raises
    ------
    ValueError
        If there is no such task or domain, both domains are one, or a mix does not work.
    AssetError
        If the data must be fetched and cannot be.

    References
    ----------
    Pan, Yang (2010), "A survey on transfer learning", https://doi.org/10.1109/TKDE.2009.191

    Examples
    --------
    >>> import tl_teach as tl
    >>> source, target = tl.load_domains("digits", source="printed", target="8x8")
    >>> target
    <target 'digits: 8x8': 10 classes;
     1,078 unlabelled, 719 sealed test>
    >>> target.unlabelled.targets
    Traceback (most recent call last):
    ...
    tl_teach.tasks.split.SealedError: The labels of the unlabelled part of 'digits: 8x8' are ...
    """
    if name not in DOMAINS:
        raise ValueError(unknown("task with domains", name, DOMAINS))
    for side in (source, target):
        if side not in DOMAINS[name]:
            raise ValueError(unknown(f"domain of {name!r}", side, DOMAINS[name]))
    if source == target:
        raise ValueError(
            f"{source!r} cannot be source and target at once: what the exam asks would have been "
            f"learned; give another of {', '.join(map(repr, DOMAINS[name]))} as one of the two."
        )
    theirs = replace(_domain(name, target, target_mix), held_out=_TARGET_TEST)
    return Domains(
        divide(_domain(name, source, source_mix), labels_per_class, labels, seed),
        as_target(divide(theirs)),
    )


class ChosenImages(Images):
    """Some pictures of a larger collection, in an order that tells nothing.

    Parameters
    ----------
    images : Images
        All pictures.
    chosen : numpy.ndarray
        Which of them, in order.
    """

    def __init__(self, images: Images, chosen: np.ndarray):
        self._images, self._chosen = images, chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def pixels(self, index: int) -> torch.Tensor:
        """Picture `index` as a uint8 tensor of shape (C, H, W)."""
        return self._images.pixels(int(self._chosen[index]))

    def text(self, index: int) -> str:
        """Text `index`, where the items are texts."""
        return self._images.text(int(self._chosen[index]))

    def digest(self, index: int) -> bytes:
        """SHA-256 of what picture `index` holds."""
        return self._images.digest(int(self._chosen[index]))


def _domain(name: str, side: str, mix: Mapping[str, float] | None) -> Collection:
    """Give one domain's items; a stated mix is part of its name, as of its question."""
    whole = _whole_domain(name, side)
    # Files often list one class after the other: the place in the file would tell the label.
    rng = np.random.default_rng(0)
    chosen = rng.permutation(distinct(whole.images, whole.labels)[0])
    title = f"{name}: {side}"
    if mix is not None:
        chosen = chosen[_of_mix(whole.labels[chosen], whole.info.classes, mix)]
        title += f" ({', '.join(f'{label} {share:g}' for label, share in mix.items())})"
    images = ChosenImages(whole.images, chosen)
    info = replace(whole.info, name=title)
    groups = None if whole.groups is None else whole.groups[chosen]
    return replace(whole, info=info, images=images, labels=whole.labels[chosen], groups=groups)


def _of_mix(labels: np.ndarray, classes: tuple[str, ...], mix: Mapping[str, float]) -> np.ndarray:
    """Positions of as many items as a mix of the classes allows, in the order given."""
    counts = np.bincount(labels, minlength=len(classes))
    shares = _shares(counts, classes, mix)
    wanted = shares > 0
    total = (counts[wanted] / shares[wanted]).min()
    take = np.floor(total * shares + 1e-9).astype(int)
    firsts = [np.flatnonzero(labels == label)[:count] for label, count in enumerate(take)]
    return np.sort(np.concatenate(firsts))


def _shares(counts: np.ndarray, classes: tuple[str, ...], mix: Mapping[str, float]) -> np.ndarray:
    for label in mix:
        if label not in classes:
            raise ValueError(unknown("class", label, classes))
    named = np.array([label in mix for label in classes])
    shares = np.array([float(mix.get(label, 0)) for label in classes])
    left = 1 - shares.sum()
    if shares.min() < 0 or left < -1e-9 or (named.all() and left > 1e-9):
        raise ValueError(
            f"The mix {dict(mix)} does not work: expected shares from 0 to 1 that sum to 1, or to "
            "less where classes are left out, which then divide the rest."
        )
    if not named.all():
        shares[~named] = max(left, 0) * counts[~named] / counts[~named].sum()
    return shares


@lru_cache(maxsize=8)
def _whole_domain(name: str, side: str) -> Collection:
    return DOMAINS[name][side]()


def _small_digits() -> Collection:
    """The handwritten digits of 8 x 8 pixels that scikit-learn ships.

    Returns
    -------
    Collection
        1,797 grey pictures, enlarged to the 20 x 20 pixels that a digit takes in MNIST and put
        in the middle of 28 x 28: white strokes on black, as there.
    """
    from sklearn.datasets import load_digits
    from torchvision.transforms.v2 import functional as F

    digits = load_digits()
    small = torch.from_numpy(digits.images / 16 * 255)[:, None]
    large = F.resize(small, [20, 20], antialias=False).clamp(0, 255)
    pictures = F.pad(large, [4, 4]).round().to(torch.uint8)[:, 0].numpy()
    info = TaskInfo(
        name="8x8",
        kind="classification",
        classes=tuple(DIGITS),
        positive=None,
        citation="Alpaydin, Kaynak (1998), https://doi.org/10.24432/C50P49",
        licence="CC BY 4.0",
    )
    return Collection(info, ArrayImages(pictures), digits.target.astype(np.int64), GREY28, 0.2)


DOMAINS: dict[str, dict[str, Callable[[], Collection]]] = {
    "solar-cells": {crystal: partial(solar_cells, crystal) for crystal in ("mono", "poly")},
    "sentence-sentiment": dict(SENTENCES),
    "digits": {
        "printed": lambda: _collection("printed-digits"),
        "handwritten": lambda: _collection("handwriting"),
        "8x8": _small_digits,
    },
}
"""The tasks whose pictures come from several domains, and how each is had."""
