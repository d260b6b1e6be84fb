"""The tables of a comparison: standings, costs, settings of the cells, failures."""

from collections.abc import Callable, Mapping
from typing import Any

from ganjax import html, standings
from ganjax.nested import changes
from ganjax.report import labels, parts

Row = Mapping[str, Any]
Columns = dict[str, Callable[[Row], Any]]  # {heading: row of the standings -> its cell}


def of_scores(
    comparison: Mapping[str, Any], results: Mapping[str, Any], table: Mapping[str, Any]
) -> str:
    """The scores of all cells, and, folded, their costs."""
    baseline, levels = table["baseline"], comparison["factors"]
    names = list(map(labels.of, next(iter(levels.values()), ()))) or ["cell"]

    def shown(columns: Columns, caption: str) -> str:
        rows = [
            [
                *levels.get(row["cell"], {"": row["cell"]}).values(),
                *(f(row) for f in columns.values()),
            ]
            for row in table["rows"]
        ]
        return parts.table([*names, *columns], rows, caption, sortable=True)

    note = (
        "<p>A cell is one experiment; means have 95% bootstrap intervals over seeds. Differences "
        f"are paired by seed, cell minus {html.escape(baseline)}; p is of the sign-flip test, "
        "adjusted for the number of cells (Holm). A cell is marked best only if it differs from "
        "every other with an adjusted p of at most 0.05.</p>"
    )
    note += "".join(f"<p>{html.escape(text)}</p>" for text in standings.beyond_real(table))
    costs = (
        "<p>Gradients are evaluations of either player's gradient, seconds a run's share of the "
        "machine; the mapping says how the runs of one program share a device: side by side (vmap) "
        "or one after another (map). 80% of comparisons with as many seeds would call the "
        "detectable difference significant, if differences are normal with this cell's spread.</p>"
    )
    label = labels.of(table["score"])
    return (
        shown(_scores(table), f"{label} at the end; click a heading to sort")
        + note
        + parts.folded(
            "Costs, spread and power",
            shown(_costs(table, results), "costs of a run; spread over seeds") + costs,
        )
    )


def _scores(table: Mapping[str, Any]) -> Columns:
    def mean(row):
        value, text = _estimate(row)
        best = row["cell"] == table["best"]
        return value, f'<span class="good">{text} best</span>' if best else text

    columns = {
        "mean, 95% interval": mean,
        "minus baseline, 95% interval": lambda row: _estimate(row["difference"], 3),
        "adjusted p": _entry("difference", "p_adjusted", 2),
        "win rate": _entry("wins", "share", 2),
        "seeds finished": lambda row: (row["seeds"], f"{row['seeds']} of {len(table['seeds'])}"),
    }
    if table["bound"] is not None:
        columns |= {
            f"seeds within {table['bound']:g}": _entry("converged", "seeds"),
            "from step": lambda row: parts.count((row["converged"] or {}).get("step")),
            "from gradients": lambda row: parts.count((row["converged"] or {}).get("evaluations")),
        }
    if any(row["rate"] for row in table["rows"]):
        columns |= {
            "contraction per step": _entry("rate", "rate", 7),
            "spectral radius": _entry("rate", "radius", 7),
        }
    return columns


def _costs(table: Mapping[str, Any], results: Mapping[str, Any]) -> Columns:
    detectable = table["power"]["detectable"]
    return {
        "gradients": lambda row: parts.count(row["evaluations"]),
        "seconds per run": lambda row: parts.number(results[row["cell"]]["seconds"][-1], 3),
        "mapping": lambda row: results[row["cell"]]["mapped"] or "-",
        "std over seeds": lambda row: parts.number(row["std"], 2),
        "detectable difference": lambda row: parts.number(detectable.get(row["cell"]), 3),
    }


def _entry(key: str, entry: str, digits: int = 4) -> Callable[[Row], Any]:
    return lambda row: parts.number((row[key] or {}).get(entry), digits)


def _estimate(
    found: Mapping[str, float | None] | None, digits: int = 4
) -> tuple[float | None, str]:
    """A mean with its interval, as a cell."""
    value, text = parts.number((found or {}).get("mean"), digits)
    if value is None or found["low"] is None:
        return value, text
    return value, f"{text} <small>{found['low']:.3g} to {found['high']:.3g}</small>"


def of_settings(comparison: Mapping[str, Any]) -> str:
    """The differences of every cell from the resolved base."""
    found = {
        cell: changes(comparison["base"], config) for cell, config in comparison["cells"].items()
    }
    base = {path: pair[0] for cell in found.values() for path, pair in cell.items()}
    rows = [["(the base)", *map(str, base.values())]]
    rows += [
        [cell, *(str(changed[path][1]) if path in changed else "" for path in base)]
        for cell, changed in found.items()
    ]
    caption = "settings that differ from the resolved base; empty where a cell has the base's value"
    return parts.table(["cell", *base], rows, caption)


def of_failures(table: Mapping[str, Any]) -> str:
    """The runs that diverged, ran out of memory or failed."""
    rows = [(row["cell"], text) for row in table["rows"] for text in standings.failures(row)]
    if not rows:
        return "<p>None.</p>"
    return parts.table(["cell", "failure"], rows, "runs that stopped before the end")
