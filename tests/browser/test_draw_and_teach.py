"""The lab's first page, driven as a reader does, and held against PyTorch."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page

import tl_teach as tl
from tl_teach.networks.safetensors import save_safetensors

PAGE = "book/lab/draw-and-teach.html"
MINUTE = 60_000


@pytest.fixture(scope="module")
def lab(visit: Callable) -> Iterator[Page]:
    seen = visit(PAGE)
    settle(seen.page)
    yield seen.page
    assert seen.errors == []
    assert seen.other_hosts == []


def settle(page: Page) -> None:
    """Wait until the page computes nothing more: before, it may move under mouse and finger."""
    page.wait_for_function("() => Lab.ready")
    page.wait_for_function(
        "() => document.getElementById('lab-progress').textContent.startsWith('Judged by 500')",
        timeout=3 * MINUTE,
    )


def as_text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def pictures(count: int) -> torch.Tensor:
    split = tl.load_task("handwriting").validation
    return torch.stack([split[i][0] for i in range(count)])


def test_logits_are_those_of_pytorch(lab: Page) -> None:
    net, x = tl.load_network("letters-resnet"), pictures(200)
    with torch.no_grad():
        expected = net(x).numpy()
    found = lab.evaluate(
        """text => {
          const x = new Float32Array(Lab.bytes(text).buffer);
          const state = Lab.readSafetensors(Lab.bytes(LabData.network));
          const folded = Lab.foldNetwork(state);
          return Array.from({length: x.length / 784}, (_, i) =>
            [...Lab.logits(state, folded, x.subarray(784 * i, 784 * (i + 1)))]);
        }""",
        as_text(x.numpy()),
    )
    assert np.abs(np.array(found) - expected).max() < 1e-4


@pytest.mark.parametrize("after", ["block2", None])
def test_slopes_are_those_of_pytorch(lab: Page, after: str | None, tmp_path) -> None:
    net = tl.replace_head(tl.load_network("letters-resnet"), 10)
    x, labels = pictures(6), torch.tensor([3, 1, 4, 1, 5, 9])
    with torch.no_grad():
        crossing = x if after is None else net.run(x, through=after)
    loss = torch.nn.functional.cross_entropy(net.run(crossing, after=after), labels)
    loss.backward()
    head = torch.cat([net.head.output.weight.flatten(), net.head.output.bias]).detach().double()
    found = lab.evaluate(
        """({state, head, after, inputs, labels}) => {
          const all = Lab.readSafetensors(Lab.bytes(state));
          const x = new Float32Array(Lab.bytes(inputs).buffer), width = x.length / labels.length;
          const flat = new Float64Array(Lab.bytes(head).buffer);
          const stages = Lab.STAGES.slice(after === null ? 0 : Lab.STAGES.indexOf(after) + 1, -1);
          const found = Lab.batchSlopes(all, Lab.foldNetwork(all), {flat, classes: 10, width: 64},
            stages, after, labels.map((_, i) => x.subarray(i * width, (i + 1) * width)), labels);
          return {loss: found.loss, head: [...found.head],
            slopes: Object.entries(found.slopes).map(([name, slope]) => [name, [...slope]])};
        }""",
        {
            "state": base64.b64encode(
                save_safetensors(net.state_dict(), tmp_path / "net.safetensors").read_bytes()
            ).decode(),
            "head": as_text(head.numpy()),
            "after": after,
            "inputs": as_text(crossing.numpy()),
            "labels": labels.tolist(),
        },
    )
    assert found["loss"] == pytest.approx(loss.item(), abs=1e-5)
    expected = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
    slopes = dict(found["slopes"])
    assert set(slopes) == {name for name in expected if "head" not in name}
    for name, slope in slopes.items():
        theirs = expected[name].flatten().numpy()
        assert np.abs(np.array(slope) - theirs).max() < 1e-6 + 1e-5 * np.abs(theirs).max(), name
    parts = ("weight", "bias")
    theirs = torch.cat([expected[f"stages.head.output.{part}"].flatten() for part in parts])
    assert np.abs(np.array(found["head"]) - theirs.numpy()).max() < 1e-6


def test_the_head_is_the_best_there_is(lab: Page) -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 12)).astype(np.float32)
    labels, decay = rng.integers(4, size=60), 1e-2
    found = lab.evaluate(
        """({text, labels, decay}) => {
          const x = new Float32Array(Lab.bytes(text).buffer);
          const rows = labels.map((_, i) => x.subarray(12 * i, 12 * (i + 1)));
          const head = Lab.solveHead(rows, labels, 4, decay);
          return {loss: head.loss, flat: [...head.flat]};
        }""",
        {"text": as_text(x), "labels": labels.tolist(), "decay": decay},
    )
    best = LogisticRegression(C=1 / (decay * 60), tol=1e-10, max_iter=5000).fit(x, labels)
    weights = np.array(found["flat"])[:48].reshape(4, 12)
    assert np.abs(weights - best.coef_).max() < 1e-3


def test_pictures_are_packed_without_loss(lab: Page) -> None:
    task = tl.load_task("handwriting")
    ones = (task.train.targets == 1).nonzero()[0].item()
    found = lab.evaluate(
        "async () => [...Lab.pictures(await Lab.unpack(LabData.digits))[1]]",
    )
    assert found == task.train.pixels(ones).flatten().tolist()


def test_held_out_digits_are_no_examples(lab: Page) -> None:
    texts = lab.evaluate(
        "async () => Lab.pictures(await Lab.unpack(LabData.digits)).map(p => p.join(','))"
    )
    assert len(texts) == 560
    assert not set(texts[:60]) & set(texts[60:])


def test_a_stroke_lies_where_mnist_puts_it(lab: Page) -> None:
    pixels = np.array(
        lab.evaluate("() => [...Lab.rasterise([[[0.1, 0.1], [0.15, 0.9]], [[0.1, 0.5]]])]")
    ).reshape(28, 28)
    rows, _ = np.nonzero(pixels)
    assert 19 <= np.ptp(rows) + 1 <= 22
    ys, xs = np.indices((28, 28)) + 0.5
    assert (ys * pixels).sum() / pixels.sum() == pytest.approx(14, abs=0.1)
    assert (xs * pixels).sum() / pixels.sum() == pytest.approx(14, abs=0.1)
    assert pixels.max() == 255


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    canvas = page.locator("#lab-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def reads(page: Page, words: str) -> None:
    page.wait_for_function(
        "words => document.getElementById('lab-answer').textContent.includes(words)", arg=words
    )


def test_a_stroke_is_answered_with_the_next_picture_of_the_screen(lab: Page) -> None:
    lab.click("#lab-clear")
    reads(lab, "Draw something")
    answer = lab.evaluate(
        """async () => {
          const canvas = document.getElementById("lab-canvas");
          const box = canvas.getBoundingClientRect();
          canvas.setPointerCapture = () => {};  // there is no pointer to capture
          const send = (kind, y) => canvas.dispatchEvent(new PointerEvent(kind, {
            bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + y * box.height }));
          send("pointerdown", 0.1);
          for (const y of [0.3, 0.5, 0.7, 0.9]) send("pointermove", y);
          send("pointerup", 0.9);
          await new Promise(requestAnimationFrame);
          delete canvas.setPointerCapture;
          return document.getElementById("lab-answer").textContent;
        }"""
    )
    assert "see" in answer
    assert "channels" in lab.locator("#lab-maps-block3").get_attribute("aria-label")
    lab.click("#lab-clear")
    reads(lab, "Draw something")


def test_the_pen_moves_by_keyboard(lab: Page) -> None:
    lab.click("#lab-clear")
    reads(lab, "Draw something")
    lab.focus("#lab-canvas")
    lab.keyboard.press("Space")
    for _ in range(8):
        lab.keyboard.press("ArrowDown")
    lab.keyboard.press("Space")
    lab.keyboard.press("ArrowLeft")
    reads(lab, "see")
    assert lab.locator("#lab-seen").get_attribute("aria-label") == "What the network sees of it"
    lab.click("#lab-clear")


SEND = """(canvas, [kind, x, y, more]) => {
  const box = canvas.getBoundingClientRect();
  canvas.setPointerCapture = () => {};  // there is no pointer to capture
  canvas.dispatchEvent(new PointerEvent(kind, {bubbles: true, clientX: box.x + x * box.width,
    clientY: box.y + y * box.height, pointerId: 1, ...more}));
  delete canvas.setPointerCapture;
}"""


def test_a_second_finger_and_another_button_draw_nothing(lab: Page) -> None:
    lab.click("#lab-clear")
    reads(lab, "Draw something")
    canvas = lab.locator("#lab-canvas")
    strokes = "() => document.getElementById('lab-seen').getAttribute('aria-label')"
    canvas.evaluate(SEND, ["pointerdown", 0.5, 0.5, {"button": 2}])
    canvas.evaluate(SEND, ["pointerup", 0.5, 0.5, {"button": 2}])
    lab.wait_for_timeout(100)
    assert lab.evaluate(strokes) == "What the network sees: nothing yet"
    drawn = "canvas => canvas.toDataURL()"
    canvas.evaluate(SEND, ["pointerdown", 0.3, 0.2, {}])
    canvas.evaluate(SEND, ["pointermove", 0.3, 0.8, {}])
    alone = canvas.evaluate(drawn)
    canvas.evaluate(SEND, ["pointerdown", 0.9, 0.5, {"pointerId": 2}])
    canvas.evaluate(SEND, ["pointermove", 0.8, 0.6, {"pointerId": 2}])
    canvas.evaluate(SEND, ["pointerup", 0.8, 0.6, {"pointerId": 2}])
    assert canvas.evaluate(drawn) == alone
    canvas.evaluate(SEND, ["pointerup", 0.3, 0.8, {}])
    reads(lab, "see")
    lab.click("#lab-clear")
    reads(lab, "Draw something")


def test_a_borrowed_digit_stays_held_out(lab: Page) -> None:
    lab.click("text=Take a handwritten digit")
    reads(lab, "Its writer meant")
    lab.click("text=One of each")
    taught(lab, 10)
    reads(lab, "I read")
    reads(lab, "Its writer meant")
    assert lab.locator("#lab-names button:not([disabled])").count() == 0
    lab.focus("#lab-canvas")
    lab.keyboard.press("ArrowLeft")  # the pen is up: nothing is drawn
    lab.wait_for_timeout(100)
    reads(lab, "Its writer meant")
    lab.click("#lab-clear")
    reads(lab, "Draw something")


def test_no_example_no_score_and_no_training(lab: Page) -> None:
    lab.click("text=Six of each")
    lab.wait_for_timeout(150)
    lab.click("#lab [data-take='0']")
    lab.wait_for_timeout(3000)  # what was under way comes too late
    assert lab.locator("#lab-score").inner_text() == "No examples yet."
    assert lab.locator("#lab-save").is_disabled() and lab.locator("#lab-train").is_disabled()
    assert score(lab, "copied, frozen", 0) is None


def score(page: Page, way: str, examples: int) -> float | None:
    """What the table says of one way with so many examples."""
    rows = page.locator("#lab-table").evaluate(
        "body => [...body.rows].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    matches = [right for name, count, right in rows if (name, count) == (way, str(examples))]
    return float(matches[0].rstrip(" %")) / 100 if matches else None


def taught(page: Page, examples: int, start: str = "copied, frozen") -> None:
    page.wait_for_function(
        """([way, examples]) => [...document.querySelectorAll("#lab-table tr")].some(row =>
             row.children[0].textContent === way && row.children[1].textContent === examples)""",
        arg=[start, str(examples)],
        timeout=2 * MINUTE,
    )


def test_what_was_judged_in_part_is_no_score(visit: Callable) -> None:
    page = visit(PAGE).page
    page.wait_for_function("() => Lab.ready")
    page.click("text=One of each")
    told, rows = page.wait_for_function(
        """() => {
          const told = document.getElementById("lab-score").textContent;
          const rows = [...document.getElementById("lab-table").rows].map(row => row.innerHTML);
          return told.includes("held-out") && [told, rows];
        }"""
    ).json_value()
    known = any("copied, frozen" in row for row in rows)
    assert known == ("of 500 held-out" in told)


def test_a_few_examples_teach_it_digits(lab: Page) -> None:
    lab.click("text=One of each")
    for way in ("copied, frozen", "random, frozen", "raw pixels"):
        taught(lab, 10, way)
    copied, random, pixels = (
        score(lab, way, 10) for way in ("copied, frozen", "random, frozen", "raw pixels")
    )
    assert copied > 0.5 and copied > pixels + 0.1 and pixels > random
    lab.click("text=Six of each")
    taught(lab, 60)
    assert score(lab, "copied, frozen", 60) > copied + 0.05
    assert "60 examples" in lab.locator("#lab-score").inner_text()
    assert "copied, frozen" in lab.locator("#lab-chart").get_attribute("aria-label")


def test_the_accuracy_is_that_of_the_library(lab: Page) -> None:
    """The same examples and the same held-out digits, in Python."""
    lab.click("text=One of each")
    taught(lab, 10)
    task = tl.load_task("handwriting")
    net = tl.load_network("letters-resnet")

    def features(split, count):
        rows = [(split.targets == d).nonzero()[:count, 0].tolist() for d in range(10)]
        places = [rows[d][turn] for turn in range(count) for d in range(10)]
        with torch.no_grad():
            maps = net.run(torch.stack([split[i][0] for i in places]), through="block3")
        return maps.mean((2, 3)).numpy(), np.array([int(split.targets[i]) for i in places])

    from sklearn.linear_model import LogisticRegression

    x, y = features(task.train, 1)
    head = LogisticRegression(C=1 / (1e-3 * 10), tol=1e-8, max_iter=5000).fit(x, y)
    held, labels = features(task.validation, 50)
    assert score(lab, "copied, frozen", 10) == pytest.approx(head.score(held, labels), abs=0.015)


def test_own_drawings_count_as_well(lab: Page) -> None:
    lab.click("text=None")
    for digit, points in (
        (1, [(0.5, 0.1), (0.5, 0.9)]),
        (7, [(0.2, 0.15), (0.8, 0.15), (0.4, 0.9)]),
    ):
        draw(lab, points)
        lab.wait_for_function("() => !document.querySelector('#lab-names button').disabled")
        lab.get_by_role("button", name=f"My drawing is a {digit}").click()
    taught(lab, 2)
    draw(lab, [(0.55, 0.1), (0.5, 0.9)])
    reads(lab, "I read 1")
    lab.get_by_role("button", name="Remove my drawing of 7").click()
    assert lab.locator("#lab-own button").count() == 1
    focused = "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.id"
    assert lab.evaluate(focused) == "Remove my drawing of 1", "not back at the top of the page"
    lab.get_by_role("button", name="Remove my drawing of 1").click()
    assert lab.evaluate(focused) == "lab-clear"
    lab.click("#lab-clear")


def test_the_boundary_moves_and_the_last_block_learns(lab: Page, tmp_path) -> None:
    lab.click("text=One of each")
    taught(lab, 10)
    assert lab.locator("#lab-train").is_disabled()
    lab.focus("#lab-boundary")
    lab.keyboard.press("ArrowLeft")
    assert lab.locator("#lab-boundary").get_attribute("aria-valuetext") == "frozen through block2"
    assert lab.locator("[name=lab-change][value=trainable]").is_checked()
    lab.click("#lab-train")
    lab.wait_for_function(
        "() => document.getElementById('lab-training').textContent.startsWith('Trained in')",
        timeout=4 * MINUTE,
    )
    assert score(lab, "copied, trained", 10) > 0.4
    net = tl.load_network("letters-resnet", weights=saved(lab, tmp_path))
    before = tl.load_network("letters-resnet")
    for stage in ("stem", "block1", "block2"):
        assert tl.fingerprint(net.stages[stage]) == tl.fingerprint(before.stages[stage])
    assert tl.fingerprint(net.stages["block3"]) != tl.fingerprint(before.stages["block3"])
    split = tl.load_task("handwriting").validation
    rows = [(split.targets == d).nonzero()[:50, 0].tolist() for d in range(10)]
    places = sorted(place for row in rows for place in row)
    with torch.no_grad():
        right = net(torch.stack([split[i][0] for i in places])).argmax(1) == split.targets[places]
    assert right.float().mean().item() == pytest.approx(
        score(lab, "copied, trained", 10), abs=0.006
    )

    # What was trained belongs to its boundary: elsewhere the copied stages are shown and saved.
    lab.locator("[name=lab-change][value=frozen]").check()
    lab.focus("#lab-boundary")
    for key in ("ArrowLeft", "ArrowLeft"):
        lab.keyboard.press(key)
    assert lab.locator("#lab-boundary").get_attribute("aria-valuetext") == "frozen through block1"
    other = tl.load_network("letters-resnet", weights=saved(lab, tmp_path))
    assert tl.fingerprint(other.stages["block3"]) == tl.fingerprint(before.stages["block3"])
    lab.focus("#lab-boundary")
    lab.keyboard.press("ArrowRight")
    again = tl.load_network("letters-resnet", weights=saved(lab, tmp_path))
    assert tl.fingerprint(again.stages["block3"]) == tl.fingerprint(net.stages["block3"])


def saved(page: Page, folder) -> str:
    with page.expect_download() as download:
        page.click("#lab-save")
    path = folder / "digits.safetensors"
    download.value.save_as(path)
    return str(path)


def test_what_was_learned_opens_in_the_library(lab: Page, tmp_path) -> None:
    lab.locator("[name=lab-change][value=frozen]").check()
    lab.click("text=Three of each")
    taught(lab, 30)
    path = saved(lab, tmp_path)
    net = tl.open_network(path)
    assert net.classes == tuple("0123456789")
    assert net.preprocess == tl.load_network("letters-resnet").preprocess
    assert set(net.state_dict()) == set(tl.load_network("letters-resnet").state_dict())
    task = tl.load_task("handwriting", labels_per_class=5)
    assert tl.evaluate(net, task.validation).score == pytest.approx(
        score(lab, "copied, frozen", 30), abs=0.06
    )


def test_a_finger_draws_and_does_not_scroll(browser: Browser, address: str) -> None:
    context = browser.new_context(
        viewport={"width": 375, "height": 800}, has_touch=True, is_mobile=True
    )
    try:
        page = context.new_page()
        page.goto(address + PAGE)
        settle(page)
        page.locator("#lab-canvas").scroll_into_view_if_needed()
        box, before = page.locator("#lab-canvas").bounding_box(), page.evaluate("() => scrollY")
        assert box
        finger = context.new_cdp_session(page)

        def touch(kind: str, height: float | None = None) -> None:
            place = {"x": box["x"] + box["width"] / 2}
            points = [] if height is None else [place | {"y": box["y"] + height * box["height"]}]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", 0.9)
        for height in (0.7, 0.5, 0.3, 0.1):
            touch("touchMove", height)
        touch("touchEnd")
        reads(page, "see")
        assert page.evaluate("() => scrollY") == before
        for _ in range(5):  # the browser takes a tap that comes too soon for a part of the stroke
            page.wait_for_timeout(500)
            page.get_by_role("button", name="My drawing is a 1").tap()
            page.wait_for_timeout(500)
            if page.locator("#lab-own button").count():
                break
        taught(page, 1)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    finally:
        context.close()


def test_it_goes_on_without_a_connection(visit: Callable) -> None:
    page = visit(PAGE).page
    page.wait_for_function("() => Lab.ready")
    page.context.set_offline(True)
    page.click("text=One of each")
    taught(page, 10)
    page.locator("#lab-boundary").press("ArrowLeft")
    page.click("#lab-train")
    page.wait_for_function(
        "() => /^Step|^Trained/.test(document.getElementById('lab-training').textContent)",
        timeout=2 * MINUTE,
    )
    page.click("#lab-stop")


def test_training_can_be_stopped(visit: Callable) -> None:
    page = visit(PAGE).page
    page.wait_for_function("() => Lab.ready")
    page.click("text=One of each")
    taught(page, 10)
    page.locator("#lab-boundary").press("ArrowLeft")
    page.click("#lab-train")
    assert page.evaluate("() => document.activeElement.id") == "lab-stop"
    page.click("#lab-stop")
    assert page.locator("#lab-training").inner_text() == "Stopped. Nothing was changed."
    progress = "document.getElementById('lab-progress').textContent"
    before = page.evaluate(f"() => {progress}")
    page.wait_for_function(
        f"before => {progress} !== before || {progress}.startsWith('Judged by')",
        arg=before,
        timeout=2 * MINUTE,
    )
    assert page.locator("#lab-training").inner_text() == "Stopped. Nothing was changed."
    assert page.locator("#lab-stop").is_hidden() and page.locator("#lab-train").is_enabled()
    page.wait_for_function("() => document.activeElement.id === 'lab-train'")
    assert score(page, "copied, frozen", 10) is not None
    assert score(page, "copied, trained", 10) is None


def test_it_works_from_a_folder(browser: Browser, site) -> None:
    """Opened from the disk: no server, and whatever would be fetched is refused."""
    context = browser.new_context()
    try:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((site / PAGE).as_uri())
        page.wait_for_function("() => Lab.ready")
        page.click("text=One of each")
        taught(page, 10)
        assert errors == []
    finally:
        context.close()


def test_it_says_what_the_browser_lacks(browser: Browser, site) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        page.add_init_script("delete globalThis.DecompressionStream")
        page.goto((site / PAGE).as_uri())
        assert "lacks DecompressionStream" in page.locator("#lab-trouble").inner_text()
        assert page.locator("#lab").is_hidden()
    finally:
        context.close()


def test_axe_finds_nothing(visit: Callable) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for width, scheme in ((1280, "light"), (375, "dark")):
        page = visit(PAGE, width=width, scheme=scheme).page
        page.wait_for_function("() => Lab.ready")
        page.click("text=One of each")
        taught(page, 10)
        found = Axe().run(page, context="article")
        assert found.violations_count == 0, found.generate_report()
