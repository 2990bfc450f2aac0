"""The page of run times: a table of what `make notebooks`, `make colab-check` and others measured.

The line `<!-- run times -->` in a page is replaced by it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chapters import title
from sphinx.application import Sphinx

MARK = "<!-- run times -->"
OTHERS = {"colab": "Colab's versions", "oldest": "oldest versions"}


def table(book: Path) -> str:
    """Return, as MyST text, the seconds of every notebook and what they were measured with."""
    own = _read(book / "_status.json")
    others = {name: found for name in OTHERS if (found := _read(book / f"_status-{name}.json"))}
    heading = ["Notebook", "Seconds", "Memory (MB)", *(OTHERS[name] + " (s)" for name in others)]
    rows = [heading, ["---", *["---:"] * (len(heading) - 1)]]
    for page, cost in sorted(own.items()):
        row = [_link(book, page), str(cost["seconds"]), f"{cost['megabytes']:,}"]
        row += [_seconds(found["notebooks"].get(page)) for found in others.values()]
        rows.append(row)
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", *(_told(name, found) for name, found in others.items())])


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _link(book: Path, page: str) -> str:
    return f"[{title(book.parent / page)}](/{page})"


def _seconds(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not run yet"
    return f"failed: {result['failed']}" if "failed" in result else str(result["seconds"])


def _told(name: str, found: dict[str, Any]) -> str:
    with_what = found["environment"]
    packages = ", ".join(f"{package} {is_}" for package, is_ in with_what["packages"].items())
    busy = with_what.get("load")
    beside = f", processes that wanted a core: {busy:g}" if busy else ""
    return (
        f"*{OTHERS[name][0].upper() + OTHERS[name][1:]}:* {with_what['date']}, "
        f"Python {with_what['python']}, {packages}; {with_what['system']}, "
        f"notebooks at a time: {with_what['jobs']}{beside}.\n"
    )


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0]:
        book = Path(app.srcdir) / "book"
        source[0] = source[0].replace(MARK, table(book))
        for file in book.glob("_status*.json"):
            app.env.note_dependency(str(file))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
