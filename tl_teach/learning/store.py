"""Where the numbers that crossed a freeze boundary are kept: in memory, or on disk if many.

A *shelf* holds the rows of one prefix, found by the content of the picture that they belong to. So
two splits, two seeds or two chapters' cells that share pictures share rows; and a changed picture,
weight or setting simply is another row on another shelf: nothing stale can be found.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import time
import uuid
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import assets
from ..assets.partfile import STALE_SECONDS
from ..files import replace

MEMORY_BUDGET = 1 << 30
"""Bytes that all shelves in memory may take together; a larger one goes to disk."""

DISK_BUDGET = 8 << 30
"""Bytes that all shelves on disk may take together; the ones unused for longest go first."""

_SEGMENT = 64 << 20  # bytes written at a time: what a killed run can lose


class Shelf:
    """Rows of equal shape, found by the digest of a picture.

    Attributes
    ----------
    rows : dict of bytes to int
        Where each picture's row is.
    most_rows_at_once : int
        How many rows `add` wants to be given at a time.
    """

    most_rows_at_once = 1 << 62

    def __init__(self) -> None:
        self.rows: dict[bytes, int] = {}
        self._blocks: list[torch.Tensor] = []
        self._starts: list[int] = []

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return sum(block.nbytes for block in self._blocks)

    def add(self, digests: list[bytes], values: torch.Tensor) -> None:
        """Put rows on the shelf.

        Parameters
        ----------
        digests : list of bytes
            One a row.
        values : torch.Tensor
            Shape (N, ...).
        """
        start = self._starts[-1] + len(self._blocks[-1]) if self._blocks else 0
        self._blocks.append(values)
        self._starts.append(start)
        self.rows.update({digest: start + place for place, digest in enumerate(digests)})

    def take(self, rows: torch.Tensor) -> torch.Tensor:
        """Copy rows off the shelf.

        Parameters
        ----------
        rows : torch.Tensor
            Row numbers, int64, shape (n,).

        Returns
        -------
        torch.Tensor
            Shape (n, ...).
        """
        if len(self._blocks) == 1:
            return self._blocks[0][rows]
        out = torch.empty(len(rows), *self._blocks[0].shape[1:], dtype=self._blocks[0].dtype)
        block_of = torch.bucketize(rows, torch.tensor(self._starts), right=True) - 1
        for block in block_of.unique().tolist():
            here = block_of == block
            out[here] = self._blocks[block][rows[here] - self._starts[block]]
        return out


class DiskShelf(Shelf):
    """A shelf whose rows are memory-mapped files; several processes may add to one.

    Each segment is a folder with the rows, their digests and a checksum, written under another
    name and renamed when complete. What is not complete or not intact is not taken.

    Parameters
    ----------
    folder : pathlib.Path
        Belongs to one prefix.
    row_nbytes : int
        Bytes of one row.
    """

    def __init__(self, folder: Path, row_nbytes: int):
        super().__init__()
        self.folder = folder
        self.most_rows_at_once = max(1, _SEGMENT // row_nbytes)
        for part in folder.glob("*.part"):
            with contextlib.suppress(OSError):  # another process may remove it, or finish it
                if time.time() - part.stat().st_mtime > STALE_SECONDS:  # of a killed run
                    shutil.rmtree(part)
        for segment in sorted(folder.glob("*.segment")):
            self._open(segment)
        with contextlib.suppress(OSError):
            os.utime(folder)  # used now: others go first when room is needed

    def add(self, digests: list[bytes], values: torch.Tensor) -> None:
        """Write rows as one segment, whole or not at all."""
        array = values.numpy()
        name = uuid.uuid4().hex
        part = self.folder / f"{name}.part"
        try:
            part.mkdir(parents=True)
            np.save(part / "values.npy", array)
            np.save(part / "digests.npy", np.frombuffer(b"".join(digests), np.uint8))
            check = {"rows": len(digests), "crc32": zlib.crc32(array.data)}
            (part / "check.json").write_text(json.dumps(check))
            replace(part, self.folder / f"{name}.segment")
        except OSError as reason:  # NumPy says without an error number how much was written
            raise OSError(
                f"The activations cannot be kept in {str(self.folder)!r} "
                f"({reason.strerror or reason}); set TL_TEACH_CACHE to a folder that can be "
                "written and has room, or compute without: cache=False."
            ) from None
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._open(self.folder / f"{name}.segment")
        if digests[-1] not in self.rows:
            raise OSError(
                f"The activations that were written to {str(self.folder)!r} cannot be read back; "
                "set TL_TEACH_CACHE to another folder, or compute without: cache=False."
            )

    def _open(self, segment: Path) -> None:
        try:
            check = json.loads((segment / "check.json").read_text())
            values = np.load(segment / "values.npy", mmap_mode="c", allow_pickle=False)
            digests = _split(np.load(segment / "digests.npy", allow_pickle=False))
            intact = check["rows"] == len(values) == len(digests)
            if not intact or zlib.crc32(values.data) != check["crc32"]:
                raise ValueError("rows and checksum differ")
        except (FileNotFoundError, EOFError, ValueError, KeyError, TypeError):
            shutil.rmtree(segment, ignore_errors=True)  # it is computed again
            return
        except OSError:  # held by another program, too many open files, no memory: it may be good
            return
        super().add(digests, torch.from_numpy(np.asarray(values)))


class Store:
    """All shelves of this process, and those on disk that it shares with others.

    Parameters
    ----------
    folder : pathlib.Path, optional
        Where shelves on disk stand; beside the assets by default.
    """

    def __init__(self, folder: Path | None = None):
        self._folder = folder
        self._shelves: OrderedDict[str, Shelf] = OrderedDict()

    @property
    def folder(self) -> Path:
        """Where shelves on disk stand."""
        return self._folder or assets.folder() / "activations"

    def shelf(self, key: str, row_nbytes: int, digests: Sequence[bytes]) -> Shelf | None:
        """Find the shelf of a prefix, or put one up.

        Parameters
        ----------
        key : str
            Of the prefix.
        row_nbytes : int
            Bytes of one row.
        digests : sequence of bytes
            Of the pictures whose rows must fit; decides between memory and disk.

        Returns
        -------
        Shelf or None
            With the rows that are known already; None where they do not fit on the disk either.
        """
        asked = set(digests)
        nbytes = row_nbytes * len(asked)
        if nbytes > DISK_BUDGET:
            return None
        if nbytes > MEMORY_BUDGET:
            shelf: Shelf = DiskShelf(self.folder / key, row_nbytes)
            missing = row_nbytes * len(asked - shelf.rows.keys())
            if not missing or self._make_room_on_disk(missing, keep=key):
                return shelf
            del shelf  # Windows removes no file that is open
            shutil.rmtree(self.folder / key, ignore_errors=True)
            return DiskShelf(self.folder / key, row_nbytes)
        shelf = self._shelves.setdefault(key, Shelf())
        self._shelves.move_to_end(key)
        missing = row_nbytes * len(asked - shelf.rows.keys())
        while len(self._shelves) > 1 and self._held() + missing > MEMORY_BUDGET:
            self._shelves.popitem(last=False)
        if shelf.nbytes + missing > MEMORY_BUDGET:  # rows of other pictures, then
            shelf = self._shelves[key] = Shelf()
        return shelf

    def _held(self) -> int:
        return sum(shelf.nbytes for shelf in self._shelves.values())

    def on_disk(self) -> dict[str, int]:
        """Bytes of each shelf on disk, the one unused for longest first."""
        used: dict[Path, float] = {}
        for shelf in self.folder.glob("*"):
            with contextlib.suppress(OSError):  # another process may have needed the room
                if shelf.is_dir():
                    used[shelf] = shelf.stat().st_mtime
        return {shelf.name: _nbytes(shelf) for shelf in sorted(used, key=used.__getitem__)}

    def clear(self) -> None:
        """Forget everything, in memory and on disk."""
        self._shelves.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pack(self, most: int) -> bytes:
        """Give the shelves in memory as the bytes of a ``.npz``, for another process.

        Parameters
        ----------
        most : int
            Bytes of all rows and digests together; the shelves used last come first, and those that
            do not fit any more are left out.
        """
        arrays: dict[str, Any] = {}
        for key, shelf in reversed(self._shelves.items()):
            nbytes = shelf.nbytes + sum(map(len, shelf.rows))
            if shelf.rows and nbytes <= most:
                most -= nbytes
                places = torch.tensor(list(shelf.rows.values()))
                arrays[f"{key}.values"] = shelf.take(places).numpy()
                arrays[f"{key}.digests"] = np.frombuffer(b"".join(shelf.rows), np.uint8)
        packed = io.BytesIO()
        np.savez(packed, **arrays)
        return packed.getvalue()

    def unpack(self, packed: bytes) -> None:
        """Put up the shelves that `pack` gave, in place of any of the same prefix."""
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            for name in arrays.files:
                key, _, what = name.rpartition(".")
                if what == "values":
                    shelf = self._shelves[key] = Shelf()
                    digests = _split(arrays[f"{key}.digests"])
                    shelf.add(digests, torch.from_numpy(arrays[name]))

    def _make_room_on_disk(self, nbytes: int, keep: str) -> bool:
        """Remove other shelves, the ones unused for longest first; whether that was enough."""
        held = self.on_disk()
        own = held.pop(keep, 0)
        if own + nbytes > DISK_BUDGET:
            return False
        others = list(held)
        while others and own + nbytes + sum(held[key] for key in others) > DISK_BUDGET:
            shutil.rmtree(self.folder / others.pop(0), ignore_errors=True)
        return True


def _split(digests: np.ndarray) -> list[bytes]:
    flat = digests.tobytes()
    return [flat[at : at + 32] for at in range(0, len(flat), 32)]


def _nbytes(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):  # which passes over what is gone meanwhile
        for name in names:
            with contextlib.suppress(OSError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


STORE = Store()
"""The store that `fit`, `evaluate` and `extract_features` share."""
