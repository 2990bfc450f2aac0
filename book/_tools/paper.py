"""Print the book to one PDF, with every question and every solution open.

python book/_tools/paper.py             # reads _build/singlehtml, writes _build/paper/*.pdf
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "_build" / "singlehtml"
PAPER = ROOT / "_build" / "paper" / "how-does-transfer-learning-work.pdf"
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# Only a <details> without a name can be open beside its neighbours; a picture that waits for the
# screen to come near would wait for ever.
OPEN_EVERYTHING = """
async () => {
  document.querySelectorAll("details").forEach(d => { d.removeAttribute("name"); d.open = true; });
  document.querySelectorAll("img, iframe").forEach(i => { i.loading = "eager"; });
  await Promise.all([...document.images].map(i => i.decode().catch(() => {})));
}
"""


def main() -> int:
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        print("Printing needs Chromium; on Debian: apt-get install chromium", file=sys.stderr)
        return 1
    PAPER.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(dir=PAPER.parent) as part:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        page = browser.new_page(color_scheme="light")
        page.route("**/predict.js*", lambda route: route.abort())  # what is opened is no prediction
        # Sphinx writes the page as if it lay at the top, and then puts it below.
        shutil.copy(BUILT / "book" / "index.html", BUILT / "all.html")
        page.goto((BUILT / "all.html").as_uri(), wait_until="load")
        page.evaluate(OPEN_EVERYTHING)
        page.pdf(
            path=f"{part}/book.pdf",
            format="A4",
            scale=0.8,
            margin=dict.fromkeys(("top", "bottom", "left", "right"), "15mm"),
            tagged=True,
            outline=True,
        )
        os.replace(f"{part}/book.pdf", PAPER)
        browser.close()
    print(f"Printed: {PAPER} ({PAPER.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
