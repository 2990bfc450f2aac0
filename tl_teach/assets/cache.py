"""The local cache: find an asset there, fetch it when it is missing, verify what is there."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from ..wording import unknown
from .entries import Asset, catalogue
from .mirrors import Download, Folder, Installed, Mirror, Wheel, reason
from .partfile import AssetError, PartFile, Refused, file_sha256, has_size, sweep


@dataclass(frozen=True)
class Status:
    """
    Whether an asset is in the cache.

    Parameters
    ----------
    asset : Asset
        The catalogue's entry.
    path : Path
        Where it stands, or would stand, in the cache.
    present : bool
        Whether a file of the right size stands there; `verify` compares the checksum too.
    source : str
        The mirror that would be asked first.
    """

    asset: Asset
    path: Path
    present: bool
    source: str


def folder() -> Path:
    """
    Folder that assets are kept in.

    Returns
    -------
    Path
        ``TL_TEACH_CACHE`` if it is set, else the user's cache folder for ``tl-teach``.

    Raises
    ------
    AssetError
        If the user has no home folder, and none is set.

    Examples
    --------
    >>> folder().name  # doctest: +SKIP
    'tl-teach'
    >>> folder().is_absolute()
    True
    """
    import pooch

    try:
        return _chosen("TL_TEACH_CACHE") or Path(pooch.os_cache("tl-teach"))
    except RuntimeError as error:  # a user without a home
        raise AssetError(
            f"Cannot find a folder for the cache ({error}); set TL_TEACH_CACHE to one."
        ) from None


def mirror() -> Path | None:
    """
    Folder that is asked for assets before anything else.

    Returns
    -------
    Path or None
        ``TL_TEACH_MIRROR``, if it is set.

    Raises
    ------
    AssetError
        If it begins with the home of a user who has none.
    """
    try:
        return _chosen("TL_TEACH_MIRROR")
    except RuntimeError as error:
        raise AssetError(
            f"Cannot find the mirror ({error}); set TL_TEACH_MIRROR to another folder."
        ) from None


def _chosen(variable: str) -> Path | None:
    named = os.environ.get(variable)
    return _absolute(named) if named else None


@functools.cache  # once: a notebook may go to another folder later
def _absolute(named: str) -> Path:
    return Path(named).expanduser().absolute()


def path(name: str | Asset) -> Path:
    """
    Local path of an asset, fetched on first use.

    Every mirror is asked once, in order: the folder in ``TL_TEACH_MIRROR``, then those of the
    catalogue. Bytes with another size or checksum are refused and the next mirror is asked. The
    file gets its name only when it is complete, so that a killed process leaves no half asset, and
    processes that fetch the same asset at the same time do not disturb each other. Later uses
    compare only the size, which takes no time; `verify` reads the whole file.

    Parameters
    ----------
    name : str or Asset
        A name in the `catalogue`, or an asset that stands in none.

    Returns
    -------
    Path
        A complete file with the catalogue's checksum.

    Raises
    ------
    ValueError
        When no asset has that name.
    AssetError
        When no mirror could give the right bytes, or the cache cannot hold them.

    Examples
    --------
    >>> path("mnist-5k").name  # doctest: +SKIP
    'mnist_5k.csv.gz'
    >>> path("mnist5k")
    Traceback (most recent call last):
    ValueError: There is no asset named 'mnist5k'; ... did you mean 'mnist-5k'?
    """
    asset = _asset(name)
    target = folder() / asset.filename
    if present(asset):
        return target
    sweep(target.parent)
    tried = []
    for mirror in _mirrors(asset):
        try:
            facts = (asset.filename, asset.size, asset.sha256, asset.slack)
            with PartFile(target.parent, *facts) as part:
                mirror.write_to(part)
                part.keep()
            return target
        except (Refused, OSError) as error:
            tried.append(f"{mirror} ({reason(error)})")
    raise AssetError(
        f"Cannot get {asset.filename} ({asset.title}, {asset.size / 1e6:.1f} MB): "
        f"tried {', then '.join(tried)}; {_advice(asset)}."
    )


def verify(name: str) -> Path:
    """
    Compare an asset in the cache with its checksum, and remove it when it differs.

    Parameters
    ----------
    name : str
        A name in the `catalogue`.

    Returns
    -------
    Path
        The file, which is what the catalogue says.

    Raises
    ------
    ValueError
        When no asset has that name.
    AssetError
        When the asset is not in the cache, or was damaged there (it is then removed).

    Examples
    --------
    >>> catalogue["mnist-5k"].sha256[:8]
    '846f6cad'
    >>> verify("mnist-5k").name  # doctest: +SKIP
    'mnist_5k.csv.gz'
    """
    asset = _asset(name)
    target = folder() / asset.filename
    get_it = f"`tl-teach assets fetch {name}` gets it"
    if not os.path.isfile(target):
        raise AssetError(f"{asset.filename} is not in {target.parent}; {get_it}.")
    try:
        if present(asset) and file_sha256(target).startswith(asset.sha256):
            return target
        target.unlink()
    except OSError as error:
        raise AssetError(f"Cannot verify {target} ({error.strerror}).") from error
    raise AssetError(
        f"{asset.filename} in {target.parent} was damaged and has been removed; {get_it} again."
    )


def status() -> list[Status]:
    """
    List every asset with whether it is in the cache; nothing is fetched.

    Returns
    -------
    list of Status
        In the catalogue's order.

    Examples
    --------
    >>> [entry.asset.name for entry in status()]
    ['mobilenet_v2-imagenet', 'elpv-dataset', ...'mnist-5k', ...]
    """
    return [
        Status(asset, folder() / asset.filename, present(asset), _source(asset))
        for asset in catalogue.values()
    ]


def present(asset: Asset) -> bool:
    """Whether a file of the right size stands in the cache; nothing is read or fetched."""
    return has_size(folder() / asset.filename, asset.size, asset.slack)


def _asset(name: str | Asset) -> Asset:
    if isinstance(name, Asset):
        return name
    if name not in catalogue:
        raise ValueError(unknown("asset", name, catalogue))
    return catalogue[name]


def _mirrors(asset: Asset) -> tuple[Mirror, ...]:
    chosen = mirror()
    if chosen is None:
        return asset.mirrors
    wheels = tuple(mirror for mirror in asset.mirrors if isinstance(mirror, Wheel))
    return (Folder(chosen, asset.filename, wheels), *asset.mirrors)


def _source(asset: Asset) -> str:
    for mirror in _mirrors(asset):
        try:
            if isinstance(mirror, Folder | Installed):
                mirror.find()
            return str(mirror)
        except Refused:
            continue
    return "no mirror"


def _advice(asset: Asset) -> str:
    urls = [mirror.url for mirror in asset.mirrors if isinstance(mirror, Wheel | Download)]
    return (
        "check the internet connection and try again, or download "
        f"{urls[0] if urls else 'it'} elsewhere and set TL_TEACH_MIRROR to the folder it is in"
    )
