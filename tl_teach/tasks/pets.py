"""Cats and dogs: photographs of 37 breeds, by species or by breed."""

from __future__ import annotations

import hashlib
import tarfile
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np

from .. import assets
from ..files import replace
from .images import ZippedImages
from .preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from .split import TaskInfo
from .task import Collection

_SAMPLE = "oxford-iiit-pet-sample.zip"
_Pictures = Iterable[tuple[str, bytes]]


def cats_and_dogs(sample: bool = False) -> Collection:
    """Tell cats from dogs on photographs (Oxford-IIIT Pet).

    Where the folder in ``TL_TEACH_MIRROR`` holds ``oxford-iiit-pet``, a sample of ten pictures of
    each breed is read from it; elsewhere the whole set is fetched, about 800 MB.

    Parameters
    ----------
    sample : bool
        Use the pictures of the sample alone, wherever they come from.

    Returns
    -------
    Collection
        7,349 colour photographs, or 370; each part of the task holds every breed alike.

    Notes
    -----
    ImageNet, on which most copied networks were trained, has cats and dogs among its classes.
    """
    return _collection("cats-and-dogs", sample, by_breed=False)


def cat_and_dog_breeds(sample: bool = False) -> Collection:
    """Tell 12 breeds of cats and 25 of dogs apart, on the photographs of `cats_and_dogs`.

    Parameters
    ----------
    sample : bool
        See `cats_and_dogs`.

    Returns
    -------
    Collection
        7,349 colour photographs, or 370.
    """
    return _collection("cats-and-dogs-breeds", sample, by_breed=True)


PETS: dict[str, Callable[[], Collection]] = {
    "cats-and-dogs": cats_and_dogs,
    "cats-and-dogs-breeds": cat_and_dog_breeds,
    "cats-and-dogs-sample": partial(cats_and_dogs, sample=True),
    "cats-and-dogs-breeds-sample": partial(cat_and_dog_breeds, sample=True),
}


def _collection(name: str, sample: bool, by_breed: bool) -> Collection:
    archive, names = _pictures(sample)
    breeds = [picture.rsplit("_", 1)[0] for picture in names]
    known = sorted(set(breeds), key=str.lower)  # the numbers that the publisher gives them
    breed = np.array([known.index(name) for name in breeds])
    dog = np.array([name[0].islower() for name in breeds]).astype(np.int64)
    info = TaskInfo(
        name=f"{name}-sample" if sample else name,
        kind="classification",
        classes=tuple(name.replace("_", " ") for name in known) if by_breed else ("cat", "dog"),
        positive=None,
        citation=(
            'Parkhi, Vedaldi, Zisserman, Jawahar (2012), "Cats and dogs", CVPR, '
            "https://doi.org/10.1109/CVPR.2012.6248092"
        ),
        licence="CC BY-SA 4.0",
        caution=(
            "ImageNet already contains cats and 118 breeds of dog, so an ImageNet network has met "
            "these categories: scores say little about classes that are new to it."
        ),
    )
    return Collection(
        info,
        ZippedImages(archive, [f"{name}.jpg" for name in names]),
        breed if by_breed else dog,
        Preprocess(size=224, channels=3, mean=IMAGENET_MEAN, std=IMAGENET_STD, resize=256),
        held_out=0.2,
        strata=breed,
    )


def _pictures(sample: bool) -> tuple[Path, list[str]]:
    """Find the zip file that holds the pictures, or make it; and the pictures' names."""
    text = (files(__package__) / "oxford_pets_sample.txt").read_text(encoding="ascii")
    mirror, names = assets.mirror(), text.split()
    folder = (mirror or Path()) / "oxford-iiit-pet"
    mirrored = mirror is not None and (folder / "SHA256SUMS").is_file()
    if mirrored or (sample and (assets.folder() / _SAMPLE).is_file()):
        return _packed(_SAMPLE, lambda: _from_folder(folder, names)), names
    archive = _packed("oxford-iiit-pet.zip", _from_publisher)
    if not sample:
        with zipfile.ZipFile(archive) as packed:
            names = sorted(Path(member).stem for member in packed.namelist())
    return archive, names


def _packed(filename: str, pictures: Callable[[], _Pictures]) -> Path:
    """Put pictures into one file that can be read at any place, whole or not at all."""
    target = assets.folder() / filename
    if target.is_file():
        return target
    temporary = target.with_name(f"{filename}.{uuid.uuid4().hex}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "x") as archive:  # JPEG files do not get any smaller
            for name, content in pictures():
                archive.writestr(f"{name}.jpg", content)
        try:
            replace(temporary, target)
        except PermissionError:  # Windows, where a faster process has put it there and opened it
            if not target.is_file():
                raise
    except (OSError, tarfile.TarError, EOFError) as error:
        why = getattr(error, "strerror", None) or error
        raise assets.AssetError(
            f"Cannot make {filename} in {target.parent} ({why}); make room there, set "
            "TL_TEACH_CACHE to another folder, or fetch oxford-iiit-pet again."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _from_folder(folder: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Read the sample from a folder of mirrored pictures, each as its list says."""
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {Path(path).name: checksum for checksum, path in map(str.split, lines)}
    for name in names:
        path = folder / ("cats" if name[0].isupper() else "dogs") / f"{name}.jpg"
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != listed.get(path.name):
            raise assets.AssetError(
                f"{path} is missing or is not what SHA256SUMS says; copy it there again, or unset "
                "TL_TEACH_MIRROR to fetch the whole set from its publisher."
            )
        yield name, content


def _from_publisher() -> Iterator[tuple[str, bytes]]:
    """Take the annotated pictures out of the published archive; nothing else of it is written."""
    with tarfile.open(assets.path("oxford-iiit-pet-annotations")) as archive:
        listing = archive.extractfile("annotations/list.txt")
        lines = listing.read().decode().splitlines() if listing else []
    missing = {line.split()[0] for line in lines if line and not line.startswith("#")}
    with tarfile.open(assets.path("oxford-iiit-pet")) as archive:
        for member in archive:
            folder, _, name = member.name.removesuffix(".jpg").rpartition("/")
            content = archive.extractfile(member) if member.isfile() else None
            if content and folder == "images" and name in missing:
                missing.remove(name)
                yield name, content.read()
    if missing or not lines:
        raise tarfile.TarError(f"the archive lacks {len(missing)} of {len(lines)} pictures")
