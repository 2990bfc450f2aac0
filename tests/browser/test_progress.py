"""A reader's predictions stay on the reader's machine, are counted, and can be forgotten."""

from __future__ import annotations

CHAPTER = "book/steps/1-pretraining.html"
PROGRESS = "book/back/progress.html"
COUNT = f'[data-page="{CHAPTER.removesuffix(".html")}"] .made'


def test_a_prediction_is_kept_counted_and_forgotten(visit, address) -> None:
    page = visit(CHAPTER).page
    question = page.locator(".predict").first
    question.locator("details").nth(1).locator("summary").click()
    question.locator(".prediction").wait_for()
    question.locator("details").nth(0).locator("summary").click()  # a second look is no prediction

    page.reload()
    marked = page.locator(".predict").first.locator("details:has(.prediction)")
    assert marked.count() == 1
    assert page.locator(".predict").first.locator("details").nth(1).locator(".prediction").count()
    assert not marked.evaluate("choice => choice.open"), "the reader may think again first"

    page.goto(address + PROGRESS)
    assert page.locator(COUNT).inner_text() == "1"
    assert page.locator("#progress-words").inner_text().startswith("You have made 1 of ")
    page.get_by_role("button", name="Forget").click()
    assert page.locator(COUNT).inner_text() == "0"
    assert page.evaluate("() => localStorage.getItem('tl-predictions')") == "{}"


def test_nothing_leaves_the_machine(visit) -> None:
    seen = visit(CHAPTER)
    sent: list[str] = []  # pictures that come near the screen are fetched, and tell nothing
    seen.page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    seen.page.locator(".predict summary").first.click()
    seen.page.locator(".prediction").wait_for()
    assert [one for one in sent if not one.startswith("GET") or "/_images/" not in one] == []


def test_without_storage_only_the_first_choice_is_the_prediction(visit, address) -> None:
    page = visit(PROGRESS).page
    page.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); }"
    )
    page.goto(address + CHAPTER)
    question = page.locator(".predict").first
    for choice in (1, 0):
        question.locator("details").nth(choice).locator("summary").click()
    question.locator(".prediction").wait_for()
    assert question.locator(".prediction").count() == 1
    assert question.locator("details").nth(1).locator(".prediction").count() == 1


def test_another_tab_is_followed(visit, address) -> None:
    page = visit(CHAPTER).page
    page.locator(".predict summary").first.click()
    page.locator(".prediction").wait_for()
    page.evaluate("() => { localStorage.clear(); dispatchEvent(new StorageEvent('storage')); }")
    assert page.locator(".prediction").count() == 0


def test_without_storage_the_questions_work(visit, address) -> None:
    page = visit(PROGRESS).page
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused'); }})"
    )
    errors: list[str] = []  # those of the theme's scripts are not ours
    page.on("pageerror", lambda error: errors.append(error.stack or ""))
    page.goto(address + CHAPTER)
    page.locator(".predict summary").first.click()
    assert page.locator(".predict details").first.evaluate("choice => choice.open")
    assert [error for error in errors if "predict.js" in error] == []
