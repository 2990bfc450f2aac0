"""A file on its way into the cache, which is kept whole and right or not at all."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from ..files import replace

# A download that has written nothing for so long was killed: it would have timed out long before.
# A day, since the clock of a shared disk may be hours off.
STALE_SECONDS = 24 * 3600


class AssetError(RuntimeError):
    """An asset cannot be had; the message says what was tried and what the reader can do."""


class Refused(Exception):
    """One mirror does not have the right bytes; the next is tried."""


class PartFile:
    """
    A temporary file in the cache's own folder, bounded in size and removed unless kept.

    Parameters
    ----------
    folder : Path
        Folder that the finished file will stand in, so that the last step is a rename.
    filename : str
        Name of the finished file.
    size : int
        Its size in bytes; a longer one is refused as soon as it is longer.
    sha256 : str
        Its checksum, or the first digits of it.
    slack : int
        Bytes by which the size may differ.

    Examples
    --------
    >>> import hashlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with PartFile(Path(folder), "a.txt", 5, hashlib.sha256(b"hello").hexdigest()) as part:
    ...         _ = part.write(b"hello")
    ...         part.keep()
    ...     os.listdir(folder)
    ['a.txt']
    """

    def __init__(self, folder: Path, filename: str, size: int, sha256: str, slack: int = 0) -> None:
        self.folder, self.filename, self.size, self.sha256 = folder, filename, size, sha256
        self.slack = slack
        # A name of its own for every process; open() rather than tempfile, whose files only their
        # owner may read: a class may share one cache.
        self.path = folder / f"{filename}.{uuid.uuid4().hex}.part"
        self.written = 0

    def __enter__(self) -> PartFile:
        with self._storing():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb")
        return self

    def __exit__(self, *error: object) -> None:
        # A full disk refuses the last buffer once more; the descriptor is closed all the same.
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):  # it was kept; or Windows holds it: swept later
            self.path.unlink()

    def write(self, chunk: bytes) -> int:
        """Append `chunk`; `Refused` when the file grows too long, `AssetError` on a full disk."""
        self.written += len(chunk)
        if self.written > self.size + self.slack:
            raise Refused(f"more than the expected {self.size} bytes")
        with self._storing():
            return self._file.write(chunk)

    def restart(self) -> None:
        """Forget what was written, for a server that sends the whole file again."""
        with self._storing():
            self._file.seek(0)
            self._file.truncate()
        self.written = 0

    def flush(self) -> None:
        """Do nothing: `check` flushes once, not after every chunk."""

    def check(self) -> None:
        """Finish writing; `Refused` unless size and checksum are right."""
        with self._storing():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        if self.written < self.size - self.slack:
            raise Refused(f"only {self.written} of {self.size} bytes")
        if not file_sha256(self.path).startswith(self.sha256):
            raise Refused("the checksum differs")

    def keep(self) -> None:
        """Check the file, then give it its name in one step."""
        self.check()
        target = self.folder / self.filename
        with self._storing():
            try:
                replace(self.path, target)
            except PermissionError:
                # Windows does not replace a file that a faster process has put there and opened.
                if not has_size(target, self.size, self.slack):
                    raise

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        """Tell a cache that cannot be written (hopeless) from a mirror that cannot be read."""
        try:
            yield
        except OSError as error:
            raise AssetError(
                f"Cannot store {self.filename} ({self.size / 1e6:.1f} MB) in {self.folder} "
                f"({error.strerror}); make room there or set TL_TEACH_CACHE to another folder."
            ) from error


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    import pooch

    return str(pooch.file_hash(str(path), alg="sha256"))


def has_size(path: Path, size: int, slack: int = 0) -> bool:
    """Whether `path` is a file of `size` bytes, but for `slack`."""
    return os.path.isfile(path) and abs(os.path.getsize(path) - size) <= slack


def sweep(folder: Path) -> None:
    """Remove what killed downloads have left in `folder`, but nothing that may still be written."""
    for part in folder.glob("*.part"):
        # Another process may sweep it at the same moment, or have it open (Windows).
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE_SECONDS:
                part.unlink()
