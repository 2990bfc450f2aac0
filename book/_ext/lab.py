"""What the lab's pages load: the small network and handwritten digits, as classic scripts.

A page opened from a folder may load scripts but fetch nothing, so bytes travel as base64 inside a
script. They are made while the book is built and are not kept in the repository. Where the digits
cannot be had, the book is built without them, and the page says what is missing.
"""

from __future__ import annotations

import base64
import zlib
from importlib.resources import files
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

EXAMPLES, HELD_OUT = 6, 50  # digits of each class


def network_script() -> str:
    """Return the pre-trained letters-resnet: the library's own safetensors file."""
    weights = files("tl_teach") / "networks" / "weights" / "letters-resnet.safetensors"
    return _script("network", weights.read_bytes())


def digits_script() -> str:
    """Return handwritten digits: some to learn from, and others to be judged by.

    The first come from the task's training part, the others from its validation part: the sealed
    test stays sealed.
    """
    import tl_teach as tl

    task = tl.load_task("handwriting")
    parts = [(task.train, EXAMPLES), (task.validation, HELD_OUT)]
    pictures = [picture for split, count in parts for picture in _pictures(split, count)]
    return _script("digits", zlib.compress(b"".join(pictures), 9))


def _pictures(split: object, count: int) -> list[bytes]:
    """Digits 0 to 9 in turn, `count` times."""
    of_class = {
        digit: (split.targets == digit).nonzero()[:count, 0].tolist() for digit in range(10)
    }
    return [
        split.pixels(of_class[digit][turn]).numpy().tobytes()
        for turn in range(count)
        for digit in range(10)
    ]


def _script(name: str, data: bytes) -> str:
    text = base64.b64encode(data).decode()
    return f'globalThis.LabData = {{...globalThis.LabData, {name}: "{text}"}};\n'


def write_scripts(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    from tl_teach.assets import AssetError

    folder = Path(app.outdir, "_static", "lab")
    for name, make in (("network-data.js", network_script), ("digits-data.js", digits_script)):
        try:
            (folder / name).write_text(make(), encoding="ascii")
        except AssetError as missing:
            (folder / name).write_text("", encoding="ascii")  # asked for by the page all the same
            logger.info("The lab is built without %s: %s", name, missing)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", write_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
