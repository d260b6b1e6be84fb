"""The page of a comparison."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganjax import disclosure, html, pictures, standings, sweep
from ganjax.disclosure import Disclosure
from ganjax.report import factors, figures, labels, parts, tables

CURVES = ("loss/gen", "loss/disc", "grad_norm/gen", "grad_norm/disc")


def page(workdir: Path) -> str:
    """The HTML of a comparison's folder; the same folder gives the same bytes."""
    comparison, results = sweep.described(workdir), sweep.read(workdir)
    origin = disclosure.of_run(workdir)
    table = standings.table(workdir)
    sections = [
        parts.head(comparison["question"]),
        f'<main id="main">\n{_headline(table)}{_answer(table)}',
        factors.section(comparison, results, table),
        "<h2>Standings</h2>",
        tables.of_scores(comparison, results, table),
    ]
    if results:
        sections += ["<h2>Training curves</h2>", _curves(comparison, results)]
        sections += _samples(results, comparison, origin)
        sections += _toys(results)
        sections += _modes(results)
    sections += ["<h2>Cells</h2>", tables.of_settings(comparison)]
    sections += ["<h2>Failures</h2>", tables.of_failures(table)]
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


def _headline(table: Mapping[str, Any]) -> str:
    """The best mean and the baseline's, in large print."""
    rows = {row["cell"]: row for row in table["rows"] if row["mean"] is not None}
    if not rows:
        return ""
    label, low = labels.of(table["score"]), table["goal"] == "min"
    first = (min if low else max)(rows, key=lambda cell: rows[cell]["mean"])
    found = {f"{'lowest' if low else 'highest'} mean": first, "baseline": table["baseline"]}
    tiles = []
    for title, cell in found.items():
        if cell in rows:
            ends = standings.interval(rows[cell])
            note = cell if ends == "-" else f"{cell}; 95% interval {ends}"
            tiles.append((f"{label}, {title}", parts.number(rows[cell]["mean"])[1], note))
    return parts.tiles(tiles)


def _curves(comparison: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """Every score and loss against steps, gradients and seconds."""
    first = [comparison["score"]]
    names = first + sorted({n for r in results.values() for n in r["scores"]} - set(first))
    names += [n for n in CURVES if any(n in r["metrics"] for r in results.values())]
    looks, drawn = figures.looks(list(results), comparison["factors"]), {}
    for name in names:
        for axis in ("steps", "gradient evaluations", "seconds"):
            rows = {}
            for cell, result in results.items():
                values = result["scores"].get(name, result["metrics"].get(name))
                if values is not None:
                    rows[cell] = (_places(result, axis), np.array(values, float))
            bound = comparison["bound"] if name == comparison["score"] else None
            if rows:
                title = labels.of(name)
                figure = figures.curves(rows, looks, x=axis, y=title, bound=bound)
                alt = f"{title} against {axis}: the mean of every cell in a band over its seeds"
                drawn[name, axis] = html.figure_svg(figure, alt, name=f"curve{len(drawn)}")
    note = (
        "<p>Lines are means over seeds. A click on a cell switches its line; bands, from the "
        f"smallest seed to the largest, are drawn for up to {parts.MOST_BANDS} lines.</p>"
    )
    shown = parts.lines(looks, parts.choices("axis", drawn, "Metric", "Against"))
    return f'{note}<div class="beside">{shown}</div>'


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
    alt = "trajectories of both players, a colour a seed, over the field of gradient descent"
    plane = {
        cell: html.figure_svg(figures.portrait(row), f"{alt}: {cell}", name=f"portrait{at}")
        for at, (cell, row) in enumerate(found.items())
        if "field" in row
    }
    if plane:
        note = f"{alt.capitalize()}: the generator's parameter to the right, the discriminator's up"
        note = f"<p>{note}; the cross is the equilibrium.</p>"
        sections += ["<h2>Phase portraits</h2>", note, parts.captioned(plane)]
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
    largest = max((rows / rows.sum(1, keepdims=True)).max() for rows in counts.values())
    drawn = {
        cell: html.figure_svg(figures.shares(rows, largest), f"{alt}: {cell}", name=f"modes{at}")
        for at, (cell, rows) in enumerate(counts.items())
    }
    return ["<h2>Modes</h2>", f"<p>{alt.capitalize()}.</p>", parts.captioned(drawn)]


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
        if isinstance(decided, dict)  # not the digest
    ]
    heads = ["cells of one program", "mapping", *(f"{m}, s per step" for m in sweep.MAPPINGS)]
    cells = html.escape(json.dumps(comparison["cells"], indent=1, sort_keys=True))
    return (
        parts.provenance(manifest)
        + parts.table(heads, programs, "programs, and how their runs share a device")
        + f"<details><summary>Configs of all cells</summary><pre>{cells}</pre></details>"
    )
