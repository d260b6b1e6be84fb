"""Parts of pages: numbers in large print, tables, curves with a legend, pictures on a slider."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganjax.html import escape
from ganjax.report import labels

PHONE = 36  # letters in a row of a table, on a phone
MOST_BANDS = 4  # lines with a band; more lie on each other
DASHES = {"-": "", "--": "6 3", ":": "2 2", "-.": "6 3 2 3"}

STYLE, SCRIPT = (
    Path(__file__).with_name(f"page.{end}").read_text("utf-8") for end in ("css", "js")
)


def head(title: str) -> str:
    """The head of a page: a link past it, and its title."""
    return f'<a class="skip" href="#main">To the results</a>\n<h1>{escape(title)}</h1>'


def table(
    heads: Sequence[str], rows: Sequence[Sequence[Any]], caption: str, *, sortable: bool = False
) -> str:
    """A table in a box that scrolls; one of long words is, on a phone, a card a row.

    Args:
      heads: of the columns.
      rows: cells; a tuple is (number or None to sort by, HTML), all else text.
      caption: above the table.
      sortable: whether a click on a head sorts.
    """
    columns = list(zip(heads, *rows, strict=True))
    wide = sum(map(_longest_word, columns)) > PHONE
    numeric = [any(isinstance(value, tuple) for value in column) for column in columns]

    def cell(value: Any, name: str) -> str:
        name = f' data-head="{escape(name)}"' if wide else ""
        if isinstance(value, tuple):
            key, text = value
            key = "" if key is None else repr(key)
            return f'<td class="number"{name} data-key="{key}">{text}</td>'
        return f"<td{name}>{escape(value)}</td>"

    def title(text: str, number: bool) -> str:
        inside = f'<button type="button">{escape(text)}</button>' if sortable else escape(text)
        kind = ' class="number"' if number else ""
        return f'<th scope="col"{kind}>{inside}</th>'

    body = "\n".join("<tr>" + "".join(map(cell, row, heads)) + "</tr>" for row in rows)
    kinds = f"{'sortable ' * sortable}{'wide' * wide}"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="{kinds}"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{''.join(map(title, heads, numeric))}</tr></thead>"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _longest_word(column: Sequence[Any]) -> int:
    texts = (re.sub("<.*?>", "", str(v[1] if isinstance(v, tuple) else v)) for v in column)
    return max(len(word) for text in texts for word in text.split() or [""])


def choices(name: str, figures: Mapping[tuple[str, str], str], label: str, axis_label: str) -> str:
    """Figures, one shown at a time: a list selects its metric, buttons its abscissa.

    Args:
      name: unique in the page.
      figures: {(metric, abscissa): SVG}.
      label: of the list.
      axis_label: of the buttons.
    """
    metrics = list(dict.fromkeys(metric for metric, _ in figures))
    axes = list(dict.fromkeys(axis for _, axis in figures))
    options = "".join(
        f'<option value="{escape(name)}">{escape(labels.of(name))}</option>' for name in metrics
    )
    radios = "".join(
        f'<label><input type="radio" name="{escape(name)}" value="{escape(axis)}"'
        f"{' checked' if axis == axes[0] else ''}> {escape(axis)}</label>"
        for axis in axes
    )
    shown = "\n".join(
        f'<div class="chosen" data-choice="{escape(metric)}|{escape(axis)}"'
        f"{'' if (metric, axis) == (metrics[0], axes[0]) else ' hidden'}>{svg}</div>"
        for (metric, axis), svg in figures.items()
    )
    return (
        f"<div data-choices><p><label>{escape(label)} <select>{options}</select></label></p>"
        f"<fieldset><legend>{escape(axis_label)}</legend>{radios}</fieldset>\n{shown}</div>"
    )


def lines(legend: Mapping[str, tuple[str, str]], figures: str) -> str:
    """Figures whose lines a legend of buttons switches on and off.

    Lines and bands have ids that end with `-lineN` and `-bandN`, N being the place in the legend;
    bands are shown while at most four lines are.

    Args:
      legend: {line: (colour, style)}.
      figures: HTML.
    """
    buttons = "".join(
        f'<button type="button" aria-pressed="true" data-line="{number}"><svg viewBox="0 0 30 10" '
        f'aria-hidden="true"><path d="M0 5H30" stroke="{colour}" stroke-width="3" '
        f'stroke-dasharray="{DASHES[style]}"/></svg>{escape(name)}</button>'
        for number, (name, (colour, style)) in enumerate(legend.items())
    )
    for text, state in (("all", "true"), ("none", "false")) if len(legend) > MOST_BANDS else ():
        buttons += f'<button type="button" data-all="{state}">{text}</button>'
    crowded = ' class="crowded"' if len(legend) > MOST_BANDS else ""
    return (
        f'<div data-lines="{MOST_BANDS}"{crowded}><div class="legend" role="group" '
        f'aria-label="lines">{buttons}</div>{figures}</div>'
    )


def slider(positions: Sequence[str], pictures: Mapping[str, Sequence[str]], label: str) -> str:
    """Pictures side by side, all at the position of a slider, which starts at the last.

    Args:
      positions: their labels.
      pictures: {caption: HTML of its picture at every position, or the one of all positions}.
      label: of the slider.
    """
    last = len(positions) - 1

    def shown(row: Sequence[str]) -> str:
        if len(row) < len(positions):
            return row[0]
        return "".join(
            f'<div data-at="{at}"{"" if at == last else " hidden"}>{picture}</div>'
            for at, picture in enumerate(row)
        )

    cells = captioned({caption: shown(row) for caption, row in pictures.items()})
    return (
        f'<div data-slider><p><label>{escape(label)} <input type="range" min="0" max="{last}" '
        f'value="{last}" data-labels="{escape(",".join(positions))}"></label> '
        f"<output>{escape(positions[last])}</output></p>\n"
        f"{cells}</div>"
    )


def captioned(pictures: Mapping[str, str]) -> str:
    """Small pictures side by side, {caption: HTML}."""
    cells = "\n".join(
        f"<figure><figcaption>{escape(caption)}</figcaption>{picture}</figure>"
        for caption, picture in pictures.items()
    )
    return f'<div class="cells">{cells}</div>'


def tiles(numbers: Sequence[tuple[str, str, str]]) -> str:
    """Numbers in large print, (label, number as HTML, note) each."""
    shown = "".join(
        f"<div><dt>{escape(label)}</dt><dd><b>{value}</b><small>{escape(note)}</small></dd></div>"
        for label, value, note in numbers
    )
    return f'<dl class="tiles">{shown}</dl>' if numbers else ""


def facts(rows: Mapping[str, str]) -> str:
    """Names with their texts, in small print."""
    shown = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows.items()
    )
    return f'<dl class="facts">{shown}</dl>'


def panels(figures: Sequence[str]) -> str:
    """Figures side by side, as many as fit."""
    return f'<div class="panels">{"".join(figures)}</div>'


def folded(title: str, body: str) -> str:
    """A part that a click on its title opens."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def number(value: float | None, digits: int = 4) -> tuple[float | None, str]:
    """A cell that shows a number to some digits; a dash for None."""
    return (None, "&ndash;") if value is None else (value, f"{value:.{digits}g}")


def count(value: int | None) -> tuple[int | None, str]:
    """A cell that shows a whole number with thousands apart."""
    return (None, "&ndash;") if value is None else (value, f"{value:,}")


def provenance(manifest: Mapping[str, Any]) -> str:
    """The command, the machine and the versions of packages, from a folder's manifest."""
    rows = [[name, version] for name, version in manifest["packages"].items()]
    rows += [["python", manifest["python"]], ["platform", manifest["platform"]]]
    rows += [["devices", ", ".join(manifest["devices"])], ["started", manifest["started"]]]
    command = escape(f"python {shlex.join(manifest['arguments'])}")
    return folded(
        "Command, versions and machine",
        f"<pre>{command}</pre>{table(['item', 'value'], rows, 'versions and machine')}",
    )
