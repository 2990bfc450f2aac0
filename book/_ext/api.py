"""The reference of `tl_teach`, from its docstrings.

The line `<!-- the public names of tl_teach -->` in a page is replaced by an entry for every public
name, under a heading for each room of the library, so the page cannot drift from the code.
"""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

from sphinx.application import Sphinx

MARK = "<!-- the public names of tl_teach -->"


def reference(library: ModuleType) -> str:
    """Return the reference as MyST text."""
    rooms: dict[str, list[str]] = {}
    for name in dir(library):
        thing = getattr(library, name)
        if name.startswith("_") or inspect.ismodule(thing):
            continue
        home = getattr(thing, "__module__", library.__name__).split(".")
        rooms.setdefault(home[1] if len(home) > 1 else "", []).append(name)
    return "\n\n".join(entry for room in sorted(rooms) for entry in room_entries(room, rooms[room]))


def room_entries(room: str, names: list[str]) -> list[str]:
    """Return a heading, what the room is for, and the entry of each name."""
    entries = [f"## {room.capitalize() or 'The package'}"]
    if room and (words := inspect.getdoc(importlib.import_module(f"tl_teach.{room}"))):
        entries.append(words.split("\n\n")[0])
    for name in names:
        thing = getattr(importlib.import_module("tl_teach"), name)
        kind = "function" if inspect.isroutine(thing) else "data"
        if inspect.isclass(thing):
            kind = "class"
        members = "\n   :members:" if kind == "class" else ""
        entries.append(f"```{{eval-rst}}\n.. auto{kind}:: tl_teach.{name}{members}\n```")
    return entries


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0]:
        library = importlib.import_module("tl_teach")
        source[0] = source[0].replace(MARK, reference(library))
        if library.__file__:  # a new public name makes the page again
            app.env.note_dependency(library.__file__)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
