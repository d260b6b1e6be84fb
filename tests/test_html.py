"""Pages make no requests, and equal content gives equal bytes."""

import base64
import io
import re

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ganjax import html
from ganjax.disclosure import Disclosure

ORIGIN = Disclosure("<run>", step=3)


def drawn():
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.plot([0, 1], [1, 0], "o-", label="<descent> & ascent")
    axes.scatter([0, 1], [0, 1], color="black", rasterized=True)
    axes.legend(frameon=False)
    return figure


def test_a_page_says_what_it_is_given():
    text = html.page(
        "a < b", '<main id="main">body</main>', disclosure=ORIGIN, lang="ko", script="1;"
    )
    assert text.startswith("<!DOCTYPE html>")
    assert '<html lang="ko">' in text
    assert "<title>a &lt; b</title>" in text
    assert "<script>\n1;\n</script>" in text
    assert "<script" not in html.page("title", "", disclosure=ORIGIN)


def test_a_page_asks_for_nothing():
    """Neither by an address nor by the browser's own wish for an icon."""
    svg = html.figure_svg(drawn(), "lines", name="one")
    png = html.image_png(np.zeros((2, 2, 1), np.uint8), "black", disclosure=ORIGIN)
    text = html.page("title", svg + png, disclosure=ORIGIN)
    targets = re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(([^)]*)\)", text)
    assert targets
    for target in (a or b for a, b in targets):
        assert target.startswith(("data:", "#")), target
    assert "default-src 'none'" in text


def test_figures_are_the_same_bytes_and_take_the_pages_ink():
    first, again = (html.figure_svg(drawn(), 'a "b"', name="one") for _ in range(2))
    assert first == again
    assert "#000000" not in first
    assert 'fill="currentColor"' in first
    assert "#ffffff" not in first  # no background of its own
    assert "&lt;descent&gt; &amp; ascent" in first  # text is text
    assert 'aria-label="a &quot;b&quot;"' in first
    assert "data:image/png;base64," in first  # the points
    assert "<metadata>" not in first
    assert "pt" not in first[: first.index(">")]  # no size in its first tag


def test_figures_of_one_page_share_no_id_and_find_their_own():
    svgs = [html.figure_svg(drawn(), "lines", name=name) for name in ("one", "two")]
    ids = [set(re.findall(r'(?<![\w-])id="([^"]*)"', svg)) for svg in svgs]
    assert not ids[0] & ids[1]
    for own, svg in zip(ids, svgs, strict=True):
        used = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', svg))
        assert {a or b for a, b in used} <= own


def test_an_image_comes_back_as_it_was():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    tag = html.image_png(image, "<ramp>", disclosure=ORIGIN)
    assert 'width="4" height="2" alt="&lt;ramp&gt;"' in tag
    data = base64.b64decode(re.search(r"base64,([^\"]*)", tag)[1])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), image)


def test_inks_and_papers_are_far_apart():
    """WCAG's contrast of text on its background, 4.5 at least, in both schemes."""

    def luminance(colour):
        parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    blocks = re.findall(r":root \{([^}]*#\w{6}[^}]*)\}", html.STYLE)
    assert len(blocks) == 2
    for block in blocks:
        colours = dict(re.findall(r"--(\w+): (#\w{6});", block))
        paper = luminance(colours["paper"])
        for ink in ("ink", "soft", "link", "good", "bad"):
            high, low = sorted((luminance(colours[ink]), paper), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, colours[ink])
