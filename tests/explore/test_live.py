"""An explorer where a kernel runs: widgets in a real JupyterLab, moved by keyboard."""

import nbformat
import pytest

import tl_teach as tl
from tests.jupyter import PATIENCE, jupyterlab, opened, run

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
]

CODE = """
import tl_teach as tl
net = tl.replace_head(tl.load_network("letters-resnet"), 10)
tl.explore_network(tl.freeze(net, through="block2"))
"""


def test_the_kernel_answers_a_slider(browser, tmp_path):
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cell = nbformat.v4.new_code_cell(CODE.strip())
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=kernel)
    (tmp_path / "here").mkdir()
    nbformat.write(notebook, tmp_path / "here" / "live.ipynb")
    net = tl.replace_head(tl.load_network("letters-resnet"), 10)
    explorer = tl.explore_network(tl.freeze(net, through="block2"))
    (start,) = explorer.start
    with jupyterlab(tmp_path / "here") as address, opened(browser, address, "live.ipynb") as page:
        run(page, 0)
        output = page.locator(".jp-OutputArea-output")
        words = output.locator(".words")
        playwright.expect(words).to_have_text(explorer.view(start).words, timeout=PATIENCE)
        slider = output.locator("[role=slider]")
        slider.focus()
        slider.press("ArrowRight")
        playwright.expect(words).to_have_text(explorer.view(start + 1).words, timeout=PATIENCE)
        assert output.locator("iframe").count() == 0  # one body, not both
