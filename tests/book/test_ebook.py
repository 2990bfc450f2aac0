"""The book for e-readers: every page opens in a reader that forgives nothing."""

import posixpath
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from book._tools import ebook
from book._tools.ebook import ROOT

ONLINE = "https://example.org/book/"
PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml"><head>
<link rel="stylesheet" href="../_static/book.css"/><link rel="stylesheet" href="../_static/x.css"/>
<link rel="stylesheet" href="../_static/pygments.css"/>
</head><body>%s</body></html>"""


def mended(body):
    held = {"_static/book.css", "_static/x.css", "book/a.xhtml", "book/b.xhtml"}
    return ebook.mend(PAGE % body, "book/a.xhtml", held, ONLINE)


def test_an_explorer_gives_way_to_a_link_to_the_page_online():
    page = mended("<iframe title='the boundary' srcdoc='<p>moves</p>'></iframe>")
    (link,) = ElementTree.fromstring(page).iter("{http://www.w3.org/1999/xhtml}a")
    assert link.get("href") == ONLINE + "book/a.html"
    assert link.text == "the boundary: it moves in the book online."
    assert "srcdoc" not in page


@pytest.mark.parametrize(
    "body",
    ["<p hidden>no</p>", "<script>no</script>", "<button>no</button>", "<canvas>no</canvas>"],
)
def test_what_needs_a_script_is_gone(body):
    page = mended(f"<p>yes</p>{body}")
    assert "yes" in page
    assert "no</" not in page


def test_what_is_said_where_scripts_are_off_is_said():
    assert "<p>Still pictures.</p>" in mended("<noscript><p>Still pictures.</p></noscript>")


def test_a_folded_solution_keeps_one_title_of_plain_words():
    page = mended(
        "<details name='one'><summary aria-label='x'><p>Show</p><p>Hide</p></summary>42</details>"
    )
    assert "<details><summary>Solution</summary>42</details>" in page


def test_links_lead_to_pages_that_are_in_the_book_and_styles_that_are_too():
    page = mended("<a href='b.html#part'>b</a><a href='https://example.org/c.html'>c</a>")
    assert 'href="b.xhtml#part"' in page
    assert 'href="https://example.org/c.html"' in page
    assert "book.css" in page
    assert "x.css" not in page  # only for browsers
    assert "pygments.css" not in page  # not there


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The real book, built and mended."""
    folder = tmp_path_factory.mktemp("epub")
    words = ["--quiet", "-n", "--builder", "custom", "--custom-builder", "epub"]
    program = Path(sys.executable).with_name("jupyter-book")
    subprocess.run(
        [program, "build", ROOT, "--path-output", str(folder), *words], check=True, timeout=600
    )
    (file,) = (folder / "_build" / "epub").glob("*.epub")
    ebook.rewrite(file, ONLINE)
    with zipfile.ZipFile(file) as archive:
        yield archive
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pages(book):
    names = [name for name in book.namelist() if name.endswith(".xhtml")]
    return {name: ElementTree.fromstring(book.read(name)) for name in names}


def test_every_page_is_well_formed_and_needs_no_script(pages):
    assert "book/steps/2-fine-tuning.xhtml" in pages
    refused = {"script", "iframe", "button", "canvas", "input", "noscript"}
    for name, page in pages.items():
        tags = {element.tag.rpartition("}")[2] for element in page.iter()}
        assert not tags & refused, name


def test_every_link_leads_somewhere(book, pages):
    held = set(book.namelist())
    places = {name: {e.get("id") for e in page.iter()} for name, page in pages.items()}
    for name, page in pages.items():
        for element in page.iter():
            link = element.get("href") or element.get("src") or ""
            if not link or ":" in link:
                continue
            path, _, place = link.partition("#")
            folder = posixpath.dirname(name)
            target = posixpath.normpath(posixpath.join(folder, unquote(path))) if path else name
            assert target in held, f"{name}: {link}"
            assert not place or unquote(place) in places[target], f"{name}: {link}"


def test_the_package_lists_what_is_in_it(book):
    package = ElementTree.fromstring(book.read("content.opf"))
    items = [e for e in package.iter() if e.tag.endswith("}item")]
    listed = {unquote(item.get("href")) for item in items}
    own = {"mimetype", "META-INF/container.xml", "content.opf"}
    assert listed == set(book.namelist()) - own
    assert book.infolist()[0].filename == "mimetype"
    formulas = {item.get("href") for item in items if item.get("properties") == "mathml"}
    assert formulas == {name for name in book.namelist() if b"<math" in book.read(name)}
    assert formulas
