"""Cats and dogs: the same pictures from each source, and nothing written that was not asked for."""

import dataclasses
import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tl_teach as tl
from tl_teach import assets
from tl_teach.tasks import pets

NAMES = Path(pets.__file__).with_name("oxford_pets_sample.txt").read_text().split()
BREEDS = sorted({name.rsplit("_", 1)[0] for name in NAMES}, key=str.lower)


def picture(seed):
    values = np.random.default_rng(seed).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TL_TEACH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TL_TEACH_MIRROR", str(tmp_path / "mirror"))
    (tmp_path / "mirror").mkdir()
    from tl_teach.tasks import catalogue

    catalogue._collection.cache_clear()
    yield
    catalogue._collection.cache_clear()


@pytest.fixture
def mirror(tmp_path):
    """A folder that holds a sample as the real mirror does, of other pictures."""
    folder = tmp_path / "mirror" / "oxford-iiit-pet"
    lines = []
    for seed, name in enumerate(NAMES):
        path = folder / ("cats" if name[0].isupper() else "dogs") / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(seed))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{digest}  ./{path.relative_to(folder).as_posix()}\n")
    (folder / "SHA256SUMS").write_text("".join(lines))
    return folder


def tar_of(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Stand in for the published archives: the sample's names and one more of each breed."""

    def register(extra=(), absent=()):
        names = [*NAMES, *(f"{breed}_999" for breed in BREEDS)]
        listing = "#Image CLASS-ID SPECIES BREED ID\n" + "".join(f"{n} 1 1 1\n" for n in names)
        images = [(f"images/{n}.jpg", picture(s)) for s, n in enumerate(names) if n not in absent]
        archives = {
            "oxford-iiit-pet": tar_of([*extra, *images, ("images/odd_100.mat", b"matlab")]),
            "oxford-iiit-pet-annotations": tar_of([("annotations/list.txt", listing.encode())]),
        }
        for name, content in archives.items():
            changed = dataclasses.replace(
                assets.catalogue[name],
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                mirrors=(),
            )
            monkeypatch.setitem(assets.catalogue, name, changed)
            (tmp_path / "mirror" / changed.filename).write_bytes(content)
        return names

    return register


def breeds_in(split, names):
    return sorted(names[index].rsplit("_", 1)[0] for index in split.indices)


def test_the_sample_names_ten_pictures_of_each_breed():
    assert len(set(NAMES)) == 370 and len(BREEDS) == 37
    assert {sum(n.rsplit("_", 1)[0] == breed for n in NAMES) for breed in BREEDS} == {10}
    assert sum(name[0].isupper() for name in NAMES) == 120


def test_the_mirrors_sample_is_used_where_there_is_one(mirror):
    task = tl.load_task("cats-and-dogs")
    assert task.classes == ("cat", "dog") and task.licence == "CC BY-SA 4.0"
    assert "Parkhi" in task.citation
    assert len(task.unlabelled) + len(task.validation) + len(task.test) == 370
    for index, label in zip(task.train.indices, task.train.labels, strict=True):
        assert int(label) == NAMES[index][0].islower()


def test_each_part_of_the_binary_task_holds_every_breed_alike(mirror):
    task = tl.load_task("cats-and-dogs")
    for part, count in ((task.validation, 2), (task.unlabelled, 6)):
        assert breeds_in(part, NAMES) == sorted(breed for breed in BREEDS for _ in range(count))


def test_a_small_budget_is_counted_by_species_and_spread_over_breeds(mirror):
    task = tl.load_task("cats-and-dogs", labels_per_class=12)
    assert np.bincount(task.train.labels).tolist() == [12, 12]
    assert len(set(breeds_in(task.train, NAMES))) >= 20


def test_breeds_have_their_names_and_numbers(mirror):
    task = tl.load_task("cats-and-dogs-breeds", labels_per_class=2)
    assert len(task.train) == 74 and len(task.classes) == 37
    assert task.classes[:3] == ("Abyssinian", "american bulldog", "american pit bull terrier")
    for index, label in zip(task.train.indices, task.train.labels, strict=True):
        assert task.classes[label].replace(" ", "_") == NAMES[index].rsplit("_", 1)[0]


def test_the_pictures_are_what_the_mirror_holds(mirror):
    train = tl.load_task("cats-and-dogs").train
    name = NAMES[train.indices[0]]
    (path,) = mirror.glob(f"*/{name}.jpg")
    assert (
        train.pixels(0).numpy().transpose(1, 2, 0).tolist() == np.array(Image.open(path)).tolist()
    )


@pytest.mark.parametrize("damage", ["changed", "missing", "not listed", "truncated"])
def test_a_damaged_mirror_is_refused_in_one_sentence(mirror, damage, tmp_path):
    victim = mirror / "cats" / f"{NAMES[3]}.jpg"
    if damage == "missing":
        victim.unlink()
    elif damage == "not listed":
        sums = mirror / "SHA256SUMS"
        sums.write_text("".join(sums.read_text().splitlines(keepends=True)[5:]))
    else:
        content = victim.read_bytes()
        victim.write_bytes(content[:-9] if damage == "truncated" else content[:-1] + b"?")
    with pytest.raises(assets.AssetError, match="not what SHA256SUMS says") as caught:
        tl.load_task("cats-and-dogs")
    assert "\n" not in str(caught.value) and not list((tmp_path / "cache").iterdir())


def test_the_sample_stays_when_the_mirror_is_gone(mirror, monkeypatch):
    tl.load_task("cats-and-dogs-sample")
    monkeypatch.delenv("TL_TEACH_MIRROR")
    assert len(pets.cats_and_dogs(sample=True).images) == 370


def test_the_published_archives_give_every_annotated_picture(published, tmp_path):
    names = published()
    task = tl.load_task("cats-and-dogs")
    assert len(task.unlabelled) + len(task.validation) + len(task.test) == len(names)
    assert task.name == "cats-and-dogs"
    kept = sorted(file.name for file in (tmp_path / "cache").iterdir())
    assert kept == [
        "oxford-iiit-pet-annotations.tar.gz",
        "oxford-iiit-pet-images.tar.gz",
        "oxford-iiit-pet.zip",
    ]


def test_the_sample_is_the_same_whatever_it_is_taken_from(published, mirror, tmp_path):
    published()
    from_mirror = pets.cats_and_dogs(sample=True)
    digests = [from_mirror.images.digest(place) for place in range(370)]
    (mirror / "SHA256SUMS").unlink()
    (tmp_path / "cache" / "oxford-iiit-pet-sample.zip").unlink()
    from_archive = pets.cats_and_dogs(sample=True)
    assert from_mirror.info == from_archive.info
    assert from_mirror.labels.tolist() == from_archive.labels.tolist()
    assert [from_archive.images.digest(place) for place in range(370)] == digests


def test_nothing_in_an_archive_is_written_under_a_name_of_its_own(published, tmp_path):
    evil = [
        ("../../escaped.jpg", b"x"),
        (f"{tmp_path}/escaped.jpg", b"x"),
        ("images/../../escaped.jpg", b"x"),
        ("images/passwd_1.jpg", None),
        (f"images/{NAMES[0]}.jpg/../../../escaped.jpg", b"x"),
        (f"elsewhere/{NAMES[0]}.jpg", b"x"),
    ]
    published(extra=evil)
    before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    pets.cats_and_dogs()
    assert {path for path in tmp_path.rglob("*") if "cache" not in path.parts} == before
    assert len(pets.cats_and_dogs().images) == 370 + 37


def test_an_archive_that_lacks_pictures_leaves_nothing_half_made(published, tmp_path):
    published(absent=NAMES[5:7])
    with pytest.raises(
        assets.AssetError, match=r"Cannot make oxford-iiit-pet\.zip .*lacks 2 of 40"
    ):
        pets.cats_and_dogs()
    assert not [f for f in (tmp_path / "cache").iterdir() if f.suffix in (".zip", ".part")]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(mirror, monkeypatch, tmp_path):
    def full(*arguments):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("zipfile.ZipFile.writestr", full)
    with pytest.raises(assets.AssetError, match=r"No space left on device.*TL_TEACH_CACHE"):
        tl.load_task("cats-and-dogs")
    assert not list((tmp_path / "cache").iterdir())


def test_a_faster_process_is_not_disturbed(mirror, monkeypatch, tmp_path):
    def opened(part, target):  # Windows, where the other one has it open
        part.replace(target)
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(pets, "replace", opened)
    assert len(tl.load_task("cats-and-dogs-sample").train)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".zip"]


def test_with_no_source_the_sentence_names_the_publisher(monkeypatch):
    monkeypatch.setitem(
        assets.catalogue,
        "oxford-iiit-pet-annotations",
        dataclasses.replace(
            assets.catalogue["oxford-iiit-pet-annotations"],
            mirrors=(assets.Download("http://127.0.0.1:9/annotations.tar.gz"),),
        ),
    )
    with pytest.raises(assets.AssetError, match=r"Cannot get oxford-iiit-pet-annotations.*127\.0"):
        tl.load_task("cats-and-dogs")
