"""Feeds: what training and scoring ask for the numbers that cross the freeze boundary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Protocol

import torch

from ..networks import Network
from ..tasks import Split, TextPreprocess, require_split
from .allocator import keep_freed_memory
from .lanes import lanes
from .prefix import Prefix
from .progress import progress_bar
from .store import STORE, Shelf
from .team import Team

Augment = Callable[[torch.Tensor], torch.Tensor]

_AT_A_TIME = 32  # items that pass the prefix together: enough to fill two cores, small in memory
_PIXELS = 16 * 160**2  # and at most so many pixels: there is some work for every core


class Feed(Protocol):
    """Gives, for chosen items of a split, what crosses the freeze boundary."""

    prefix: Prefix

    def __len__(self) -> int: ...

    def __call__(self, items: torch.Tensor) -> torch.Tensor:
        """Numbers for ``prefix.rest``, shape (len(items), ...)."""


class KeptFeed:
    """Looks up what was computed once.

    Parameters
    ----------
    prefix : Prefix
        Whose numbers these are.
    shelf : Shelf
        Where they are kept.
    rows : torch.Tensor
        The row of each item on the shelf.
    """

    def __init__(self, prefix: Prefix, shelf: Shelf, rows: torch.Tensor):
        self.prefix, self._shelf, self._rows = prefix, shelf, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __call__(self, items: torch.Tensor) -> torch.Tensor:
        """Look the items' rows up."""
        return self._shelf.take(self._rows[items])


class LiveFeed:
    """Computes anew, each time it is asked, what crosses the boundary.

    Parameters
    ----------
    prefix : Prefix
        Is run for each batch.
    split : Split
        Where the pictures come from.
    augment : callable, optional
        Changes a uint8 picture of shape (C, H, W) at random.
    """

    def __init__(self, prefix: Prefix, split: Split, augment: Augment | None = None):
        self.prefix, self._split, self._augment = prefix, split, augment

    def __len__(self) -> int:
        return len(self._split)

    def __call__(self, items: torch.Tensor) -> torch.Tensor:
        """Read, augment and preprocess the pictures, then run the prefix."""
        return self.prefix(inputs(self._split, items, self._augment))


def feed(
    net: Network,
    split: Split,
    *,
    augment: Augment | None = None,
    cache: bool = True,
    exact: bool = False,
    through: str | None = None,
    reduce: bool = True,
    pool: bool = False,
    team: Team | None = None,
    progress: bool = True,
) -> Feed:
    """Prepare what crosses the freeze boundary for one split.

    Parameters
    ----------
    net : Network
        The network.
    split : Split
        Preprocessed for `net`.
    augment : callable, optional
        Random changes of the pictures; nothing can be kept then.
    cache : bool
        Keep what is computed.
    exact : bool
        See `Prefix`.
    through : str, optional
        Cut after this stage; at the freeze boundary by default.
    reduce, pool : bool
        See `Prefix`.
    team : Team, optional
        Compute and keep this process's share of the items only; the others cannot be asked for.
    progress : bool
        Show a progress bar when it takes longer than two seconds; of a team, one process does.

    Returns
    -------
    Feed
        A `KeptFeed` whose missing rows have been computed, or a `LiveFeed`.
    """
    keep_freed_memory()
    split = require_split(split)
    stage = net.frozen_through if through is None else through
    prefix = Prefix(net, stage, exact=exact, reduce=reduce, pool=pool)
    live = LiveFeed(prefix, split, augment)
    if augment is not None or not cache or prefix.is_changed:
        return live
    digests = split.digests()
    row = live(torch.arange(1)).nbytes
    shelf = STORE.shelf(prefix.key, row, len(split))
    everything = torch.arange(len(split))
    mine = (everything if team is None else team.share(everything)).tolist()
    unknown = {digests[item]: item for item in mine if digests[item] not in shelf.rows}
    if unknown:
        shown = progress and (team is None or team.rank == 0)
        _fill(shelf, prefix, split, list(unknown.values()), digests, shown)
    rows = torch.full((len(split),), -1)
    rows[mine] = torch.tensor([shelf.rows[digests[item]] for item in mine])
    return KeptFeed(prefix, shelf, rows)


def inputs(split: Split, items: torch.Tensor, augment: Augment | None = None) -> torch.Tensor:
    """Read and preprocess some pictures of a split.

    Parameters
    ----------
    split : Split
        Where they come from.
    items : torch.Tensor
        Their positions.
    augment : callable, optional
        Changes each picture before it is preprocessed.

    Returns
    -------
    torch.Tensor
        Shape (len(items), C, H, W); (len(items), tokens) for texts.
    """
    pictures = [split.pixels(int(item)) for item in items]
    if augment is not None:
        pictures = [augmented(augment, picture) for picture in pictures]
    if len({picture.shape for picture in pictures}) == 1:  # a batch costs little more than one
        return split.preprocess(torch.stack(pictures))
    return torch.stack([split.preprocess(picture) for picture in pictures])


def augmented(augment: Augment, picture: torch.Tensor) -> torch.Tensor:
    """Change a picture at random, and refuse what is none afterwards."""
    changed = augment(picture)
    if not isinstance(changed, torch.Tensor) or changed.ndim != 3:
        what = f"a tensor of shape {tuple(changed.shape)}" if hasattr(changed, "ndim") else changed
        raise TypeError(
            f"The function given as augment gave {what!r}; expected a picture as it got one: a "
            "tensor of shape (C, H, W)."
        )
    return changed


def _fill(
    shelf: Shelf,
    prefix: Prefix,
    split: Split,
    missing: list[int],
    digests: list[bytes],
    shown: bool,
) -> None:
    """Compute the missing rows, a batch on each core; one reads while the others work."""
    known = len(digests) - len(missing)
    title = f"frozen part, {known} of {len(digests)} known"
    unit = "texts" if isinstance(split.preprocess, TextPreprocess) else "pictures"
    reading = Lock()  # collections of pictures need not bear two readers, nor can random views

    def compute(items: torch.Tensor) -> torch.Tensor:
        with reading:
            batch = inputs(split, items)
        return prefix(batch).cpu()

    with (
        progress_bar(len(missing), title, unit, shown) as bar,
        lanes(1 if prefix.exact else torch.get_num_threads()) as each,
    ):
        order = torch.tensor(_by_length(split, missing))
        at_a_time = _at_a_time(split, prefix.net.device)
        for group in order.split(shelf.most_rows_at_once):
            rows, block = 0, torch.empty(0)
            for values in each(compute, group.split(at_a_time)):
                if not rows:
                    block = torch.empty(len(group), *values.shape[1:], dtype=values.dtype)
                block[rows : rows + len(values)] = values
                rows += len(values)
                bar.update(len(values))
            shelf.add([digests[item] for item in group.tolist()], block)


def _at_a_time(split: Split, device: torch.device) -> int:
    """How many items make a batch that is computed soonest."""
    if isinstance(split.preprocess, TextPreprocess) or device.type != "cpu":
        return _AT_A_TIME
    _, height, width = split.preprocess.shape
    return max(2, min(_AT_A_TIME, _PIXELS // (height * width)))


def _by_length(split: Split, items: list[int]) -> list[int]:
    """Put texts of like length together: a batch costs as much as its longest text."""
    if not isinstance(split.preprocess, TextPreprocess):
        return items
    return sorted(items, key=lambda item: len(split.text(item)))


def chunks(count: int, size: int) -> Iterator[torch.Tensor]:
    """Divide ``range(count)`` into pieces of at most `size`.

    Parameters
    ----------
    count, size : int
        How many, and how many at a time.

    Yields
    ------
    torch.Tensor
        Item numbers.
    """
    yield from torch.arange(count).split(size)
