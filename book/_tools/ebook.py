"""Make of the EPUB that Sphinx wrote one that every e-reader opens.

    python book/_tools/ebook.py             # reads _build/epub, replaces the .epub there

The pages are written for browsers, which forgive; an e-reader takes well-formed XHTML or nothing.
No script runs in it either: explorers and laboratories give way to a link to the page online, and
what asks to be opened or pressed is shown as it is.
"""

from __future__ import annotations

import posixpath
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import yaml
from bs4 import BeautifulSoup, Tag

from tl_teach.files import replacing

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "_build" / "epub"
STYLE = Path(__file__).with_name("ebook.css")
STYLES = ("epub.css", "pygments.css", "book.css")  # all others are for browsers
NEEDS_SCRIPTS = "script, button, canvas, input, form, [hidden]"
CARRIED = re.compile(r"\.(xhtml|ncx|png|jpe?g|gif|svg|css)$")


def mend(page: str, name: str, held: set[str], online: str) -> str:
    """Turn a page into well-formed XHTML that needs no script.

    Parameters
    ----------
    page : str
        As Sphinx wrote it.
    name : str
        Its path in the EPUB.
    held : set of str
        All paths in the EPUB.
    online : str
        Address of the published book, with a slash at its end.

    Returns
    -------
    str
        The page.
    """
    soup = BeautifulSoup(page, "html.parser")
    address = online + name.replace(".xhtml", ".html")
    for frame in soup.select("iframe"):
        frame.replace_with(_elsewhere(soup, frame.get("title") or "This picture", address))
    for part in soup.select("noscript"):
        part.unwrap()
    for part in soup.select(NEEDS_SCRIPTS):
        part.decompose()
    for part in soup.select("details"):
        part.attrs.pop("name", None)  # newer than the books' standard
        summary = part.find("summary")
        if isinstance(summary, Tag) and summary.find("p"):
            summary.string = "Solution"
            summary.attrs.pop("aria-label", None)
    for link in soup.select("link[href]"):
        there = _target(name, str(link["href"])) in held and soup.head in link.parents
        is_style = "stylesheet" in link.get_attribute_list("rel")
        if not there or (is_style and posixpath.basename(str(link["href"])) not in STYLES):
            link.decompose()
    for link in soup.select("a[href]"):
        path, mark, place = str(link["href"]).partition("#")
        page_there = re.sub(r"\.html$", ".xhtml", path)
        if page_there != path and _target(name, page_there) in held:
            link["href"] = page_there + mark + place
    return str(soup)


def _elsewhere(soup: BeautifulSoup, what: object, address: str) -> Tag:
    words = soup.new_tag("p")
    link = soup.new_tag("a", href=address)
    link.string = f"{what}: it moves in the book online."
    words.append(link)
    return words


def _target(name: str, link: str) -> str:
    """Where a link leads, as a path in the EPUB."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(link)))


def list_contents(package: str, keep: Callable[[str], bool], has_formulas: set[str]) -> str:
    """Bring the package's own list in line with what is in it.

    Parameters
    ----------
    package : str
        ``content.opf``.
    keep : callable
        Whether a path stays in the EPUB.
    has_formulas : set of str
        Pages with MathML, which must be declared.

    Returns
    -------
    str
        The list.
    """

    def item(match: re.Match[str]) -> str:
        path = unquote(re.search(r'href="([^"]*)"', match[0])[1])  # type: ignore[index]
        if not keep(path):
            return ""
        if path in has_formulas:
            return match[0].replace("/>", 'properties="mathml"/>')
        return match[0]

    return re.sub(r"<item [^>]*/>\n?", item, package)


def rewrite(book: Path, online: str) -> None:
    """Replace an EPUB by its mended self."""
    with zipfile.ZipFile(book) as old:
        held = {name for name in old.namelist() if CARRIED.search(name)}
        pages = {
            name: mend(old.read(name).decode(), name, held, online)
            for name in held
            if name.endswith(".xhtml")
        }
        shown = set()
        for name, page in pages.items():
            links = re.findall(r'(?:src|href)="([^"#]+)', page)
            shown |= {_target(name, link) for link in links}
        styles = {name for name in held & shown if name.endswith(".css")}
        for name in styles:
            links = re.findall(r"url\([\"']?([^)\"']+)", old.read(name).decode())
            shown |= {_target(name, link) for link in links}
        kept = {
            name for name in held if name in shown or not name.startswith(("_static/", "_images/"))
        }
        with replacing(book) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as new:
            # First and uncompressed: by it a reader knows what kind of file this is.
            new.writestr("mimetype", old.read("mimetype"), zipfile.ZIP_STORED)
            for name in sorted(old.namelist()):
                if name in pages:
                    new.writestr(name, pages[name])
                elif name == "content.opf":
                    formulas = {name for name, page in pages.items() if "<math" in page}
                    listed = list_contents(old.read(name).decode(), kept.__contains__, formulas)
                    new.writestr(name, listed)
                elif name == "_static/book.css":
                    new.write(STYLE, name)
                elif name in kept or name.startswith("META-INF/"):
                    new.writestr(name, old.read(name))


def main() -> int:
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    *_, owner, repository = settings["repository"]["url"].split("/")
    online = f"https://{owner}.github.io/{repository}/"
    (book,) = FOLDER.glob("*.epub")
    rewrite(book, online)
    print(f"Written: {book} ({book.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
