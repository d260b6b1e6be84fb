"""The page that judges answer, and its key: which image is real.

All images are tiles of one picture, so that neither the size nor the encoding of a file tells them
apart. The page holds the answers only where it must give feedback, and then as hashes.
"""

import base64
import hashlib
import io
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganjax import html, pictures
from ganjax.checks import one_of, whole
from ganjax.disclosure import MIXED, Disclosure
from ganjax.people.staircase import Staircase

REAL, GENERATED = "real", "generated"
LANGUAGES = ("en", "ko")
MOST_PIXELS = 2**24  # of a picture that every browser shows
SHOWN = 256  # least width of an image in the page, in CSS pixels


class Study(NamedTuple):
    """A page and its key.

    Attributes:
      page: HTML, self-contained.
      key: JSON: the page's digest, the seed, {id: source} of the images, "real" or a generator's
        name, and of the practice images.
    """

    page: str
    key: dict[str, Any]


def study(
    real: np.ndarray,
    generated: Mapping[str, np.ndarray],
    *,
    seed: int = 0,
    language: str = "en",
    practice: int = 0,
    staircase: Staircase | None = None,
) -> Study:
    """A page that shows real and generated images in random order; the same arguments, same bytes.

    Each judge sees the images in an order of their own, from a seed in their answers.

    Args:
      real: images [n, height, width, 1 or 3] in [-1, 1], at least one.
      generated: {name of a generator: images of the same shape}.
      seed: of the places and names of the images.
      language: of `LANGUAGES`.
      practice: the first so many real images, and as many of the first generator, are for practice
        with feedback, and are not scored.
      staircase: of exposure times, with feedback; None for no time limit.

    Raises:
      ValueError: images of different shapes, more pixels than browsers show, or an unknown
        language.
    """
    one_of(LANGUAGES, language=language)
    _check(real, generated, practice)
    x = np.concatenate([real, *generated.values()])
    sources = [REAL] * len(real)
    sources += [name for name, images in generated.items() for _ in images]
    trial = np.ones(len(x), bool)
    trial[:practice] = trial[len(real) : len(real) + practice] = False
    rng = np.random.default_rng(seed)
    places = rng.permutation(len(x))
    tokens = _Tokens(rng)
    images, practised, key = [], [], {}
    for cell, place in enumerate(places):
        name, source = tokens.draw(), sources[place]
        entry: dict[str, Any] = {"id": name, "cell": cell}
        if staircase or not trial[place]:
            entry["token"] = tokens.meaning(source != REAL)
        (images if trial[place] else practised).append(entry)
        if trial[place]:
            key[name] = source
    columns = int(np.ceil(np.sqrt(len(x))))
    content = {
        "salt": tokens.salt,
        "language": language,
        "staircase": staircase._asdict() if staircase else None,
        "columns": columns,
        "height": x.shape[1],
        "width": x.shape[2],
        "images": images,
        "practice": practised,
    }
    atlas = _atlas(x[places], columns)
    whole_page = json.dumps(content, sort_keys=True).encode() + atlas
    content["page"] = hashlib.sha256(whole_page).hexdigest()[:32]
    facts = {"page": content["page"], "seed": seed, "practice": len(practised)}
    return Study(_page(content, atlas), {**facts, "images": dict(sorted(key.items()))})


def _check(real: np.ndarray, generated: Mapping[str, np.ndarray], practice: int) -> None:
    shapes = {images.shape[1:] for images in (real, *generated.values())}
    if len(shapes) > 1 or REAL in generated:
        raise ValueError(f"expected generators not named {REAL!r} and one shape, got {shapes}")
    whole(0, min(len(real), len(next(iter(generated.values())))) - 1, practice=practice)
    count = len(real) + sum(map(len, generated.values()))
    height, width, _ = real.shape[1:]
    if count * height * width > MOST_PIXELS:
        raise ValueError(
            f"{count} images of {height}x{width} pixels are too many for one page; at most "
            f"{MOST_PIXELS // (height * width)}"
        )


class _Tokens:
    """Random names, and tokens whose hash with the page's salt tells a generated image."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.salt = self.draw()

    def draw(self) -> str:
        return self.rng.bytes(8).hex()

    def meaning(self, generated: bool) -> str:
        while True:
            token = self.draw()
            if bool(_hash(self.salt + token) >> 31) == generated:
                return token


def _hash(text: str) -> int:
    """FNV-1a in 32 bits, as in page.js."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return value


def _atlas(x: np.ndarray, columns: int) -> bytes:
    """Images [n, h, w, c] in [-1, 1] as tiles of one PNG, row by row."""
    pixels = pictures.pixels(x)
    n, height, width, channels = pixels.shape
    rows = -(-n // columns)
    sheet = np.zeros((rows * columns, height, width, channels), np.uint8)
    sheet[:n] = pixels
    sheet = sheet.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    with io.BytesIO() as file:
        Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(file, format="PNG")
        return file.getvalue()


def _page(content: Mapping[str, Any], atlas: bytes) -> str:
    here = Path(__file__).parent
    raw = tomllib.loads((here / f"text_{content['language']}.toml").read_text("utf-8"))
    counts = {"count": len(content["images"]), "practice": len(content["practice"])}
    words = {name: html.escape(text).format_map(_Left(counts)) for name, text in raw.items()}
    width, height = content["width"], content["height"]
    wide = max(width, SHOWN)
    style = (
        f"{(here / 'page.css').read_text('utf-8')}"
        f".stage {{ width: min(100%, {wide}px, {55 * width / height:.1f}vh); }}\n"
    )
    script = "".join(
        f"const {name} = {json.dumps(value, sort_keys=True)};\n"
        for name, value in (("STUDY", content), ("TEXT", raw))
    ).replace("</", "<\\/")
    return html.page(
        raw["title"],
        _body(words, content, atlas),
        disclosure=Disclosure(source=MIXED),
        lang=content["language"],
        style=style,
        script=script + (here / "page.js").read_text("utf-8"),
    )


class _Left(dict):
    """Numbers of a text; those that the page's script fills in are left."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def _body(words: Mapping[str, str], content: Mapping[str, Any], atlas: bytes) -> str:
    lead = [words["lead"], words["timed" if content["staircase"] else "untimed"], words["keys"]]
    if content["practice"]:
        lead.insert(1, words["practice"])
    paragraphs = "\n".join(f"<p>{text}</p>" for text in lead)
    width, height = content["width"], content["height"]
    small = " small" if width < SHOWN else ""
    data = base64.b64encode(atlas).decode()
    return f"""<a class="skip" href="#main">{words["skip"]}</a>
<h1>{words["title"]}</h1>
<noscript><p class="bad">{words["script"]}</p></noscript>
<main id="main">
<p id="volatile" class="bad" role="alert" hidden>{words["volatile"]}</p>
<form id="intro" hidden>
{paragraphs}
<fieldset><legend>{words["expert"]}</legend>
<label><input type="radio" name="expert" value="yes" required> {words["yes"]}</label>
<label><input type="radio" name="expert" value="no" required> {words["no"]}</label></fieldset>
<p class="soft">{words["kept"]}</p>
<button class="main">{words["start"]}</button>
</form>
<div id="judging" hidden>
<p id="resumed" class="soft" hidden>{words["resumed"]}</p>
<p><span id="place"></span> <progress id="progress" aria-labelledby="place"></progress></p>
<div class="stage{small}"><canvas id="image" width="{width}" height="{height}" role="img"
aria-label="{words["image"]}"></canvas><div id="count" aria-live="assertive"></div></div>
<div class="answers"><button type="button" id="real"><kbd>←</kbd> {words["real"]}</button>
<button type="button" id="generated">{words["generated"]} <kbd>→</kbd></button></div>
<p id="feedback" aria-live="polite"></p>
<button type="button" id="stop">{words["stop"]}</button>
</div>
<div id="end" hidden>
<p id="thanks"></p>
<p><a id="save" class="button main">{words["save"]}</a></p>
<p>{words["send"]}</p>
<details><summary>{words["copy"]}</summary><textarea id="text" readonly></textarea></details>
<p><button type="button" id="again">{words["again"]}</button></p>
</div>
</main>
<img id="atlas" hidden alt="" src="data:image/png;base64,{data}">"""
