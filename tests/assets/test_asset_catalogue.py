"""The catalogue: complete, well formed, and true of what the publishers serve."""

import re
import zipfile

import pytest

from tl_teach import assets
from tl_teach.assets.mirrors import Download, Installed, Wheel, reason
from tl_teach.assets.partfile import PartFile, Refused

PUBLISHED = [
    pytest.param(asset, mirror, id=f"{asset.name} from {mirror}")
    for asset in assets.catalogue.values()
    for mirror in asset.mirrors
    if isinstance(mirror, Wheel | Download)
]


@pytest.mark.parametrize("asset", assets.catalogue.values(), ids=list(assets.catalogue))
def test_every_asset_says_what_it_is_and_whose(asset):
    assert assets.catalogue[asset.name] is asset
    assert asset.title
    assert asset.licence
    assert re.search(r"\(\d{4}\)", asset.citation)
    assert re.fullmatch(r"[0-9a-f]{64}", asset.sha256)
    assert re.fullmatch(r"[\w.-]+", asset.filename)  # a plain name, on Windows too
    assert asset.size > 0


@pytest.mark.parametrize(("asset", "mirror"), PUBLISHED)
def test_every_address_is_complete_and_encrypted(asset, mirror):
    assert mirror.url.startswith("https://")
    if isinstance(mirror, Wheel):
        assert mirror.url.endswith(".whl")


def test_the_status_names_every_asset_and_fetches_nothing(cache):
    entries = assets.status()
    assert [entry.asset.name for entry in entries] == list(assets.catalogue)
    assert not any(entry.present for entry in entries)
    assert not cache.exists()


def test_the_status_names_the_first_mirror_that_has_the_file(tiny, tmp_path, monkeypatch):
    tiny(Installed("no-such-package", "x"), "https://example.org/tiny.bin")
    assert assets.status()[-1].source == "example.org"
    (tmp_path / "tiny.bin").write_bytes(b"")
    monkeypatch.setenv("TL_TEACH_MIRROR", str(tmp_path))
    assert assets.status()[-1].source == f"the folder {tmp_path}"


@pytest.mark.network
@pytest.mark.parametrize(("asset", "mirror"), PUBLISHED)
def test_the_published_address_gives_the_bytes(asset, mirror, cache):
    try:
        with PartFile(cache, asset.filename, asset.size, asset.sha256) as part:
            mirror.write_to(part)
            part.keep()
    except (Refused, OSError) as error:
        if reason(error).startswith(("no ", "it answered 403")):
            pytest.skip(f"{mirror} is not reachable from here: {reason(error)}")
        raise


@pytest.mark.network
def test_the_solar_cells_are_images_in_a_zip():
    with zipfile.ZipFile(assets.path("elpv-dataset")) as archive:
        images = [name for name in archive.namelist() if name.endswith(".png")]
        assert len(images) == 2624
        assert archive.read(images[0]).startswith(b"\x89PNG")


@pytest.mark.network
def test_the_imagenet_weights_load_without_pickle():
    import torch

    weights = torch.load(assets.path("mobilenet_v2-imagenet"), weights_only=True)
    assert weights["classifier.1.weight"].shape == (1000, 1280)
