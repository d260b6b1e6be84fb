"""Self-contained HTML pages: one file without requests, light and dark, on paper, on a phone.

Callers give the content; matplotlib's figures become inline SVG in the page's text colour.
"""

import base64
import html
import io
import re

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.figure import Figure
from PIL import Image

from ganjax.disclosure import MIXED, SYNTHETIC, Disclosure

# Distinct with any colour vision, on white as well as on black (after Okabe and Ito).
COLOURS = ("#3f86c6", "#d4731c", "#1f9e77", "#b565a7", "#8c8c8c", "#b38f00", "#c94f4f")

# Settings of matplotlib for the small figures of a page.
SMALL = {
    "font.size": 9,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
}

# The browser itself then refuses any request.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

# The line under a page, by language; "" stands for all others.
FOOTERS = {"": SYNTHETIC[MIXED], "ko": "합성물: 적어도 일부는 학습된 생성 모델이 만든 것입니다."}

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #ffffff;
  --panel: #f6f8fa; --line: #d0d7de; --link: #0a5cad; --good: #17692f; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #a0a8b2; --paper: #14171b;
  --panel: #1d2127; --line: #3a4048; --link: #79b8ff; --good: #6fd08c; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; background: var(--paper); padding: .3rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; }
td.number, th.number { text-align: right; white-space: nowrap; }
figure { margin: 1rem 0; }
figcaption { color: var(--soft); font-size: .9rem; }
.panels { display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); }
.panels > * { width: 100%; max-width: 30rem; height: auto; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
img { max-width: 100%; height: auto; image-rendering: pixelated; }
@media (max-width: 30rem) { th, td { padding: .25rem .3rem; font-size: .85rem; } }
@media print { :root { --ink: #000; --soft: #333; --paper: #fff; --panel: #fff; --line: #999;
    --link: #000; --good: #000; --bad: #000; }
  body { max-width: none; font-size: 10pt; } .skip, nav { display: none; }
  figure, table, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } }
"""


def escape(text: object) -> str:
    """Text for HTML, between tags or in a quoted attribute."""
    return html.escape(str(text), quote=True)


def page(
    title: str,
    body: str,
    *,
    disclosure: Disclosure,
    lang: str = "en",
    style: str = "",
    script: str = "",
) -> str:
    """A whole page that makes no requests; the same arguments give the same bytes.

    Args:
      title: plain text.
      body: HTML, whose main part has the id "main".
      disclosure: of its content's origin, as `<meta>` and as a line under the page.
      lang: of the text, as in BCP 47, e.g. "en", "ko".
      style: CSS after the common one.
      script: JavaScript, run at the end.
    """
    fields = disclosure._replace(source=MIXED).fields()
    meta = "".join(
        f'<meta name="ganjax:{key}" content="{escape(text)}">\n' for key, text in fields.items()
    )
    origin = (f"{key} {fields[key]}" for key in ("run", "step", "config") if key in fields)
    origin = escape(", ".join((*origin, fields["software"])))
    footer = f"<footer><p>{FOOTERS.get(lang, FOOTERS[''])} <small>{origin}</small></p></footer>\n"
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(lang)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'{meta}<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}{style}</style>\n</head>\n<body>\n{body}\n{footer}"
        + (f"<script>\n{script}\n</script>\n" if script else "")
        + "</body>\n</html>\n"
    )


def figure_svg(figure: Figure, alt: str, *, name: str) -> str:
    """A matplotlib figure as inline SVG: text stays text, and black becomes the text colour.

    Draw many points with `rasterized=True`: they become a picture within the SVG. Draw legends
    without a frame, as the background is the page's.

    Args:
      figure: matplotlib's.
      alt: description for those who do not see it.
      name: of the figure, unique in its page; its ids begin with it.

    Returns:
      `<svg>`; the same figure gives the same bytes.
    """
    settings = {"svg.fonttype": "none", "svg.hashsalt": name}
    with matplotlib.rc_context(settings), io.StringIO() as file:
        figure.savefig(file, format="svg", transparent=True)
        svg = file.getvalue()
    svg = svg[svg.index("<svg") :].rstrip()
    # The metadata contain a date.
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Ids are unique within a figure only, and a page has several.
    svg = re.sub(r'((?<![\w-])id="|href="#|url\(#)', rf"\g<1>{escape(name)}-", svg)
    svg = svg.replace("#000000", "currentColor")
    # Black is SVG's default, which matplotlib leaves out: such parts inherit the root's fill.
    # Without a size in points the page decides; the view box keeps the shape.
    return re.sub(
        r'<svg [^>]*?(viewBox="[^"]*")[^>]*>',
        lambda match: (
            f'<svg {match[1]} role="img" aria-label="{escape(alt)}" fill="currentColor" '
            'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        ),
        svg,
        count=1,
    )


def image_png(image: np.ndarray, alt: str, *, disclosure: Disclosure) -> str:
    """A uint8 image [height, width, 1 or 3] as `<img>` with its PNG inside."""
    image = np.asarray(image)
    with io.BytesIO() as file:
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(
            file, format="PNG", optimize=True, pnginfo=disclosure.png()
        )
        data = base64.b64encode(file.getvalue()).decode()
    height, width = image.shape[:2]
    return (
        f'<img src="data:image/png;base64,{data}" width="{width}" height="{height}" '
        f'alt="{escape(alt)}">'
    )
