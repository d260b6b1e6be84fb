"""Parts of pages: sortable tables, a choice of figures, pictures on a slider, provenance."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ganjax.html import escape

STYLE = """
body { max-width: 76rem; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible { outline: 3px solid var(--link); }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
fieldset { border: 1px solid var(--line); padding: .3rem .8rem; margin: .5rem 0; }
fieldset label { display: inline-block; padding: .2rem .8rem .2rem 0; }
select, input[type=range] { font: inherit; max-width: 100%; }
input[type=range] { width: 24rem; vertical-align: middle; }
caption { text-align: left; color: var(--soft); padding: .3rem 0; }
.chosen > svg { width: 100%; max-width: 46rem; height: auto; }
.cells { display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(46%, 11rem), 1fr)); }
.cells.one { grid-template-columns: minmax(0, 40rem); }
.cells figure { margin: 0; }
.cells svg, .cells img { width: 100%; height: auto; }
[hidden] { display: none !important; }
pre { overflow-x: auto; background: var(--panel); padding: .6rem; }
@media print { fieldset, input, select { display: none; } }
"""

# One function for each kind of part; without scripts the first choice of each is shown.
SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.querySelectorAll("th").forEach((head, column) => {
    head.querySelector("button")?.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = row => row.cells[column].dataset.key ?? row.cells[column].textContent;
      [...body.rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)], [p, q] = [parseFloat(x), parseFloat(y)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = isNaN(p) || isNaN(q) ? x.localeCompare(y) : p - q;
        return up ? order : -order;
      }).forEach(row => body.append(row));
    });
  });
}
for (const group of document.querySelectorAll("[data-choices]")) {
  const inputs = [...group.querySelectorAll("input, select")];
  const show = () => {
    const chosen = inputs.filter(i => i.tagName === "SELECT" || i.checked).map(i => i.value);
    for (const part of group.querySelectorAll("[data-choice]"))
      part.hidden = part.dataset.choice !== chosen.join("|");
  };
  inputs.forEach(input => input.addEventListener("change", show));
  show();
}
for (const group of document.querySelectorAll("[data-slider]")) {
  const slider = group.querySelector("input"), label = group.querySelector("output");
  const show = () => {
    label.textContent = slider.dataset.labels.split(",")[slider.value];
    slider.setAttribute("aria-valuetext", label.textContent);
    for (const part of group.querySelectorAll("[data-at]"))
      part.hidden = part.dataset.at !== slider.value;
  };
  slider.addEventListener("input", show);
  show();
}
"""


def head(title: str) -> str:
    """The head of a page: a link past it, and its title."""
    return f'<a class="skip" href="#main">To the results</a>\n<h1>{escape(title)}</h1>'


def table(
    heads: Sequence[str], rows: Sequence[Sequence[Any]], caption: str, *, sortable: bool = False
) -> str:
    """A table in a box that scrolls.

    Args:
      heads: of the columns.
      rows: cells; a tuple is (number or None to sort by, HTML), all else text.
      caption: above the table.
      sortable: whether a click on a head sorts.
    """

    def cell(value: Any) -> str:
        if isinstance(value, tuple):
            key, text = value
            return f'<td class="number" data-key="{"" if key is None else repr(key)}">{text}</td>'
        return f"<td>{escape(value)}</td>"

    def title(text: str) -> str:
        inside = f'<button type="button">{escape(text)}</button>' if sortable else escape(text)
        return f'<th scope="col">{inside}</th>'

    body = "\n".join("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table{' class=sortable' if sortable else ''}><caption>{escape(caption)}</caption>"
        f"<thead><tr>{''.join(map(title, heads))}</tr></thead>"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


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
    options = "".join(f"<option>{escape(metric)}</option>" for metric in metrics)
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


def slider(labels: Sequence[str], pictures: Mapping[str, Sequence[str]], label: str) -> str:
    """Pictures side by side, all at the position of a slider, which starts at the last.

    Args:
      labels: of the positions.
      pictures: {caption: HTML of its picture at every position}.
      label: of the slider.
    """
    last = len(labels) - 1
    cells = "\n".join(
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        + "".join(
            f'<div data-at="{at}"{"" if at == last else " hidden"}>{picture}</div>'
            for at, picture in enumerate(row)
        )
        + "</figure>"
        for caption, row in pictures.items()
    )
    return (
        f'<div data-slider><p><label>{escape(label)} <input type="range" min="0" max="{last}" '
        f'value="{last}" data-labels="{escape(",".join(labels))}"></label> '
        f"<output>{escape(labels[last])}</output></p>\n"
        f'<div class="cells{" one" if len(pictures) == 1 else ""}">{cells}</div></div>'
    )


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
    return f"<p>Command</p><pre>{command}</pre>" + table(
        ["item", "value"], rows, "versions and machine"
    )
