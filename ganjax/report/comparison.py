"""The page of a comparison."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganjax import disclosure, html, pictures, standings, sweep
from ganjax.disclosure import Disclosure
from ganjax.nested import changes
from ganjax.report import figures, parts

CURVES = ("loss/gen", "loss/disc", "grad_norm/gen", "grad_norm/disc")


def page(workdir: Path) -> str:
    """The HTML of a comparison's folder; the same folder gives the same bytes."""
    comparison, results = sweep.described(workdir), sweep.read(workdir)
    origin = disclosure.of_run(workdir)
    table = standings.table(workdir)
    sections = [
        parts.head(comparison["question"]),
        f'<main id="main">\n{_answer(table)}',
        "<h2>Standings</h2>",
        _standings(table, results),
    ]
    if results:
        sections += ["<h2>Training curves</h2>", _curves(comparison, results)]
        sections += _samples(results, comparison, origin)
        sections += _toys(results)
        sections += _modes(results)
    sections += ["<h2>Cells</h2>", _changes(comparison)]
    sections += ["<h2>Failures</h2>", _failures(table)]
    sections += ["<h2>Provenance</h2>", _provenance(workdir, comparison), "</main>"]
    return html.page(
        comparison["question"],
        "\n".join(sections),
        disclosure=origin,
        style=parts.STYLE,
        script=parts.SCRIPT,
    )


def _answer(table: Mapping[str, Any]) -> str:
    """The answer in a sentence or two, and the score it is about."""
    seeds = len(table["seeds"])
    score = (
        f"The score is {table['score']} at the end of training, over {seeds} seed"
        f"{'s' * (seeds > 1)} per cell; {'small' if table['goal'] == 'min' else 'large'} is good."
    )
    answer = standings.conclusion(table)
    if table["missing"]:
        answer += f" Not trained yet: {', '.join(table['missing'])}."
    return f"<p><strong>{html.escape(answer)}</strong> {html.escape(score)}</p>"


def _standings(table: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    columns = _columns(table, results)
    rows = [[cell(row) for cell in columns.values()] for row in table["rows"]]
    caption = f"{table['score']} at the end; click a heading to sort"
    notes = (
        "<p>A cell is one experiment. The first interval is a 95% bootstrap interval of the mean "
        "over seeds. Differences are paired by seed, cell minus "
        f"{html.escape(table['baseline'])}; p is of the sign-flip permutation test, adjusted for "
        "the number of cells (Holm). The detectable difference is one that 80% of comparisons with "
        "as many seeds would call significant, if differences are normal with this cell's spread. "
        "A cell is marked best only if it differs from every other with an adjusted p of at most "
        "0.05. Gradients are evaluations of either player's gradient; seconds are a run's share of "
        "the machine; the mapping says how the runs of one program share a device: side by side "
        "(vmap) or one after another (map).</p>"
    )
    notes += "".join(f"<p>{html.escape(text)}</p>" for text in standings.beyond_real(table))
    return parts.table(list(columns), rows, caption, sortable=True) + notes


def _columns(
    table: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
    """{heading: row of the standings -> its cell in the page}."""

    def number(key, entry, digits=4):
        return lambda row: parts.number((row[key] or {}).get(entry), digits)

    def count(key, entry):
        return lambda row: parts.count((row[key] or {}).get(entry))

    def mean(row):
        value, text = parts.number(row["mean"])
        best = row["cell"] == table["best"]
        return value, f'<span class="good">{text} best</span>' if best else text

    def difference_interval(row):
        low, high = ((row["difference"] or {}).get(end) for end in ("low", "high"))
        return low, "&ndash;" if low is None else f"{low:.3g} to {high:.3g}"

    columns = {
        "cell": lambda row: row["cell"],
        "mean": mean,
        "95% interval": lambda row: (row["low"], html.escape(standings.interval(row))),
        "std": lambda row: parts.number(row["std"], 2),
        f"minus {table['baseline']}": number("difference", "mean", 3),
        "95% interval of the difference": difference_interval,
        "adjusted p": number("difference", "p_adjusted", 2),
        "detectable difference": lambda row: parts.number(
            table["power"]["detectable"].get(row["cell"]), 3
        ),
        "win rate": number("wins", "share", 2),
        "seeds finished": lambda row: (row["seeds"], f"{row['seeds']} of {len(table['seeds'])}"),
    }
    if table["bound"] is not None:
        columns |= {
            f"seeds within {table['bound']:g}": count("converged", "seeds"),
            "from step": count("converged", "step"),
            "from gradients": count("converged", "evaluations"),
        }
    if any(row["rate"] for row in table["rows"]):
        columns["contraction per step"] = number("rate", "rate", 7)
        columns["spectral radius"] = number("rate", "radius", 7)
    return columns | {
        "gradients": lambda row: parts.count(row["evaluations"]),
        "seconds per run": lambda row: parts.number(results[row["cell"]]["seconds"][-1], 3),
        "mapping": lambda row: results[row["cell"]]["mapped"] or "-",
    }


def _curves(comparison: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """Every score and loss against steps, gradients and seconds."""
    first = [comparison["score"]]
    names = first + sorted({n for r in results.values() for n in r["scores"]} - set(first))
    names += [n for n in CURVES if any(n in r["metrics"] for r in results.values())]
    drawn = {}
    for name in names:
        for axis in ("steps", "gradient evaluations", "seconds"):
            rows = {}
            for cell, result in results.items():
                values = result["scores"].get(name, result["metrics"].get(name))
                if values is not None:
                    rows[cell] = (_places(result, axis), np.array(values, float))
            bound = comparison["bound"] if name == comparison["score"] else None
            if rows:
                figure = figures.curves(rows, x=axis, y=name, bound=bound)
                alt = f"{name} against {axis}: the mean of every cell in a band over its seeds"
                drawn[name, axis] = html.figure_svg(figure, alt, name=f"curve{len(drawn)}")
    note = "<p>Lines are means over seeds; bands reach from the smallest seed to the largest.</p>"
    return note + parts.choices("axis", drawn, "Metric", "Against")


def _places(result: Mapping[str, Any], axis: str) -> list[float]:
    if axis == "steps":
        return result["step"]
    if axis == "seconds":
        return result["seconds"]
    return [sum(pair) for pair in zip(*result["evaluations"].values(), strict=True)]


def _samples(
    results: Mapping[str, Any], comparison: Mapping[str, Any], origin: Disclosure
) -> list[str]:
    """Samples of the first seed from the same latents, side by side."""
    shown = {cell: result for cell, result in results.items() if "samples" in result}
    if not shown:
        return []
    steps = max((result["step"] for result in shown.values()), key=len)
    spread = np.concatenate([np.ravel(result["samples"][-1]) for result in shown.values()])
    spread = spread[np.isfinite(spread)]
    centres = np.array(next((r["centres"] for r in shown.values() if "centres" in r), []))
    reach = 1.3 * np.abs(centres).max() if centres.size else np.quantile(np.abs(spread), 0.99)

    def picture(x, alt, name, step):
        if x.ndim == 2:
            return html.figure_svg(figures.points(x, centres, reach), alt, name=name)
        return html.image_png(pictures.image_grid(x), alt, disclosure=origin._replace(step=step))

    drawn = {}
    for number, (cell, result) in enumerate(shown.items()):
        drawn[cell] = [
            picture(x, f"samples of {cell} at step {step}", f"s{number}-{at}", step)
            for at, (x, step) in enumerate(zip(result["samples"], result["step"], strict=True))
        ]
        drawn[cell] += drawn[cell][-1:] * (len(steps) - len(drawn[cell]))
    labels = [f"evaluation {at} (step {step})" for at, step in enumerate(steps)]
    seed = comparison["seeds"][0]
    note = f"<p>Seed {seed}, the same latents in every cell and at every evaluation.</p>"
    return ["<h2>Samples</h2>", note, parts.slider(labels, drawn, "Step")]


def _toys(results: Mapping[str, Any]) -> list[str]:
    """Trajectories and eigenvalues of games with few parameters."""
    found = {cell: result for cell, result in results.items() if "way" in result}
    sections = []
    plane = {cell: result for cell, result in found.items() if "field" in result}
    if plane:
        alt = "trajectories of both players, a colour a seed, over the field of gradient descent"
        svg = html.figure_svg(figures.portraits(plane), alt, name="portraits")
        note = f"<p>{alt.capitalize()}; the cross is the equilibrium.</p>"
        sections += ["<h2>Phase portraits</h2>", note, f'<div class="chosen">{svg}</div>']
    spectra = {cell: r["eigenvalues"] for cell, r in found.items() if "eigenvalues" in r}
    if spectra:
        alt = "eigenvalues of a step of every cell, and the unit circle"
        svg = html.figure_svg(figures.eigenvalues(spectra), alt, name="eigenvalues")
        sections += ["<h2>Eigenvalues of a step</h2>", f'<div class="chosen">{svg}</div>']
    return sections


def _modes(results: Mapping[str, Any]) -> list[str]:
    """The share of samples at each mode of a mixture at the end."""
    counts = {
        cell: np.array([row for row in result["mode_counts"] if row is not None], float)
        for cell, result in results.items()
        if "mode_counts" in result
    }
    counts = {cell: rows for cell, rows in counts.items() if len(rows)}
    if not counts:
        return []
    alt = "share of the samples at every mode: mean of the seeds, with smallest and largest"
    svg = html.figure_svg(figures.shares(counts), alt, name="modes")
    return ["<h2>Modes</h2>", f'<p>{alt.capitalize()}.</p><div class="chosen">{svg}</div>']


def _changes(comparison: Mapping[str, Any]) -> str:
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


def _failures(table: Mapping[str, Any]) -> str:
    rows = [(row["cell"], text) for row in table["rows"] for text in standings.failures(row)]
    if not rows:
        return "<p>None.</p>"
    return parts.table(["cell", "failure"], rows, "runs that stopped before the end")


def _provenance(workdir: Path, comparison: Mapping[str, Any]) -> str:
    manifest = json.loads((workdir / "manifest.json").read_text("utf-8"))
    plan = workdir / "plan.json"
    plan = json.loads(plan.read_text("utf-8")) if plan.exists() else {}
    programs = [
        [
            cells.replace(",", ", "),
            decided["mapped"] or "-",
            *(parts.number(decided.get("seconds_per_step", {}).get(m), 3) for m in sweep.MAPPINGS),
        ]
        for cells, decided in plan.items()
    ]
    heads = ["cells of one program", "mapping", *(f"{m}, s per step" for m in sweep.MAPPINGS)]
    cells = html.escape(json.dumps(comparison["cells"], indent=1, sort_keys=True))
    return (
        parts.provenance(manifest)
        + parts.table(heads, programs, "programs, and how their runs share a device")
        + f"<details><summary>Configs of all cells</summary><pre>{cells}</pre></details>"
    )
