"""The built book, served to a headless Chromium that reaches no other host."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, Route

from .pages import ROOT, pages

SITE = ROOT / "_build" / "html"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def newest(*paths: Path) -> float:
    files = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    made = {"__pycache__", "node_modules"}
    return max(file.stat().st_mtime for file in files if not made & set(file.parts))


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built book. `make test` has built it; otherwise it is built here."""
    index = SITE / "book" / "index.html"
    names = ("_config.yml", "_toc.yml", "benchmarks/RESULTS.md", "book", "tl_teach")
    sources = [ROOT / name for name in names]
    built = SITE.parent / ".built"  # what `make book` leaves behind
    if not index.exists() or max(map(newest, filter(Path.exists, [index, built]))) < newest(
        *sources
    ):
        program = Path(sys.executable).with_name("jupyter-book")
        command = [str(program), "build", str(ROOT)]
        subprocess.run([*command, "--quiet", "-W", "-n", "--keep-going", "--all"], check=True)
        built.touch()
    return SITE


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path, handler: type[SimpleHTTPRequestHandler] = QuietHandler) -> Iterator[str]:
    """Serve a folder on this machine only; gives its address."""
    answering = partial(handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), answering) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the book is served."""
    with served(site) as found:
        yield found


@dataclass
class Visit:
    """An open page, and what happened while it loaded."""

    page: Page
    errors: list[str] = field(default_factory=list)
    other_hosts: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Visit]]:
    """Open a page of the book: `visit("book/index.html", width=375, scheme="dark")`."""
    contexts = []

    def open_page(path: str, width: int = 1280, scheme: str = "light") -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        seen = Visit(context.new_page())

        def only_the_book(route: Route) -> None:
            if route.request.url.startswith((address, "data:", "blob:")):
                route.continue_()
            else:
                seen.other_hosts.append(route.request.url)
                route.abort()

        def note_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                seen.errors.append(message.text)

        def note_answer(answer: Response) -> None:
            if answer.status >= 400:
                seen.errors.append(f"{answer.status}: {answer.url}")

        context.route("**/*", only_the_book)
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on("console", note_console)
        seen.page.on("response", note_answer)
        seen.page.goto(address + path, wait_until="load")
        return seen

    yield open_page
    for context in contexts:
        context.close()


# The same page serves all tests that only look. With the scope "module", pytest takes the pages one
# after the other and opens each once on a desk and once on a phone.


@pytest.fixture(scope="module", params=pages())
def path(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def desk(visit: Callable[..., Visit], path: str) -> Iterator[Visit]:
    seen = visit(path)
    yield seen
    seen.page.close()


@pytest.fixture(scope="module")
def phone(visit: Callable[..., Visit], path: str) -> Iterator[Visit]:
    seen = visit(path, width=375, scheme="dark")
    yield seen
    seen.page.close()
