"""The frame of every explorer: controls, and a drawing for each of their settings.

One object has two bodies. Where a kernel runs, widgets ask Python for the drawing of a setting.
Where none runs, a sandboxed page holds the drawings of all settings, and a short script shows one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape
from importlib.resources import files
from itertools import product
from typing import Any, NamedTuple

_WIDGET = "application/vnd.jupyter.widget-view+json"


class View(NamedTuple):
    """What an explorer shows for one setting of its controls.

    Attributes
    ----------
    html : str
        A drawing, in HTML and SVG; colours by the classes of ``frame.css``.
    words : str
        The finding, in a sentence: shown below the drawing, and read out when it changes.
    """

    html: str
    words: str


@dataclass(frozen=True)
class Control:
    """Something that a reader can set.

    Attributes
    ----------
    label : str
        What it is.
    options : tuple of str
        Its settings.
    start : int
        Which of them comes first, from 0.
    slides : bool
        Whether the settings have an order, so that one slides along them.
    """

    label: str
    options: tuple[str, ...]
    start: int = 0
    slides: bool = True


class Explorer:
    """A drawing that answers to a few controls, with a kernel and without one.

    Parameters
    ----------
    title : str
        What can be explored.
    controls : sequence of Control
        What can be set, each in a few steps.
    draw : callable
        Is given the place of the setting of each control, from 0, and gives a `View`.
    common : str
        SVG definitions and styles that all drawings use.

    Examples
    --------
    >>> slider = Control("side", ("1", "2"))
    >>> explorer = Explorer("squares", [slider], lambda i: View("", f"area {(i + 1) ** 2}"))
    >>> explorer
    [Explorer] squares, by side (1, 2). area 1
    >>> explorer.view(1).words
    'area 4'
    """

    def __init__(
        self,
        title: str,
        controls: Sequence[Control],
        draw: Callable[..., View],
        common: str = "",
    ):
        self.title, self.controls, self.common = title, tuple(controls), common
        self.view = cache(draw)

    @property
    def settings(self) -> list[tuple[int, ...]]:
        """Every combination of settings, the last control first to change."""
        return list(product(*(range(len(control.options)) for control in self.controls)))

    @property
    def start(self) -> tuple[int, ...]:
        """The setting that is shown first."""
        return tuple(control.start for control in self.controls)

    @cached_property
    def page(self) -> str:
        """The whole self-contained page: first drawing, all drawings, style and script."""
        views = [self.view(*setting) for setting in self.settings]
        data = {
            "sizes": [len(control.options) for control in self.controls],
            "options": [control.options for control in self.controls],
            "views": [view.html for view in views],
            "words": [view.words for view in views],
        }
        # "</" would end the script's element wherever it stands, and "<!--" would hide its end.
        states = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        states = states.replace("</", "<\\/").replace("<!--", "<\\!--")
        first = self.view(*self.start)
        words = "".join(
            f"<li>{escape(self._setting(setting))}: {escape(self.view(*setting).words)}</li>"
            for setting in self._some_settings()
        )
        return (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(self.title)}'
            f"</title><style>{_file('frame.css')}</style>"
            f'<main class="explorer"><h1>{escape(self.title)}</h1>'
            '<p class="still">Without scripts: one setting, and others in words below.</p>'
            f'<div class="controls" hidden>{"".join(map(_field, self.controls))}</div>{self.common}'
            f'<div class="view">{first.html}</div>'
            f'<p class="words" aria-live="polite">{escape(first.words)}</p>'
            f"<details><summary>In words, setting by setting</summary><ul>{words}</ul></details>"
            "</main>"
            f"<script>const DATA={states};{_file('frame.js')}</script></html>"
        )

    def _some_settings(self) -> list[tuple[int, ...]]:
        """Settings to tell in words, also without scripts: one control moves, the others stay."""
        found = dict.fromkeys([self.start])
        for place, control in enumerate(self.controls):
            for option in range(len(control.options)):
                found[(*self.start[:place], option, *self.start[place + 1 :])] = None
        return list(found)

    def _setting(self, setting: tuple[int, ...]) -> str:
        pairs = zip(self.controls, setting, strict=True)
        return ", ".join(f"{control.label} {control.options[place]}" for control, place in pairs)

    @property
    def html(self) -> str:
        """The page as a sandboxed frame: its script reaches nothing outside it."""
        page = self.page.replace("&", "&amp;").replace("'", "&#39;")
        return (
            f'<iframe class="explorer" title="{escape(self.title)}" sandbox="allow-scripts" '
            f'loading="lazy" style="width:100%;height:34rem;border:0" srcdoc=\'{page}\'></iframe>'
        )

    def widget(self) -> Any:
        """Make the widgets, which ask this object for drawings.

        Returns
        -------
        ipywidgets.VBox
            Of ipywidgets 7.7 or 8.
        """
        import ipywidgets as widgets

        def show(_: object = None) -> None:
            view = self.view(*(field.value for field in fields))
            drawing.value = (
                f'<style>{_file("frame.css")}</style><div class="explorer">{self.common}'
                f'<div class="view">{view.html}</div>'
                f'<p class="words" role="status">{escape(view.words)}</p></div>'
            )

        fields = [_live(control) for control in self.controls]
        drawing = widgets.HTML()
        for field in fields:
            field.observe(show, names="value")
        show()
        return widgets.VBox([*fields, drawing])

    def __repr__(self) -> str:
        ranges = "; ".join(f"{c.label} ({', '.join(c.options)})" for c in self.controls)
        return f"[Explorer] {self.title}, by {ranges}. {self.view(*self.start).words}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/html": self.html, "text/plain": repr(self)}
        if _kernel_runs():
            # ipywidgets 7.7 shows itself in another way than 8; both have a model with this name.
            model = self.widget().model_id
            bundle[_WIDGET] = {"version_major": 2, "version_minor": 0, "model_id": model}
        return bundle


def _kernel_runs() -> bool:
    import sys

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


def _live(control: Control) -> Any:
    import ipywidgets as widgets

    options = [(label, place) for place, label in enumerate(control.options)]
    kind = widgets.SelectionSlider if control.slides else widgets.Dropdown
    return kind(
        options=options,
        value=control.start,
        description=control.label,
        style={"description_width": "9rem"},
        layout={"width": "100%", "max_width": "34rem"},
    )


def _field(control: Control) -> str:
    label, start = escape(control.label), control.start
    if not control.slides:
        options = "".join(
            f"<option{' selected' * (place == start)}>{escape(option)}</option>"
            for place, option in enumerate(control.options)
        )
        return f"<label><span>{label}</span><select>{options}</select></label>"
    shown = escape(control.options[start])
    return (
        f'<label><span>{label}: <output>{shown}</output></span><input type="range" min="0" '
        f'max="{len(control.options) - 1}" value="{start}" aria-valuetext="{shown}"></label>'
    )


@cache
def _file(name: str) -> str:
    return (files("tl_teach.explore") / name).read_text(encoding="utf-8").strip()
