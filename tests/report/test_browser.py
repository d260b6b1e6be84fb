"""Pages in headless Chromium: they work, say nothing to the console and ask for nothing.

Needs the `browser` extra and a Chromium: the one that CHROMIUM names, one of the system's, or that
of `playwright install chromium`. `--page PATH` tests the page of an older comparison.
"""

import os
import re
import shutil

import pytest
from marks import telling

from ganjax import comparison, experiment, report, sweep, train

pytestmark = pytest.mark.slow
api = pytest.importorskip("playwright.sync_api", reason="install the extra `browser`")

VIEWS = [(width, scheme) for width in (1280, 400) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def browser():
    named = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=named, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(request, ring, tmp_path_factory):
    if request.config.getoption("--page"):
        return os.path.abspath(request.config.getoption("--page"))
    folder = tmp_path_factory.mktemp("ring")
    asked = {
        "question": "Which rate?",
        "base": "ring",
        "score": "reverse_kl",
        "cells": {"b": {}, "a": {"gen_tx": {"learning_rate": 1e-2}}},
        "seeds": 3,
        "budget": {"steps": 20},
        "looks": 4,
    }
    sweep.run(comparison.resolve(asked, lambda name: ring), folder, "map")
    return report.write(folder).absolute()


@pytest.fixture(scope="module")
def written(ring, product, tmp_path_factory):
    """{kind: path of its page} of a run, and of a product of two factors with ten cells."""
    run = tmp_path_factory.mktemp("run")
    config = {**ring, "steps": 4, "log_every": 2, "sample_every": 2, "evaluate_every": 2}
    train.train(experiment.build(config), run)
    return {kind: report.write(folder) for kind, folder in (("run", run), ("product", product))}


@pytest.fixture(params=VIEWS, ids=lambda view: f"{view[0]}-{view[1]}")
def page(request, browser, path):
    """The open page; at the end it has made no request and logged nothing."""
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    logged, requests = [], []
    page.on("console", lambda message: logged.append(message.text))
    page.on("pageerror", lambda error: logged.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"file://{path}")
    yield page
    assert logged == []
    assert [url for url in requests if not url.startswith("data:")] == [f"file://{path}"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def column(page, number):
    cells = page.locator("table.sortable").first.locator(f"tbody td:nth-child({number})")
    return cells.evaluate_all("cells => cells.map(cell => cell.dataset.key ?? cell.textContent)")


def test_the_table_sorts_by_a_click_and_by_keyboard(page):
    page.click("table.sortable th:nth-child(2) button")
    means = [float(key) for key in column(page, 2)]
    assert len(means) > 1
    assert means == sorted(means)
    page.focus("table.sortable th:nth-child(2) button")
    page.keyboard.press("Enter")
    assert [float(key) for key in column(page, 2)] == sorted(means, reverse=True)
    page.click("table.sortable th:nth-child(1) button")
    assert column(page, 1) == sorted(column(page, 1))


def test_the_axis_of_the_curves_is_chosen(page):
    def shown():
        return page.eval_on_selector_all(
            "[data-choice]:not([hidden])", "parts => parts.map(part => part.dataset.choice)"
        )

    ((what, axis),) = (choice.split("|") for choice in shown())
    assert axis == "steps"
    page.check("input[value='gradient evaluations']")
    assert shown() == [f"{what}|gradient evaluations"]
    page.select_option("select", "loss/gen")
    assert shown() == ["loss/gen|gradient evaluations"]


def lines(page):
    """The lines and bands that are seen, by the ends of their ids."""
    seen = """parts => parts.filter(part => getComputedStyle(part).display !== "none")
      .map(part => part.id.split("-").pop())"""
    ends = page.eval_on_selector_all("[data-choice]:not([hidden]) [id]", seen)
    return {end for end in ends if re.fullmatch(r"(line|band)\d+", end)}


@telling
def test_the_legend_switches_lines_by_keyboard(browser, written):
    """Ten lines have no bands; those that are left have theirs."""
    page = browser.new_page()
    page.goto(f"file://{written['product']}")
    assert lines(page) == {f"line{at}" for at in range(10)}
    page.focus("[data-line='3']")
    page.keyboard.press("Enter")
    assert page.get_attribute("[data-line='3']", "aria-pressed") == "false"
    assert lines(page) == {f"line{at}" for at in range(10) if at != 3}
    page.focus("[data-all=false]")
    page.keyboard.press("Space")
    assert lines(page) == set()
    for number in (1, 8):
        page.focus(f"[data-line='{number}']")
        page.keyboard.press("Space")
    assert lines(page) == {"line1", "band1", "line8", "band8"}
    page.check("input[value='seconds']")
    assert lines(page) == {"line1", "band1", "line8", "band8"}  # of all figures
    page.click("[data-all=true]")
    assert len(lines(page)) == 10
    page.close()


@telling
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("kind", ["run", "product"])
def test_nothing_scrolls_sideways(browser, written, kind, width):
    """Neither the page, folded parts included, nor a table; text is at least 8 pixels high."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(f"file://{written[kind]}")
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    tables = "parts => parts.map(part => [part.ariaLabel, part.scrollWidth - part.clientWidth])"
    assert {over for _, over in page.eval_on_selector_all(".scroll", tables)} == {0}
    heights = "texts => texts.map(text => text.getBoundingClientRect().height)"
    assert min(filter(None, page.eval_on_selector_all("svg text", heights))) >= 8
    page.close()


def test_the_slider_moves_by_keyboard(page):
    def shown():
        return {part.get_attribute("data-at") for part in page.locator("[data-at]:visible").all()}

    if not page.query_selector("input[type=range]"):
        pytest.skip("a page without pictures has no slider")
    (last,) = shown()
    page.focus("input[type=range]")
    page.keyboard.press("ArrowLeft")
    assert shown() == {str(int(last) - 1)}
    assert page.text_content("output").startswith(f"evaluation {int(last) - 1} ")


def test_the_page_is_readable(page):
    """Text is 4.5 times as bright or dark as what it stands on (WCAG 2.2, 1.4.3)."""
    colours = page.evaluate("""() => {
      const read = colour => colour.match(/[\\d.]+/g).map(Number);
      const style = getComputedStyle(document.body);
      const root = getComputedStyle(document.documentElement);
      const see = c => c.length < 4 || c[3] > 0;
      const back = [style, root].map(s => read(s.backgroundColor)).find(see) ?? [255, 255, 255];
      return [read(style.color), back];
    }""")

    def luminance(colour):
        parts = [value / 255 for value in colour[:3]]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted(map(luminance, colours), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
