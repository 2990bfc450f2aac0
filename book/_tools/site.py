"""Make of the built book what is published: the same pages, lighter to load.

    python book/_tools/site.py              # reads _build/html, writes _build/site

- The theme's icon script holds two thousand icons; those that no page uses are left out.
- Pictures become WebP where that is smaller: losslessly, so that no line blurs.
- Nothing that only builders need (Sphinx's own files, sources of pages) is copied.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "_build" / "html"
SITE = ROOT / "_build" / "site"
NOT_COPIED = (".doctrees", ".buildinfo*", "objects.inv", "*.map")

ICON = re.compile(
    r'(?P<name>"[a-z0-9-]+"|[a-z0-9]+):\[\d+,\d+,\[(?P<aliases>[^\]]*)\],"[0-9a-f]*",'
    r'(?:"[^"]*"|\["[^"]*","[^"]*"\])\],?'
)


def subset_icons(site: Path) -> None:
    """Leave in the icon script what some page or script asks for, by name or by an alias."""
    scripts = list(site.rglob("fontawesome.js"))
    asking = [file for kind in ("*.html", "*.js") for file in site.rglob(kind)]
    used: set[str] = set()
    for file in asking:
        if file not in scripts:
            used |= set(re.findall(r"\bfa-([a-z0-9-]+)", file.read_text(encoding="utf-8")))

    def keep_if_used(match: re.Match[str]) -> str:
        names = {match["name"].strip('"'), *re.findall(r'"([a-z0-9-]+)"', match["aliases"])}
        return match[0] if names & used else ""

    for script in scripts:
        text = ICON.sub(keep_if_used, script.read_text(encoding="utf-8"))
        script.write_text(text.replace(",}", "}"), encoding="utf-8")


def shrink_pictures(site: Path) -> None:
    """Replace each PNG by lossless WebP where that is smaller, in the pages too."""
    names = {}
    for picture in (site / "_images").glob("*.png"):
        smaller = io.BytesIO()
        with Image.open(picture) as image:
            image.save(smaller, "WEBP", lossless=True, quality=90, method=6)
        if smaller.tell() < picture.stat().st_size:
            picture.with_suffix(".webp").write_bytes(smaller.getvalue())
            names[picture.name] = picture.with_suffix(".webp").name
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        renamed = re.sub(r"(_images/)([^\"?#]+\.png)", lambda m: m[1] + names.get(m[2], m[2]), text)
        if renamed != text:
            page.write_text(renamed, encoding="utf-8")
    for name in names:
        (site / "_images" / name).unlink()


def main() -> int:
    if not (BUILT / "book" / "index.html").exists():
        print(f"There is no built book in {BUILT}; run `make book` first.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(dir=SITE.parent) as folder:
        part = Path(folder) / "site"
        shutil.copytree(BUILT, part, ignore=shutil.ignore_patterns(*NOT_COPIED))
        (part / ".nojekyll").touch()  # Pages would leave out folders that start with "_"
        subset_icons(part)
        shrink_pictures(part)
        if SITE.exists():
            os.replace(SITE, Path(folder) / "before")
        os.replace(part, SITE)
    before, after = (
        sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
        for folder in (BUILT, SITE)
    )
    print(f"The site is ready: {SITE} ({after:.1f} MB; built: {before:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
