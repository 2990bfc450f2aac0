"""The table of networks says what is true of them, and shows as text and as a page."""

import re

import pytest
import torch
from torchvision.models import get_model

import tl_teach as tl
from tl_teach.networks import FAMILIES, NETWORKS, listing
from tl_teach.networks.published import published_weights, weights_asset


@pytest.fixture(scope="module")
def table():
    return tl.list_networks()


def test_every_network_is_listed_in_order(table):
    assert [row["name"] for row in table] == list(NETWORKS)


def test_the_figures_are_the_publishers(table):
    for row in table[1 : 1 + len(FAMILIES)]:
        meta = published_weights(row["name"]).meta
        assert row["top-1"] == meta["_metrics"]["ImageNet-1K"]["acc@1"]
        assert row["MB"] == pytest.approx(meta["_file_size"] * 2**20 / 1e6, rel=0.02)


def test_parameters_are_counted_without_auxiliary_heads(table):
    counted = {row["name"]: row["parameters (M)"] * 1e6 for row in table}
    assert counted["resnet18"] == published_weights("resnet18").meta["num_params"]
    with torch.device("meta"):
        theirs = get_model("inception_v3", weights=None, aux_logits=False, init_weights=True)
    assert counted["inception_v3"] == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_says_when_and_where_it_was_published(name):
    year, number = FAMILIES[name].year, FAMILIES[name].arxiv
    assert re.fullmatch(r"\d{4}\.\d{4,5}", number) and year == 2000 + int(number[:2])


@pytest.mark.parametrize("name", FAMILIES)
def test_every_weights_file_has_an_address_a_checksum_and_a_licence(name):
    asset, weights = weights_asset(name), published_weights(name)
    assert weights.name == "IMAGENET1K_V1" and asset.licence == "BSD-3-Clause"
    assert asset.filename == weights.url.rsplit("/", 1)[-1]
    assert re.search(r"-([0-9a-f]{8})\.pth$", asset.filename)[1] == asset.sha256[:8]
    assert weights.url in [getattr(mirror, "url", None) for mirror in asset.mirrors]


def test_weights_with_terms_of_their_own_say_so():
    assert weights_asset("vit_h_14").licence.endswith("SWAG/blob/main/LICENSE")


def test_it_tells_what_is_here_and_what_must_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("TL_TEACH_CACHE", str(tmp_path))
    asset = weights_asset("squeezenet1_1")
    (tmp_path / asset.filename).write_bytes(bytes(asset.size))
    here = {row["name"]: row["weights"] for row in tl.list_networks()}
    assert here.pop("letters-resnet") == "shipped" and here.pop("squeezenet1_1") == "cached"
    assert set(here.values()) == {"download"} and len(list(tmp_path.iterdir())) == 1


def test_the_table_shows_as_aligned_text(table):
    head, *rows = repr(table).splitlines()
    assert head.split()[:2] == ["name", "year"] and len(rows) == len(NETWORKS)
    place = head.index("year")
    assert all(row[place - 1] == " " for row in rows) and "69.8" in rows[1]
    assert not any("None" in row for row in rows)


def test_the_table_shows_as_a_page(table):
    page = table._repr_html_()
    assert page.count("<tr>") == 1 + len(NETWORKS) and page.count('scope="col"') == len(table[0])
    evil = listing.NetworkTable([{"name": "<script>"}])
    assert "<script>" not in evil._repr_html_()


def test_speed_is_measured_only_when_asked(table, monkeypatch):
    assert "pictures/s" not in table[0]
    monkeypatch.setattr(listing, "NETWORKS", ("letters-resnet",))
    (row,) = tl.list_networks(speed=True)
    assert row["pictures/s"] > 0
