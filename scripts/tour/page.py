"""The tour as one page: texts in a language, numbers and pictures of the claims."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganjax import html
from ganjax.disclosure import MIXED, Disclosure
from tour import figures
from tour.claim import EQUAL, Check, Claim

# Language -> its texts: of the page, and of each claim.
TEXTS: Mapping[str, dict[str, Any]] = {
    lang: tomllib.loads(Path(__file__).with_name(f"text_{lang}.toml").read_text("utf-8"))
    for lang in ("en", "ko")
}

STYLE = """
.toc { list-style: none; padding: 0; }
.toc li { display: flex; gap: 1rem; justify-content: space-between; padding: .3rem 0;
  border-bottom: 1px solid var(--line); }
@media (min-width: 40rem) { .panels:has(> :nth-child(4)) {
  grid-template-columns: repeat(2, 1fr); } }
.good, .bad { white-space: nowrap; }
.checks th[scope="row"] { font-weight: normal; }
section { margin-top: 3rem; }
.source { color: var(--soft); font-size: .9rem; }
:lang(ko) { word-break: keep-all; }
/* On a narrow screen a table's verdict is its sign, and its word is for those who hear it. */
@media (max-width: 30rem) { .toc li { flex-direction: column; gap: 0; }
  .checks th, .checks td { padding: .25rem .2rem; font-size: .8rem; }
  .checks .number { white-space: normal; }
  .checks td .word { position: absolute; clip-path: inset(50%); } }
@media print { section { break-inside: avoid-page; } }
"""


def render(claims: Sequence[Claim], *, lang: str, command: str, code: str) -> str:
    """The page; the same claims give the same bytes.

    Args:
      claims: in the order of the page.
      lang: a key of `TEXTS`.
      command: that makes the page again.
      code: digest of the code that computed the claims.
    """
    origin = Disclosure("tour", config=code, source=MIXED)
    words, texts = TEXTS[lang]["page"], TEXTS[lang]["claims"]
    good = sum(claim.holds for claim in claims)
    counted = words["counted"].format(good=good, all=len(claims))
    entries = "\n".join(
        f'<li><a href="#{claim.name}">{texts[claim.name]["title"]}</a> '
        f"{_verdict(claim.holds, words)}</li>"
        for claim in claims
    )
    sections = "\n".join(_section(claim, texts[claim.name], words, origin) for claim in claims)
    body = (
        f'<a class="skip" href="#main">{words["skip"]}</a>\n'
        f"<header><h1>{words['title']}</h1>\n"
        f"<p>{words['intro'].format(count=len(claims))}</p>\n"
        f"<p>{words['again']}: <code>{html.escape(command)}</code></p></header>\n"
        f'<h2 id="contents">{words["contents"]}</h2>\n<p>{counted}</p>\n'
        f'<ol class="toc">\n{entries}\n</ol>\n'
        f'<main id="main">\n{sections}\n</main>'
    )
    return html.page(words["title"], body, disclosure=origin, lang=lang, style=STYLE)


def _section(claim: Claim, text: Mapping, words: Mapping, origin: Disclosure) -> str:
    pictures = figures.drawn(claim, text["panels"], disclosure=origin)
    # A caption says what its picture shows, as its alternative text does for those who hear it.
    shown = "\n".join(
        f'<figure>{picture}<figcaption aria-hidden="true">{text["panels"][name]}</figcaption>'
        "</figure>"
        for name, picture in pictures.items()
    )
    heads = (
        f'<th scope="col"{kind}>{words[key]}</th>'
        for key, kind in (
            ("quantity", ""),
            ("predicted", ' class="number"'),
            ("measured", ' class="number"'),
            ("tolerance", ' class="number"'),
            ("verdict", ""),
        )
    )
    rows = "\n".join(_row(check, text["checks"][check.name], words) for check in claim.checks)
    # Wide tables scroll by themselves on a narrow screen, by keys too.
    table = (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(text["title"])}">'
        f'<table class="checks"><thead><tr>{"".join(heads)}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )
    return (
        f'<section aria-labelledby="{claim.name}">\n'
        f'<h2 id="{claim.name}">{text["title"]}</h2>\n'
        f"<p>{_verdict(claim.holds, words)}. {text['claim'].format_map(claim.facts)}</p>\n"
        f'<p class="source">{words["source"]}: {text["source"]}</p>\n'
        f"<p>{words['method']}: {text['method'].format_map(claim.facts)}</p>\n"
        f'{table}\n<div class="panels">\n{shown}\n</div>\n</section>'
    )


def _row(check: Check, label: str, words: Mapping) -> str:
    predicted = _number(check.predicted)
    equal = check.relation == EQUAL
    if not equal:
        predicted = words["bounds"][check.relation].format(predicted)
    tolerance = _number(check.tolerance) if equal else ""
    numbers = (predicted, _number(check.measured), tolerance)
    cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
    return f'<tr><th scope="row">{label}</th>{cells}<td>{_verdict(check.holds, words)}</td></tr>'


def _verdict(holds: bool, words: Mapping) -> str:
    kind, sign = ("good", "✓") if holds else ("bad", "✗")
    word = words["holds" if holds else "fails"]
    return f'<span class="{kind}">{sign} <span class="word">{word}</span></span>'


def _number(value: float) -> str:
    """Six digits, two of what is next to nothing; with a minus sign instead of a hyphen."""
    short = f"{value:.2g}" if abs(value) < 1e-5 else f"{value:.6g}"
    return short.replace("e-0", "e-").replace("-", "\N{MINUS SIGN}")
