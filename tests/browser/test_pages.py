"""What a reader meets on every page: on a desk, on a phone, in the dark, by keyboard, by ear."""

from __future__ import annotations

import json
from itertools import pairwise

from axe_playwright_python.sync_playwright import Axe

from .pages import ROOT

# Choices of one question share a name, so that one at a time is open; without it, all can be.
OPEN_EVERYTHING = """
() => document.querySelectorAll("details").forEach(
  details => { details.removeAttribute("name"); details.open = true; })
"""

# The contrast of two colours as WCAG 2 defines it, for each piece of text that can be seen. A
# background is looked for up the tree, and see-through ones are mixed with what is behind them.
LOW_CONTRAST = """
() => {
  const numbers = colour => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const pen = canvas.getContext("2d", {willReadFrequently: true});
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
  const behind = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour[3]) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const found = new Map();
  const walker = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility({visibilityProperty: true}))
      continue;
    if (element.closest(".headerlink, script, style, button")) continue;
    const background = behind(element);
    const text = over(numbers(getComputedStyle(element).color), background);
    const [a, b] = [light(text), light(background)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5)
      found.set(`${element.className || element.tagName} ${contrast.toFixed(1)}`,
                walker.currentNode.data.trim().slice(0, 40));
  }
  return [...found].map(pair => pair.join(": "));
}
"""

# Elements that stick out of the page to the right, save those inside something that scrolls.
STICKING_OUT = """
() => [...document.querySelectorAll("article *")]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility())
  .filter(e => {
    for (let p = e.parentElement; p && p.tagName !== "ARTICLE"; p = p.parentElement)
      if (["auto", "scroll", "hidden"].includes(getComputedStyle(p).overflowX)) return false;
    return true;
  })
  .map(e => `${e.tagName} ${e.className}`)
"""


def test_loads_without_an_error_and_without_another_host(desk) -> None:
    # Pictures load when they come near the screen: come near to all of them.
    desk.page.evaluate(
        "() => document.querySelectorAll('img[loading=lazy]').forEach(i => i.loading = 'eager')"
    )
    desk.page.wait_for_function("() => [...document.images].every(i => i.complete)")
    broken = desk.page.evaluate(
        "() => [...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
    )
    assert desk.errors == []
    assert desk.other_hosts == []
    assert broken == []


def test_every_picture_has_words(desk) -> None:
    # Sphinx writes the file's name where there is no alt text: one word is none.
    silent = desk.page.evaluate(
        "() => [...document.querySelectorAll('article img')]"
        ".filter(i => i.alt.trim().split(/\\s+/).length < 2).map(i => i.src)"
    )
    assert silent == [], "these pictures have no alt text"


def test_pictures_say_what_the_notebook_wrote(desk, path: str) -> None:
    notebook = (ROOT / path).with_suffix(".ipynb")
    if not notebook.exists():
        return
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    written = [
        output["metadata"]["image/png"]["alt"]
        for output in outputs
        if "image/png" in output.get("data", {})
    ]
    shown = desk.page.evaluate(
        "() => [...document.querySelectorAll('.cell_output img')].map(i => i.alt)"
    )
    assert shown == written


def test_headings_form_an_outline(desk) -> None:
    levels = desk.page.evaluate(
        "() => [...document.querySelectorAll('article :is(h1, h2, h3, h4, h5, h6)')]"
        ".map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    jumps = [(a, b) for a, b in pairwise(levels) if b > a + 1]
    assert jumps == [], "heading levels jump"


def test_fits_a_phone(phone) -> None:
    phone.page.evaluate(OPEN_EVERYTHING)
    assert phone.page.evaluate(STICKING_OUT) == []
    assert phone.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


SQUEEZED = """
async () => {
  const pictures = [...document.querySelectorAll("article img")];
  pictures.forEach(picture => picture.loading = "eager");
  await Promise.all(pictures.map(picture => picture.decode()));
  return pictures
    .filter(i => i.clientWidth > 0)
    .filter(i => Math.abs(i.clientWidth / i.clientHeight * i.naturalHeight / i.naturalWidth - 1)
                 > 0.05)
    .map(i => `${i.clientWidth} x ${i.clientHeight}: ${i.alt.slice(0, 60)}`);
}
"""


def test_no_picture_is_squeezed_on_a_phone(phone) -> None:
    assert phone.page.evaluate(SQUEEZED) == []


def test_no_picture_is_squeezed_on_a_desk(desk) -> None:
    assert desk.page.evaluate(SQUEEZED) == []


def test_text_stands_out_in_the_light(desk) -> None:
    assert desk.page.evaluate("() => document.documentElement.dataset.theme") == "light"
    desk.page.evaluate(OPEN_EVERYTHING)
    assert desk.page.evaluate(LOW_CONTRAST) == []


def test_text_stands_out_in_the_dark(phone) -> None:
    assert phone.page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    phone.page.evaluate(OPEN_EVERYTHING)
    assert phone.page.evaluate(LOW_CONTRAST) == []


def test_questions_open_by_keyboard(desk, visit, path: str) -> None:
    if not desk.page.locator(".predict").count():
        return
    page = visit(path).page  # a fresh one: other tests have opened things
    for question in page.locator(".predict").all():
        assert question.get_attribute("role") == "group"
        assert question.get_attribute("aria-label")
        # Tab goes from choice to choice, Enter and Space open one, opening one closes the other.
        choices = question.locator("details")
        choices.nth(0).locator("summary").focus()
        page.keyboard.press("Enter")
        assert choices.nth(0).evaluate("d => d.open")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        assert choices.nth(1).evaluate("d => d.open && d.contains(document.activeElement)")
        assert not choices.nth(0).evaluate("d => d.open")


def test_solutions_wait_until_they_are_asked_for(desk, visit, path: str) -> None:
    if not desk.page.locator(".tag_solution").count():
        return
    page = visit(path).page
    for solution in page.locator(".tag_solution details").all():
        assert not solution.evaluate("d => d.open")
        assert "Show solution" in solution.locator("summary").inner_text()
        solution.locator("summary").focus()
        page.keyboard.press("Enter")
        assert solution.evaluate("d => d.open")


def test_search_finds_a_page(visit) -> None:
    seen = visit("search.html?q=network")
    seen.page.wait_for_selector("#search-results li a")
    assert seen.errors == []
    assert seen.other_hosts == []


def violations(seen) -> list[str]:
    """What axe-core finds against WCAG 2.2 (A and AA) and against good practice."""
    found = Axe().run(seen.page).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


def test_axe_finds_nothing_on_a_desk(desk) -> None:
    assert violations(desk) == []


def test_axe_finds_nothing_on_a_phone_in_the_dark(phone) -> None:
    assert violations(phone) == []


def test_the_keyboard_reaches_the_text_and_the_next_chapter(visit, path: str) -> None:
    page = visit(path).page
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent.trim()") == (
        "Skip to main content"
    )
    page.keyboard.press("Enter")
    inside, onward = False, not page.locator("a.right-next").count()
    for _ in range(600):
        page.keyboard.press("Tab")
        # An explorer is a frame with a process of its own: on the way there, nothing has the focus.
        found = page.evaluate(
            "async () => { const nothing = () => document.activeElement === document.body;"
            " const moment = () => new Promise(go => setTimeout(go, 20));"
            " for (let i = 0; i < 50 && nothing(); i++) await moment();"
            " const e = document.activeElement;"
            " return [Boolean(e.closest('article')), e.matches('a.right-next'),"
            " e === document.body, e.matches(':focus-visible, iframe')]; }"
        )
        inside |= found[0]
        onward |= found[1]
        if found[2] or (inside and onward):
            break
        assert found[3], "the focus can be seen"
    assert onward
