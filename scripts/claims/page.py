"""The claims as text for the terminal and as one page."""

import inspect
import math
from collections.abc import Mapping

import matplotlib
from matplotlib.figure import Figure

from claims.result import DIFFERS, FAILS, HOLDS, Number, Panel, Result
from claims.running import module
from ganjax import html
from ganjax.disclosure import CHART, Disclosure

KINDS = {HOLDS: ("good", "✓"), DIFFERS: ("good", "≈"), FAILS: ("bad", "✗")}
WORDS = {
    "en": {
        "title": "Published claims about update schemes, replayed",
        "contents": "Claims",
        "source": "Source",
        "equal": "At equal tuning",
        "number": "number",
        "published": "published",
        "ours": "ours",
        "interval": "95% interval",
        "again": "Made by",
        HOLDS: HOLDS,
        DIFFERS: DIFFERS,
        FAILS: FAILS,
    },
    "ko": {
        "title": "갱신 방법에 관해 발표된 주장의 재현",
        "contents": "주장 목록",
        "source": "출처",
        "equal": "같은 횟수로 조정하면",
        "number": "값",
        "published": "발표된 값",
        "ours": "측정값",
        "interval": "95% 구간",
        "again": "다시 만드는 명령",
        HOLDS: "성립",
        DIFFERS: "다르게 성립",
        FAILS: "성립하지 않음",
    },
}
STYLE = """
.toc { list-style: none; padding: 0; }
.toc li { display: flex; gap: 1rem; justify-content: space-between; padding: .3rem 0;
  border-bottom: 1px solid var(--line); }
section { margin-top: 3rem; }
.good, .bad { white-space: nowrap; }
.numbers th[scope="row"] { font-weight: normal; }
.source { color: var(--soft); font-size: .9rem; }
:lang(ko) { word-break: keep-all; }
@media (max-width: 30rem) { .toc li { flex-direction: column; gap: 0; }
  .numbers th, .numbers td { padding: .25rem .2rem; font-size: .8rem; } }
"""


def as_text(name: str, title: str, result: Result) -> str:
    """The claim for a terminal: its verdict, then a line a number."""
    lines = [f"{name}: {result.verdict}: {title}"]
    for number in result.numbers:
        sign = "  " if number.holds else "!="
        values = f"{_number(number.published):>14} {sign} {_number(number.ours):<14}"
        lines.append(f"  {number.name:48} {values} {_interval(number)}".rstrip())
    return "\n".join(lines)


def render(results: Mapping[str, Result], *, lang: str, code: str) -> str:
    """The page; the same results give the same bytes.

    Args:
      results: name of a claim -> its result, in the order of the page.
      lang: a key of `WORDS`.
      code: digest of the code that replayed them.
    """
    words, origin = WORDS[lang], Disclosure("reproduce", config=code, source=CHART)
    titles = {name: html.escape(module(name).TITLE[lang]) for name in results}
    entries = "\n".join(
        f'<li><a href="#{name}">{titles[name]}</a> {_verdict(result.verdict, words)}</li>'
        for name, result in results.items()
    )
    with matplotlib.rc_context(html.SMALL):
        sections = "\n".join(
            _section(name, titles[name], result, words) for name, result in results.items()
        )
    command = f"python scripts/reproduce.py --all --lang {lang}"
    body = (
        f"<header><h1>{words['title']}</h1>\n<p>{words['again']}: <code>{command}</code></p>"
        f'</header>\n<h2>{words["contents"]}</h2>\n<ol class="toc">\n{entries}\n</ol>\n'
        f'<main id="main">\n{sections}\n</main>'
    )
    return html.page(words["title"], body, disclosure=origin, lang=lang, style=STYLE)


def _section(name: str, title: str, result: Result, words: Mapping[str, str]) -> str:
    claim = module(name)
    heads = "".join(
        f'<th scope="col"{"" if key == "number" else NUMERIC}>{words[key]}</th>'
        for key in ("number", "published", "ours", "interval")
    )
    rows = "\n".join(_row(number, claim.SOURCE) for number in result.numbers)
    equal = result.equal and f"<p>{words['equal']}: {html.escape(result.equal)}</p>"
    panels = {"": result.panel, "-budgets": result.budgets}
    figures = "\n".join(
        f"<figure>{_figure(panel, title, name=f'{name}{part}'.replace('_', '-'))}</figure>"
        for part, panel in panels.items()
        if panel
    )
    return (
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n'
        f"<p>{_verdict(result.verdict, words)}. {html.escape(inspect.getdoc(claim))}</p>\n"
        f'<p class="source">{words["source"]}: {html.escape(claim.SOURCE)}</p>\n{equal or ""}'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f'<table class="numbers"><thead><tr>{heads}<th></th></tr></thead>\n<tbody>\n{rows}\n'
        f'</tbody></table></div>\n<div class="panels">\n{figures}\n</div>\n</section>'
    )


NUMERIC = ' class="number"'


def _row(number: Number, source: str) -> str:
    values = (_number(number.published), _number(number.ours), _interval(number))
    cells = "".join(f"<td{NUMERIC}>{value}</td>" for value in values)
    label = html.escape(number.name)
    if number.source != source:
        label += f'<br><span class="source">{html.escape(number.source)}</span>'
    sign = KINDS[HOLDS][1] if number.holds else KINDS[FAILS][1]
    return f'<tr><th scope="row">{label}</th>{cells}<td>{sign}</td></tr>'


def _verdict(verdict: str, words: Mapping[str, str]) -> str:
    kind, sign = KINDS[verdict]
    return f'<span class="{kind}">{sign} {words[verdict]}</span>'


def _figure(panel: Panel, alt: str, *, name: str) -> str:
    figure = Figure(figsize=(5.2, 3.2), dpi=150, layout="constrained")
    axes = figure.subplots()
    for label, (x, y, *band) in panel.curves.items():
        (line,) = axes.plot(x, y, label=label, marker="o" if len(x) < 12 else "")
        if band:
            axes.fill_between(x, *band, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set(xlabel=panel.xlabel, ylabel=panel.ylabel)
    for axis in panel.log:
        getattr(axes, f"set_{axis}scale")("log")
    axes.legend()
    return html.figure_svg(figure, alt, name=name)


def _interval(number: Number) -> str:
    if number.interval is None:
        return ""
    return " to ".join(_number(end, 4) for end in number.interval)


def _number(value: float, digits: int = 7) -> str:
    """So many digits, three of what is next to nothing; a minus sign instead of a hyphen."""
    if math.isnan(value):
        return ""
    value += 0.0  # no minus at 0
    short = f"{value:.3g}" if 0 < abs(value) < 1e-4 else f"{value:.{digits}g}"
    return short.replace("e-0", "e-").replace("-", "\N{MINUS SIGN}")
