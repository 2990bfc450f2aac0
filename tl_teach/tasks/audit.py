"""Looking for leaks: what stands on two sides of a division, and what should."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from .near import near_duplicates, small_greys
from .split import Split, TaskInfo
from .task import Task, require_task
from .tokens import reads_texts

Sides = tuple[str, str]


@dataclass(frozen=True, repr=False)
class Audit:
    """What `audit` found.

    Attributes
    ----------
    info : TaskInfo
        What the task is about; its ``caution`` is what no program can see in the data.
    counts : dict
        Items of each class in each part; for regression, items in each part.
    exact : dict
        How many pictures of two parts are equal, by the names of the parts.
    near : dict
        How many more look the same; of texts, none is looked for.
    pairs : list of tuple of int
        Those of ``train`` and ``validation``, for you to look at: ``task.train[i]`` and
        ``task.validation[j]``. What the test holds is counted and never shown.
    straddling : dict or None
        How many groups stand in two parts; None where no groups are known.
    items : str
        ``"pictures"`` or ``"texts"``.
    """

    info: TaskInfo
    counts: dict[str, dict[str, int]]
    exact: dict[Sides, int]
    near: dict[Sides, int]
    pairs: list[tuple[int, int]]
    straddling: dict[Sides, int] | None
    items: str = "pictures"

    def __repr__(self) -> str:
        lines = [f"audit of {self.info.name!r}", *_table(self.counts)]
        lines.append(f"equal {self.items} in two parts: {_words(self.exact)}")
        if self.items == "pictures":
            lines.append(f"pictures that look the same in two parts: {_words(self.near)}")
        known = "no groups are known" if self.straddling is None else _words(self.straddling)
        lines.append(f"groups in two parts: {known}")
        return "\n".join(lines + [self.info.caution] * bool(self.info.caution))


def audit(task: Task) -> Audit:
    """Look for leaks: pictures and groups that stand in two parts of a task.

    A score is honest only for pictures that nothing was learned from. `load_task` sees to it
    that no picture stands in two parts and that groups are not cut; what it cannot know is which
    different pictures show the same thing.

    Parameters
    ----------
    task : Task
        Its sealed test is looked at by this function only, and stays sealed.

    Returns
    -------
    Audit
        Counts for each pair of parts; shows itself as text.

    Raises
    ------
    TypeError
        If it is no task.

    Notes
    -----
    Pictures look the same if they are nearly so after being shrunk to 16 x 16 grey pixels, which
    finds copies that were saved anew, resized or made brighter, but not mirrored or turned ones.
    Simple pictures, such as thin digits, may look the same without being copies: a few of a
    million pairs. Of texts, only equal ones are found.

    Examples
    --------
    >>> import tl_teach as tl
    >>> found = tl.audit(tl.load_task("printed-digits", labels_per_class=20))
    >>> found.exact["train", "test"], found.counts["train"]["7"]
    (0, 20)
    """
    task = require_task(task)
    parts = {
        "train": task.train,
        "validation": task.validation,
        "test": task.test._open_for_exam(),
    }
    equal = {sides: _equal_pairs(*(parts[side] for side in sides)) for sides in _sides(parts)}
    alike = _alike_pairs(parts)
    straddling = None
    if task.groups is not None:
        groups = {role: set(task.groups[part.indices].tolist()) for role, part in parts.items()}
        straddling = {(a, b): len(groups[a] & groups[b]) for a, b in _sides(parts)}
    return Audit(
        info=task.info,
        counts={role: _counts(part) for role, part in parts.items()},
        exact={sides: len(pairs) for sides, pairs in equal.items()},
        near={sides: len(pairs - equal[sides]) for sides, pairs in alike.items()},
        pairs=sorted(equal["train", "validation"] | alike["train", "validation"]),
        straddling=straddling,
        items="texts" if reads_texts(task) else "pictures",
    )


def _sides(parts: dict[str, Split]) -> list[Sides]:
    return list(combinations(parts, 2))


def _equal_pairs(first: Split, second: Split) -> set[tuple[int, int]]:
    places: dict[bytes, list[int]] = {}
    for place, digest in enumerate(first.digests()):
        places.setdefault(digest, []).append(place)
    return {(i, j) for j, digest in enumerate(second.digests()) for i in places.get(digest, [])}


def _alike_pairs(parts: dict[str, Split]) -> dict[Sides, set[tuple[int, int]]]:
    """Find the pairs that look the same, by the two parts that they stand in."""
    found: dict[Sides, set[tuple[int, int]]] = {sides: set() for sides in _sides(parts)}
    if reads_texts(parts["train"]):
        return found
    small = small_greys(part.pixels(item) for part in parts.values() for item in range(len(part)))
    role = np.repeat(np.array(list(parts)), [len(part) for part in parts.values()])
    place = np.concatenate([np.arange(len(part)) for part in parts.values()])
    for i, j in near_duplicates(small):  # in the order of the parts, so that i is in the first
        if role[i] != role[j]:
            found[str(role[i]), str(role[j])].add((int(place[i]), int(place[j])))
    return found


def _counts(part: Split) -> dict[str, int]:
    if part.info.kind == "regression":
        return {"items": len(part)}
    if part.info.kind == "multilabel":
        numbers = part.targets.sum(0)
    else:
        numbers = torch.bincount(part.targets, minlength=len(part.classes))
    return dict(zip(part.classes, numbers.tolist(), strict=True))


def _table(counts: dict[str, dict[str, int]]) -> list[str]:
    names = list(next(iter(counts.values())))
    width = max(map(len, names))
    rows = [" " * width + "".join(f"{role:>12}" for role in counts)]
    for name in names:
        rows.append(f"{name:<{width}}" + "".join(f"{part[name]:>12,}" for part in counts.values()))
    return rows


def _words(numbers: dict[Sides, int]) -> str:
    some = [f"{count:,} in {a} and {b}" for (a, b), count in numbers.items() if count]
    return ", ".join(some) or "none"
