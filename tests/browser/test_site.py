"""The site as it is published: light to load, fit for any address, and even without a server."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from .conftest import QuietHandler, newest, served
from .pages import ROOT, pages

CHAPTERS = [page for page in pages() if (ROOT / page).with_suffix(".ipynb").exists()]
MOST_BYTES = 1_000_000
MOST_SECONDS = 1.0
# What Chromium's developer tools call "Fast 4G".
FAST_4G = {
    "offline": False,
    "latency": 60,
    "downloadThroughput": 9e6 / 8,
    "uploadThroughput": 1.5e6 / 8,
}


@pytest.fixture(scope="module")
def published(site: Path) -> Path:
    folder = ROOT / "_build" / "site"
    page = folder / "book" / "index.html"
    if not page.exists() or page.stat().st_mtime < newest(site / "book"):
        subprocess.run([sys.executable, str(ROOT / "book" / "_tools" / "site.py")], check=True)
    return folder


class Compressing(QuietHandler):
    """Sends text compressed, as every host of static pages does, below a path of its own."""

    def do_GET(self) -> None:
        file = Path(self.translate_path(self.path.removeprefix("/somewhere/below")))
        if file.is_dir():
            file /= "index.html"
        if not file.is_file():
            self.send_error(404)
            return
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(file)))
        if file.suffix in {".html", ".css", ".js", ".svg", ".json"}:
            body = gzip.compress(body, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def host(published: Path) -> Iterator[str]:
    with served(published, Compressing) as found:
        yield f"{found}somewhere/below/"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def loaded_bytes(page: Page) -> int:
    """What came over the line for this page, compressed."""
    return page.evaluate(
        "() => [performance.getEntriesByType('navigation')[0],"
        " ...performance.getEntriesByType('resource')]"
        ".reduce((sum, entry) => sum + entry.transferSize, 0)"
    )


@pytest.mark.parametrize("path", CHAPTERS)
def test_a_chapters_first_view_is_light(page: Page, host: str, path: str) -> None:
    page.goto(host + path, wait_until="networkidle")
    assert 50_000 < loaded_bytes(page) < MOST_BYTES


def test_text_is_there_within_a_second_on_a_slow_line(page: Page, host: str) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Network.emulateNetworkConditions", FAST_4G)
    times = []
    for _ in range(3):  # the best of them: other tests share the cores
        page.goto(host + CHAPTERS[-1], wait_until="load")
        entry = "performance.getEntriesByName('first-contentful-paint')[0]"
        times.append(page.evaluate(f"() => {entry}.startTime / 1000"))
    assert min(times) < MOST_SECONDS, times


@pytest.mark.parametrize("path", [pages()[0], CHAPTERS[0]])
def test_every_icon_and_picture_is_still_there(page: Page, host: str, path: str) -> None:
    page.goto(host + path, wait_until="networkidle")
    page.wait_for_selector("svg.svg-inline--fa path", state="attached")
    empty = page.evaluate(  # what is not found is drawn as a group named "missing"
        "() => [...document.querySelectorAll('svg.svg-inline--fa')]"
        ".filter(icon => !icon.querySelector('path[d]') || icon.querySelector('g.missing'))"
        ".map(icon => icon.outerHTML)"
    )
    assert empty == []
    page.evaluate(
        "() => document.querySelectorAll('img[loading=lazy]').forEach(i => i.loading = 'eager')"
    )
    page.wait_for_function("() => [...document.images].every(i => i.complete)")
    assert page.evaluate("() => [...document.images].every(i => i.naturalWidth)")


@pytest.mark.parametrize("served", [True, False], ids=["served", "from a folder"])
def test_search_and_the_way_on_need_no_server(
    page: Page, host: str, published: Path, served: bool
) -> None:
    base = host if served else published.as_uri() + "/"
    page.goto(base + "search.html?q=frozen")
    page.wait_for_selector("#search-results li a")
    page.goto(base + CHAPTERS[0])
    page.locator(".next-page, a.right-next").first.click()
    page.wait_for_load_state()
    assert page.url.endswith(CHAPTERS[1])


def test_without_the_line_the_pages_that_were_opened_ask_for_nothing_else(
    page: Page, host: str
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(host + CHAPTERS[0], wait_until="networkidle")
    elsewhere = [url for url in asked if not url.startswith((host, "data:", "blob:"))]
    assert elsewhere == []
