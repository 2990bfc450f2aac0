"""The directive ``{idea}``: the book's one picture, drawn by the library when the book is built."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Idea(SphinxDirective):
    """Put the row of stages on the page, with its own words as alternative text."""

    def run(self) -> list[nodes.Node]:
        """Draw the picture into the build folder and refer to it."""
        import tl_teach as tl

        net = tl.replace_head(tl.load_network("letters-resnet"), 10)
        picture = tl.show_network(tl.freeze(net, through="block2"))
        png = picture.png()
        name = f"idea-{hashlib.sha256(png).hexdigest()[:12]}.png"
        folder = Path(self.env.app.doctreedir) / "drawn"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png)
        # An absolute address starts at the source folder; Sphinx copies the file from there.
        source = Path(self.env.srcdir).resolve()
        uri = "/" + Path(folder.resolve()).relative_to(source).joinpath(name).as_posix()
        return [nodes.image(uri=uri, alt=picture.alt, classes=["picture"])]


def setup(app: Any) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("idea", Idea)
    return {"parallel_read_safe": True}
