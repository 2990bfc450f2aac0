"""The lab's second page: MobileNetV2 in the browser, and files of every kind."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

import tl_teach as tl

from .pages import ROOT

PAGE = "book/lab/your-photographs.html"
MADE = ROOT / "_build" / "html" / "_static" / "lab" / "photographs" / "mobilenet-features.onnx"
MINUTE = 60_000

needs_network = pytest.mark.skipif(not MADE.exists(), reason="`make lab` has not been run")


@pytest.fixture(scope="module")
def plain(visit: Callable) -> Iterator[Page]:
    seen = visit(PAGE)
    yield seen.page
    assert seen.other_hosts == []


@pytest.fixture(scope="module")
def loaded(visit: Callable) -> Iterator[Page]:
    seen = visit(PAGE)
    page = seen.page
    page.click("#photo-load")
    page.wait_for_selector("#photo-lab", timeout=2 * MINUTE)
    yield page
    assert seen.errors == []
    assert seen.other_hosts == []


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes whose header states a picture of any size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def striped(vertical: bool, seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(200) / rng.uniform(3, 5)) * 60
    pixels = np.tile(wave, (200, 1))[..., None] + rng.uniform(60, 160, 3)
    return Image.fromarray(np.uint8(np.clip(pixels if vertical else pixels.swapaxes(0, 1), 0, 255)))


BAD = {
    "empty.jpg": (b"", "is empty"),
    "letter.png": (b"Dear reader, this is no picture at all.", "not a picture"),
    "hostile.svg": (
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>globalThis.hurt = 1</script></svg>",
        "can hold scripts",
    ),
    "hostile.png": (
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='hurt=1'/>",
        "can hold scripts",
    ),
    "large.png": (png_that_claims(10_000, 10_000), "100 megapixels"),
    "moving.gif": (
        encoded(
            striped(True, 0), "GIF", save_all=True, append_images=[striped(False, 1)], duration=90
        ),
        "moves",
    ),
    "moving.webp": (
        encoded(striped(True, 0), "WEBP", save_all=True, append_images=[striped(False, 1)]),
        "moves",
    ),
    "moving.png": (
        encoded(striped(True, 0), "PNG", save_all=True, append_images=[striped(False, 1)]),
        "moves",
    ),
    "cut.jpg": (encoded(striped(True, 0), "JPEG")[:700], "cannot be opened"),
}

OPEN = """
async ({name, data}) => {
  const file = new File([Uint8Array.from(atob(data), c => c.charCodeAt(0))], name);
  try {
    const canvas = await Lab.openPicture(file);
    const pixel = canvas.getContext("2d").getImageData(2, 80, 1, 1).data;
    return [canvas.width, canvas.height, [...pixel]];
  } catch (error) {
    return error instanceof Lab.PictureError ? error.message : `not ours: ${error}`;
  }
}
"""


def opened(page: Page, name: str, data: bytes):
    return page.evaluate(OPEN, {"name": name, "data": base64.b64encode(data).decode()})


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_a_sentence(plain: Page, name: str) -> None:
    data, words = BAD[name]
    answer = opened(plain, name, data)
    assert isinstance(answer, str) and answer.startswith(name) and words in answer
    assert plain.evaluate("() => globalThis.hurt") is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_a_good_file_becomes_a_square(plain: Page, kind: str) -> None:
    image = Image.new("RGB", (300, 200), (200, 30, 30))
    width, height, (red, green, _, _) = opened(plain, f"a.{kind}", encoded(image, kind))
    assert (width, height) == (160, 160)
    assert red > 180 and green < 60


def test_a_photograph_is_turned_upright(plain: Page) -> None:
    image = Image.new("RGB", (200, 200), "black")
    image.paste((255, 255, 255), (0, 0, 200, 100))  # the upper half, before it is turned
    exif = Image.Exif()
    exif[0x0112] = 8  # a quarter turn to the left
    *_, (red, _, _, _) = opened(plain, "a.jpg", encoded(image, "JPEG", exif=exif))
    assert red > 200


def test_nothing_is_loaded_before_the_reader_asks(visit: Callable) -> None:
    page = visit(PAGE).page
    asked = page.evaluate("() => performance.getEntriesByType('resource').map(r => r.name)")
    assert not [name for name in asked if "photographs/" in name]


def test_without_the_network_the_page_says_so(visit: Callable) -> None:
    page = visit(PAGE).page
    page.route("**/photographs/*", lambda route: route.fulfill(status=404, body="none"))
    page.click("#photo-load")
    page.wait_for_selector("#photo-trouble:not([hidden])")
    assert "make lab" in page.locator("#photo-trouble").inner_text()


def test_from_a_folder_the_page_says_what_to_do(browser, site: Path) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto((site / PAGE).as_uri())
        assert "http.server" in page.locator("#photo-trouble").inner_text()
    finally:
        context.close()


@needs_network
def test_the_network_weighs_at_most_five_megabytes() -> None:
    assert MADE.stat().st_size <= 5_000_000


@needs_network
def test_features_are_those_of_pytorch(loaded: Page) -> None:
    import torch
    from torch.nn.functional import cosine_similarity

    net = tl.load_network("mobilenet_v2", image_size=160)
    for seed in range(4):
        pixels = np.array(striped(bool(seed % 2), seed).resize((160, 160)))
        with torch.no_grad():
            expected = net.run(net.preprocess(pixels)[None], through="block6").mean((2, 3))[0]
        found = loaded.evaluate(
            """async text => {
              const image = await createImageBitmap(new Blob(
                [Uint8Array.from(atob(text), c => c.charCodeAt(0))]));
              return [...await Lab.lookAtPhotograph(Lab.middleSquare(image, 160, 160))];
            }""",
            base64.b64encode(encoded(Image.fromarray(pixels), "PNG")).decode(),
        )
        assert cosine_similarity(torch.tensor(found), expected, dim=0) >= 0.999


@needs_network
def test_classes_are_taught_from_files(loaded: Page) -> None:
    files = {
        vertical: [
            {
                "name": f"{i}.png",
                "mimeType": "image/png",
                "buffer": encoded(striped(vertical, i), "PNG"),
            }
            for i in range(4)
        ]
        for vertical in (True, False)
    }
    classes = loaded.locator("#photo-classes fieldset")
    for place, vertical in enumerate((True, False)):
        box = classes.nth(place)
        box.locator("input[type=text]").fill(("upright", "lying")[place])
        box.locator("input[type=file]").set_input_files(files[vertical][:3])
        loaded.wait_for_function(
            "place => document.querySelectorAll('#photo-classes fieldset')[place]"
            ".querySelectorAll('canvas').length === 3",
            arg=place,
        )
    loaded.wait_for_function(
        "() => document.getElementById('photo-score').textContent.includes('Leaving one out')"
    )
    loaded.locator("#photo-question").set_input_files(files[False][3])
    loaded.wait_for_function("() => document.getElementById('photo-answer').textContent")
    assert loaded.locator("#photo-answer").inner_text().startswith("lying")


@needs_network
def test_the_head_goes_on_in_a_notebook(loaded: Page, tmp_path: Path) -> None:
    """After the test above has taught two classes: the page's own cell, run in Python."""
    with loaded.expect_download() as download:
        loaded.click("#photo-save")
    path = tmp_path / "head-from-the-lab.safetensors"
    download.value.save_as(path)
    cell = loaded.locator("#photo-cell").inner_text().replace(path.name, str(path))
    names: dict = {}
    exec(cell, names)
    images = [striped(vertical, 3) for vertical in (True, False)]
    answers = [
        names["net"](names["net"].preprocess(image)[None]).argmax().item() for image in images
    ]
    assert answers == [0, 1]


@needs_network
def test_a_bad_file_is_told_to_everyone(loaded: Page) -> None:
    data, words = BAD["hostile.svg"]
    box = loaded.locator("#photo-classes fieldset").first
    before = box.locator("canvas").count()
    file = {"name": "hostile.svg", "mimeType": "image/svg+xml", "buffer": data}
    box.locator("input[type=file]").set_input_files(file)
    loaded.wait_for_function(
        "words => document.getElementById('photo-status').textContent.includes(words)", arg=words
    )
    assert box.locator("canvas").count() == before


PASTE = """
text => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(text), c => c.charCodeAt(0))], "p.png"));
  dispatchEvent(new ClipboardEvent("paste", {clipboardData: data}));
}
"""


@needs_network
def test_a_picture_can_be_pasted(loaded: Page) -> None:
    box = loaded.locator("#photo-classes fieldset").first
    before = box.locator("canvas").count()
    box.locator("input[type=text]").focus()
    loaded.evaluate(PASTE, base64.b64encode(encoded(striped(True, 9), "PNG")).decode())
    loaded.wait_for_function(
        "n => document.querySelector('#photo-classes fieldset .lab-own').children.length > n",
        arg=before,
    )


DROP = """
([selector, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(text), c => c.charCodeAt(0))], "dropped.png"));
  const drop = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
  document.querySelector(selector).dispatchEvent(drop);
  return drop.defaultPrevented;
}
"""


@needs_network
def test_pictures_can_be_dropped_with_no_connection_left(loaded: Page) -> None:
    box = loaded.locator("#photo-classes fieldset").first
    before = box.locator("canvas").count()
    picture = base64.b64encode(encoded(striped(True, 11), "PNG")).decode()
    loaded.context.set_offline(True)
    try:
        # Or else the browser would leave the page and show the file.
        assert loaded.evaluate(DROP, ["#photo-classes fieldset", picture])
        loaded.wait_for_function(
            "n => document.querySelector('#photo-classes .lab-own').children.length > n", arg=before
        )
        assert loaded.evaluate(DROP, ["#photo-ask", picture])
        loaded.wait_for_selector("#photo-asked canvas")
    finally:
        loaded.context.set_offline(False)


@needs_network
def test_the_camera_gives_examples_and_questions(visit: Callable) -> None:
    page = visit(PAGE).page
    page.context.grant_permissions(["camera"])
    page.click("#photo-load")
    page.wait_for_selector("#photo-lab", timeout=2 * MINUTE)
    page.click("#photo-camera")
    page.wait_for_selector("#photo-film:not([hidden])")
    assert page.locator("#photo-camera").is_disabled(), "a second stream could not be stopped"
    page.click("#photo-keep")  # into the class chosen last, the first one
    page.wait_for_selector("#photo-classes fieldset:first-child canvas")
    picture = base64.b64encode(encoded(striped(True, 1), "PNG")).decode()
    page.evaluate(DROP, ["#photo-classes fieldset:last-child", picture])
    page.wait_for_selector("#photo-classes fieldset:last-child canvas")
    page.click("#photo-shoot")
    answer = page.locator("#photo-answer")
    page.wait_for_function("a => a.textContent.includes('%')", arg=answer.element_handle())
    assert answer.inner_text().startswith("first")
    page.click("#photo-off")
    assert page.locator("#photo-film").is_hidden()
    assert page.locator("#photo-camera").is_enabled()
    live = "() => document.getElementById('photo-video').srcObject.getTracks()[0].readyState"
    assert page.evaluate(live) == "ended"


@needs_network
def test_at_most_five_classes(loaded: Page) -> None:
    while loaded.locator("#photo-add").is_enabled():
        loaded.click("#photo-add")
    assert loaded.locator("#photo-classes fieldset").count() == 5


@needs_network
def test_a_class_can_be_removed_and_two_are_left(loaded: Page) -> None:
    boxes = loaded.locator("#photo-classes fieldset")
    answered = loaded.locator("#photo-answer")
    assert "at least one photograph" in answered.inner_text(), "five classes, three of them empty"
    while boxes.count() > 2:
        boxes.nth(1 if boxes.count() == 5 else 2).get_by_text("Remove this class").click()
    assert boxes.locator("button:visible", has_text="Remove this class").count() == 0
    assert [box.inner_text().split("\n")[0] for box in boxes.all()] == ["Class 1", "Class 2"]
    names = boxes.locator("input[type=text]").evaluate_all("them => them.map(one => one.value)")
    assert names[0] == "upright" and names[1] != "lying"
    assert "is removed" in loaded.locator("#photo-status").inner_text()
    loaded.click("#photo-add")
    assert boxes.nth(2).locator("input[type=text]").input_value() not in names
    boxes.nth(1).get_by_text("Remove this class").click()
    assert loaded.evaluate("() => document.activeElement.id") == "photo-add"
    count = boxes.first.locator("canvas").count()
    loaded.evaluate(PASTE, base64.b64encode(encoded(striped(True, 8), "PNG")).decode())
    boxes.first.locator("canvas").nth(count).wait_for()  # the class chosen last is gone


@needs_network
def test_the_answer_follows_the_classes_and_focus_stays_near(loaded: Page) -> None:
    """Goes on with the class "upright" and an empty one."""
    box = loaded.locator("#photo-classes fieldset").nth(1)
    file = {"name": "1.png", "mimeType": "image/png", "buffer": encoded(striped(False, 5), "PNG")}
    for count in (1, 2):
        box.locator("input[type=file]").set_input_files(file)
        box.locator("canvas").nth(count - 1).wait_for()
    answer = loaded.locator("#photo-answer")
    loaded.wait_for_function("a => a.textContent.includes('%')", arg=answer.element_handle())
    box.locator("input[type=text]").fill("level")
    assert "level" in answer.inner_text()
    thumb = box.locator(".lab-thumb")
    thumb.first.click()
    assert thumb.count() == 1
    assert loaded.evaluate("() => document.activeElement.matches('.lab-thumb')")
    thumb.first.click()
    assert loaded.evaluate("() => document.activeElement.matches('input')")
    assert "at least one photograph" in answer.inner_text()


@needs_network
def test_a_picture_dropped_beside_everything_does_not_end_the_page(loaded: Page) -> None:
    picture = base64.b64encode(encoded(striped(True, 12), "PNG")).decode()
    count = loaded.locator("#photo-classes canvas").count()
    assert loaded.evaluate(DROP, ["h1", picture])
    assert "Drop pictures on" in loaded.locator("#photo-status").inner_text()
    assert loaded.locator("#photo-classes canvas").count() == count


@needs_network
def test_pictures_for_two_classes_at_once_are_all_looked_at(loaded: Page) -> None:
    picture = base64.b64encode(encoded(striped(True, 13), "PNG")).decode()
    count = loaded.locator("#photo-classes canvas").count()
    for place in (1, 2, 1, 2):
        loaded.evaluate(DROP, [f"#photo-classes fieldset:nth-child({place})", picture])
    loaded.wait_for_function(
        "n => document.querySelectorAll('#photo-classes canvas').length === n", arg=count + 4
    )


@needs_network
def test_a_camera_that_is_refused_is_told(loaded: Page) -> None:
    loaded.click("#photo-camera")
    loaded.wait_for_function(
        "() => document.getElementById('photo-answer').textContent.includes('camera cannot')"
    )


@needs_network
def test_axe_finds_nothing(loaded: Page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    # Without preload: axe would ask for style sheets at addresses that do not exist.
    found = Axe().run(loaded, context="article", options={"preload": False})
    assert found.violations_count == 0, found.generate_report()
