"""A page's links to Kaggle and Binder open the notebook that its link to Colab opens."""

import re
from urllib.parse import parse_qs, urlsplit

import notebooks
import yaml
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document

from .contract import ROOT

NOTEBOOK = "book/steps/2-fine-tuning.ipynb"


def links(colab: str) -> dict[str, str]:
    document = new_document("page", get_default_settings())
    document += nodes.paragraph("", "", nodes.reference("", "Open in Colab", refuri=colab))
    notebooks.offer_other_hosts(None, document)
    return {link.astext(): link["refuri"] for link in document.findall(nodes.reference)}


def test_all_three_open_the_same_notebook():
    found = links(f"{notebooks.COLAB}owner/name/blob/main/{NOTEBOOK}")
    assert list(found) == ["Open in Colab", "Kaggle", "Binder"]
    (source,) = parse_qs(urlsplit(found["Kaggle"]).query)["src"]
    assert source == f"https://github.com/owner/name/blob/main/{NOTEBOOK}"
    binder = urlsplit(found["Binder"])
    assert binder.path == "/v2/gh/owner/name/main"
    assert parse_qs(binder.query)["labpath"] == [NOTEBOOK]


def test_other_links_stay_alone():
    assert list(links("https://example.org/")) == ["Open in Colab"]


def test_what_binder_installs_is_what_the_book_was_made_with():
    ours = dict(re.findall(r"^(torch\w*)==(\S+)", (ROOT / "requirements.txt").read_text(), re.M))
    theirs = (ROOT / "binder" / "requirements.txt").read_text()
    assert dict(re.findall(r"^(torch\w*)==(\S+)", theirs, re.M)) == ours
    assert "\n.[book]\n" in theirs


def test_the_links_lead_to_the_repository_of_the_book():
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    owner_and_name = address.removeprefix("https://github.com/")
    first = (ROOT / NOTEBOOK).read_text(encoding="utf-8")
    assert f"{notebooks.COLAB}{owner_and_name}/blob/main/{NOTEBOOK}" in first
