"""What the pages, above all those made from notebooks, need beyond MyST-NB.

- A picture says in words what it shows: our pictures write `alt` into the output's metadata, and
  here it becomes the image's alt text.
- Pictures load when they come near the screen.
- Beside the link to Colab stand links to Kaggle and Binder, made of the same address.
- The toggle of a hidden solution says "Show solution".
- `[head](../back/glossary.md#term-head)` leads to a term of the glossary. The role for it,
  {term}`head`, does so as well, but Colab shows it as it is typed.
- The works of the bibliography are told to a screen reader as a list with its items: the role that
  Sphinx gives them is no longer part of the standard.
- Jupyter Book adds the script of Thebe (live kernels from another host) to every page, even where
  no page uses it, and twice, which is an error in the browser: here it stays away.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx_thebe import init_thebe_core

COLAB = "https://colab.research.google.com/github/"


def words_by_picture(notebook: dict) -> dict[str, str]:
    """Map the hash of every picture in the outputs to its words.

    MyST-NB names the file of a picture by the SHA-256 of its bytes, so the hash tells which image
    of the page is which picture of the notebook.
    """
    words = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            for kind in ("image/png", "image/jpeg"):
                alt = output.get("metadata", {}).get(kind, {}).get("alt")
                if alt and kind in output.get("data", {}):
                    picture = b64decode("".join(output["data"][kind]))
                    words[sha256(picture).hexdigest()] = alt
    return words


def improve_page(app: Sphinx, document: nodes.document) -> None:
    source = app.env.doc2path(app.env.docname)
    words = {}
    if source.endswith(".ipynb"):
        with open(source, encoding="utf-8") as file:
            words = words_by_picture(json.load(file))
    for image in document.findall(nodes.image):
        image["loading"] = "lazy"
        name = PurePosixPath(image["uri"].replace("\\", "/")).stem
        if name in words:
            image["alt"] = words[name]
    for term in document.findall(nodes.term):
        slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
        for name in term["ids"]:
            slugs[name.lower()] = (term.line or 0, name, term.astext())
    for cell in document.findall(nodes.container):
        if "tag_solution" in cell["classes"]:
            cell["prompt_show"] = "Show solution"
            cell["prompt_hide"] = "Hide solution"


def offer_other_hosts(app: Sphinx, document: nodes.document) -> None:
    for colab in list(document.findall(nodes.reference)):
        address = colab.get("refuri", "")
        if not address.startswith(COLAB):
            continue
        owner, name, _, branch, *path = address.removeprefix(COLAB).split("/")
        notebook, repository = "/".join(path), f"{owner}/{name}"
        blob = f"https://github.com/{repository}/blob/{branch}/{notebook}"
        lab = f"{repository}/{branch}?labpath={quote(notebook, safe='')}"
        kaggle = f"https://kaggle.com/kernels/welcome?src={blob}"
        added = []
        for words, link in (("Kaggle", kaggle), ("Binder", f"https://mybinder.org/v2/gh/{lab}")):
            added += [nodes.Text(", "), nodes.reference("", words, refuri=link, internal=False)]
        place = colab.parent.index(colab) + 1
        colab.parent[place:place] = added


def tell_works_as_a_list(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
    if "body" in context and app.builder.name == "epub":  # its standard lags behind
        context["body"] = re.sub(r'<details name="[^"]*"', "<details", context["body"])


def leave_thebe_out(app: Sphinx, config: Config) -> None:
    for listener in list(app.events.listeners["env-before-read-docs"]):
        if listener.handler is init_thebe_core:
            app.disconnect(listener.id)


def leave_buttons_out(app: Sphinx) -> None:
    """Off the web there is nothing to launch, and the theme's buttons expect a web page."""
    if app.builder.name in {"epub", "singlehtml"}:
        for listener in list(app.events.listeners["html-page-context"]):
            if listener.handler.__module__.startswith("sphinx_book_theme.header_buttons"):
                app.disconnect(listener.id)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", leave_thebe_out)
    app.connect("builder-inited", leave_buttons_out)
    app.connect("doctree-read", improve_page)
    app.connect("doctree-read", offer_other_hosts)
    app.connect("html-page-context", tell_works_as_a_list)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
