"""Feeds: what training and scoring ask for the numbers that cross the freeze boundary."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Protocol

import torch

from ..networks import Network
from ..tasks import Split, TextPreprocess, require_split
from ..tasks.tokens import PADDING
from .allocator import keep_freed_memory
from .lanes import lanes
from .prefix import Prefix
from .progress import progress_bar
from .store import STORE, Shelf
from .team import Team

Augment = Callable[[torch.Tensor], torch.Tensor]

_AT_A_TIME = 32  # items that pass the prefix together: enough to fill two cores, small in memory
_PIXELS = 16 * 160**2  # and at most so many pixels: there is some work for every core
_SORTED = 4096  # texts that are put in order at a time, so that few tokens wait in memory


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
        rows = self._rows[items]
        if bool((rows < 0).any()):
            raise IndexError("These items belong to another process, which alone has their values.")
        return self._shelf.take(rows)


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
    views: int = 1,
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
    views : int
        How many items follow each other that show one picture.
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
    shelf = STORE.shelf(prefix.key, row, digests)
    if shelf is None:
        warnings.warn(
            f"What {len(split):,} items give at the freeze boundary would take "
            f"{len(split) * row / 1e9:,.0f} GB, more than is kept on disk, so the frozen stages "
            "run in every epoch; freeze more stages or take smaller pictures, or say that you "
            "know: cache=False.",
            stacklevel=2,
        )
        return live
    everything = torch.arange(len(split))
    mine = (everything if team is None else team.share(everything, views)).tolist()
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
    texts = isinstance(split.preprocess, TextPreprocess)
    reading = Lock()  # collections of pictures need not bear two readers, nor can random views

    def look(items: torch.Tensor) -> torch.Tensor:
        with reading:
            batch = inputs(split, items)
        return read(batch)

    def read(batch: torch.Tensor) -> torch.Tensor:
        return prefix(batch).cpu()

    with (
        progress_bar(len(missing), title, "texts" if texts else "pictures", shown) as bar,
        lanes(_side_by_side(prefix)) as each,
    ):
        at_a_time = _at_a_time(split, prefix.net.device)
        most = min(shelf.most_rows_at_once, _SORTED) if texts else shelf.most_rows_at_once
        for group in torch.tensor(missing).split(most):
            if texts:
                group, numbers = _by_length(split, group)
                done = each(read, numbers.split(at_a_time))
            else:
                done = each(look, group.split(at_a_time))
            rows, block = 0, torch.empty(0)
            try:
                for values in done:
                    if not rows:
                        block = torch.empty(len(group), *values.shape[1:], dtype=values.dtype)
                    block[rows : rows + len(values)] = values
                    rows += len(values)
                    bar.update(len(values))
            finally:  # whoever interrupts keeps what is done
                if rows:
                    shelf.add([digests[item] for item in group[:rows].tolist()], block[:rows])


def _side_by_side(prefix: Prefix) -> int:
    """How many batches are computed at once. A graphics card wants them one after the other."""
    alone = prefix.exact or prefix.net.device.type != "cpu"
    return 1 if alone else torch.get_num_threads()


def _at_a_time(split: Split, device: torch.device) -> int:
    """How many items make a batch that is computed soonest."""
    if isinstance(split.preprocess, TextPreprocess) or device.type != "cpu":
        return _AT_A_TIME
    _, height, width = split.preprocess.shape
    return max(2, min(_AT_A_TIME, _PIXELS // (height * width)))


def _by_length(split: Split, items: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Read texts, and put the longest first: a batch costs as much as its longest text.

    The longest come first so that cores which work side by side end nearly together.
    """
    numbers = inputs(split, items)
    lengths = (numbers != PADDING).sum(1)
    order = lengths.argsort(descending=True, stable=True)
    return items[order], numbers[order]


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
