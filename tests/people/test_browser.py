"""The page for judges in headless Chromium, by keyboard, mouse and touch.

Needs what tests/report/test_browser.py needs.
"""

import json
import os
import shutil

import numpy as np
import pytest

from ganjax import people

pytestmark = [pytest.mark.slow, pytest.mark.telling]
api = pytest.importorskip("playwright.sync_api", reason="install the extra `browser`")
REFUSED = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("refused", "SecurityError"); } });"""


@pytest.fixture(scope="module")
def browser():
    named = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=named, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page of few images; at the end it has made no request and logged nothing."""
    contexts, logged, requests = [], [], []

    def opens(options=None, script="", **study):
        rng = np.random.default_rng(0)
        real, fake = rng.uniform(-1, 1, (2, 5, 8, 8, 1)).astype(np.float32)
        made = people.study(real, {"run": fake}, practice=1, **study)
        path = tmp_path / "page.html"
        path.write_text(made.page, encoding="utf-8")
        key = {**made.key, "runs": [{"name": "run", "scores": {"modes": 1.0}}]}
        (tmp_path / "page.key.json").write_text(json.dumps(key), encoding="utf-8")
        context = browser.new_context(**(options or {}))
        contexts.append(context)
        context.add_init_script(script)
        page = context.new_page()
        page.on("console", lambda message: logged.append(message.text))
        page.on("pageerror", lambda error: logged.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"file://{path}")
        return page, key

    yield opens
    assert logged == []
    assert {url for url in requests if not url.startswith("data:")} == {
        f"file://{tmp_path / 'page.html'}"
    }
    for context in contexts:
        context.close()


def begin(page, expert):
    page.check(f"input[value={expert}]")
    page.click("#intro button")


def until(page, condition):
    """Waits for a condition in the page, whose policy forbids `wait_for_function`."""
    for _ in range(500):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(10)
    pytest.fail(f"never: {condition}")


def answer_all(page, answer, count):
    """Answers images until so many are done; each takes effect before the next."""
    for _ in range(count):
        until(page, "ready && performance.now() - shown > TOO_FAST")
        before = page.evaluate("session.practised + session.answers.length")
        answer()
        until(page, f"session.practised + session.answers.length > {before}")


def saved(page, folder):
    with page.expect_download() as download:
        page.click("#save")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_session_by_keyboard_that_a_reload_interrupts(opened, tmp_path):
    """Everything is called generated: every real image is judged wrongly."""
    page, key = opened()
    begin(page, "yes")
    page.wait_for_selector("#judging")
    page.keyboard.press("Control+ArrowRight")
    assert page.text_content("#place") == "Practice 1 / 2"
    answer_all(page, lambda: page.keyboard.press("ArrowRight"), 2 + 3)
    assert page.text_content("#place") == "4 / 8"
    shown = page.evaluate("item.id")
    page.reload()
    page.wait_for_selector("#resumed")
    assert page.text_content("#place") == "4 / 8"
    assert page.evaluate("item.id") == shown
    answer_all(page, lambda: page.keyboard.press("ArrowRight"), 5)
    assert page.text_content("#thanks") == "Thank you. 8 of 8 images are judged."
    answers = people.read_answers([saved(page, tmp_path)])
    assert answers[0].expert
    assert set(answers[0].said) == set(key["images"])
    result = people.pooled(people.find_key(answers, [tmp_path]), answers)
    rates = {row["of"]: row["rate"] for row in result["rates"] if row["by"] == "experts"}
    assert rates == {"all": 0.5, "real": 1.0, "generated": 0.0}
    page.reload()  # the end stays the end
    page.wait_for_selector("#end")
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#again")
    page.wait_for_selector("#intro")


def test_a_session_by_mouse_that_stops_early(opened, tmp_path):
    page, _ = opened()
    begin(page, "no")
    answer_all(page, lambda: page.click("#real"), 2)
    assert "The last image was" in page.text_content("#feedback")  # of practice alone
    answer_all(page, lambda: page.click("#real"), 2)
    page.click("#stop")
    path = saved(page, tmp_path)
    assert path.read_text(encoding="utf-8") == page.input_value("#text")
    (answers,) = people.read_answers([path])
    assert not answers.expert
    assert list(answers.said.values()) == ["real", "real"]


def test_a_session_by_touch_on_a_phone(opened):
    """In Korean; buttons are at least 44 pixels (WCAG 2.2, 2.5.5), all of it fits 400 pixels."""
    page, _ = opened(
        {"viewport": {"width": 400, "height": 700}, "has_touch": True, "is_mobile": True},
        language="ko",
    )
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.tap("input[value=no]")
    page.tap("#intro button")
    page.wait_for_selector("#judging")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    for name in ("#real", "#generated", "#stop"):
        box = page.locator(name).bounding_box()
        assert min(box["width"], box["height"]) >= 44
        assert box["y"] + box["height"] <= 700
    answer_all(page, lambda: page.tap("#generated"), 10)
    assert "8" in page.text_content("#thanks")


def test_a_browser_that_refuses_storage(opened, tmp_path):
    page, key = opened(script=REFUSED)
    page.wait_for_selector("#volatile")
    begin(page, "no")
    answer_all(page, lambda: page.keyboard.press("ArrowLeft"), 10)
    (answers,) = people.read_answers([saved(page, tmp_path)])
    assert len(answers.said) == len(key["images"])


def test_exposures_follow_the_answers(opened, tmp_path):
    """Three right answers shorten them, a wrong one lengthens them; buttons wait for the image."""
    page, key = opened(staircase=people.Staircase(start=120))
    begin(page, "no")
    assert page.is_disabled("#real")
    answer_all(page, lambda: page.keyboard.press("ArrowLeft"), 2)
    truth = {name: "real" if of == "real" else "generated" for name, of in key["images"].items()}
    for wanted in (True, True, True, False, True):
        until(page, "ready")
        right = truth[page.evaluate("item.id")]
        said = right if wanted else {"real": "generated", "generated": "real"}[right]
        answer_all(page, lambda said=said: page.click(f"#{said}"), 1)
        verdict = "Right." if wanted else "Wrong."
        assert page.text_content("#feedback").startswith(verdict)
    page.click("#stop")
    path = saved(page, tmp_path)
    (answers,) = people.read_answers([path])
    assert answers.exposures == (120, 120, 120, 100, 110)
    rows = json.loads(path.read_text(encoding="utf-8"))["answers"]
    assert all(row["exposure"] - 17 <= row["seen"] for row in rows)
