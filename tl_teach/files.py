"""Files are written whole or not at all."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replace", "replacing", "require_folder"]

_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds


def replace(part: Path, target: Path) -> None:
    """
    Give a finished file or folder its name, in one step, whatever had that name before.

    Windows refuses while another program looks at either of them, as a scanner does for a moment;
    there it is tried a few times more.

    Parameters
    ----------
    part, target : pathlib.Path
        The present name and the one to be had, in one folder.

    Raises
    ------
    OSError
        If it cannot be done.
    """
    for pause in _PAUSES if os.name == "nt" else ():
        try:
            os.replace(part, target)
            return
        except PermissionError:
            time.sleep(pause)
    os.replace(part, target)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    Give a name to write to; at the end what was written there takes the place of a file.

    Parameters
    ----------
    path : pathlib.Path
        The file. If writing fails or is interrupted, it stays as it was.

    Yields
    ------
    pathlib.Path
        A new name in the same folder, so that the change is one step of the file system.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "numbers.txt")
    >>> with replacing(path) as part:
    ...     _ = part.write_text("1 2 3")
    >>> path.read_text(), len(list(path.parent.iterdir()))
    ('1 2 3', 1)
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        yield temporary
        with temporary.open("r+b") as written:  # a power cut must not leave a name without content
            os.fsync(written.fileno())
        replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def require_folder(path: str | Path) -> Path:
    """
    Refuse a file whose folder is not there, before any work is done for it.

    Parameters
    ----------
    path : str or pathlib.Path
        The file that will be written.

    Returns
    -------
    pathlib.Path
        The same.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> require_folder("nowhere/net.pt")
    Traceback (most recent call last):
    ...
    FileNotFoundError: There is no folder 'nowhere' for 'net.pt'; make it first.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(path.parent)!r} for {path.name!r}; make it first."
        )
    return path
