"""A student's route: open the released notebook in JupyterLab, answer a question, check it."""

import pytest

from tests.jupyter import PATIENCE, jupyterlab, opened, run
from tl_teach.classroom.release import release

from .small import ANSWERS

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
]


def test_open_answer_and_check_in_jupyterlab(master_path, tmp_path, browser):
    release(master_path, tmp_path / "course")
    with (
        jupyterlab(tmp_path / "course") as address,
        opened(browser, address, "small.ipynb") as page,
    ):
        cells = page.locator(".jp-CodeCell")

        def check(says):
            """Run the imports, the answer and its check; what is kept in the file is ✓."""
            for number in range(3):  # one by one: an error takes those that wait along
                run(page, number)
            said = cells.nth(2).locator(".jp-OutputArea-output").first
            playwright.expect(said).to_contain_text(says, timeout=PATIENCE)

        folded = cells.nth(2).locator(".jp-Placeholder-content")
        playwright.expect(folded).to_be_visible(timeout=PATIENCE)  # until somebody opens it
        check("✗ Question 1: ")
        cells.nth(1).locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(ANSWERS["mean"])
        check("✓ Question 1: the mean of a list")
