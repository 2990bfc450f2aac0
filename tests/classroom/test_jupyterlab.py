"""A student's route: open the released notebook in JupyterLab, answer a question, check it."""

import re
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tl_teach.classroom.release import release

from .small import ANSWERS, HERE

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
]
PATIENCE = 180_000  # milliseconds: a kernel starts slowly on a busy machine


@pytest.fixture
def lab(master_path, tmp_path):
    """A JupyterLab whose folder holds the released notebook; gives its address."""
    release(master_path, tmp_path / "course")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path / 'course'}"]
    environment = HERE | {"JUPYTER_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/api", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait(address, server):
    latest = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < latest:
        assert server.poll() is None, "JupyterLab has ended"
        try:
            return urllib.request.urlopen(address, timeout=5)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("JupyterLab does not answer")


def test_open_answer_and_check_in_jupyterlab(lab, browser):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{lab}/lab/tree/small.ipynb", timeout=PATIENCE)
        cells = page.locator(".jp-CodeCell")
        cells.nth(2).wait_for(timeout=PATIENCE)
        page.get_by_text("| Idle").first.wait_for(timeout=PATIENCE)  # what is run before is lost

        def check(says):
            """Run the imports, the answer and its check; what is kept in the file is ✓."""
            for number in range(3):  # one by one: an error takes those that wait along
                cells.nth(number).locator(".cm-content").click()
                page.keyboard.press("Control+Enter")
                prompt = cells.nth(number).locator(".jp-InputPrompt")
                playwright.expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=PATIENCE)
            said = cells.nth(2).locator(".jp-OutputArea-output").first
            playwright.expect(said).to_contain_text(says, timeout=PATIENCE)

        check("✗ Question 1: ")
        cells.nth(1).locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(ANSWERS["mean"])
        check("✓ Question 1: the mean of a list")
