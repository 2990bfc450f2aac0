"""A real JupyterLab for tests, in a folder of its own."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

from tests.classroom.small import HERE

PATIENCE = 180_000  # milliseconds: a kernel starts slowly on a busy machine


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """Serve the notebooks of a folder; gives the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]
    home = str(folder.parent)
    environment = HERE | {"JUPYTER_CONFIG_DIR": home, "HOME": home}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(f"{address}/api", server)
            yield address
        finally:
            server.terminate()


def _wait(address: str, server: subprocess.Popen) -> None:
    latest = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < latest:
        assert server.poll() is None, "JupyterLab has ended"
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("JupyterLab does not answer")


@contextmanager
def opened(browser: Browser, address: str, notebook: str) -> Iterator[Page]:
    """Open a notebook and wait for its kernel; gives the page."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/lab/tree/{notebook}", timeout=PATIENCE)
        page.locator(".jp-CodeCell").first.wait_for(timeout=PATIENCE)
        page.get_by_text("| Idle").first.wait_for(timeout=PATIENCE)  # what is run before is lost
        yield page


def run(page: Page, number: int) -> None:
    """Run one code cell, from 0, and wait for its end."""
    from playwright.sync_api import expect

    cell = page.locator(".jp-CodeCell").nth(number)
    cell.locator(".jp-InputPrompt").first.click()  # opens a folded cell
    page.keyboard.press("Control+Enter")
    prompt = cell.locator(".jp-InputPrompt")
    expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=PATIENCE)
