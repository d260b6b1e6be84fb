"""The page of a comparison."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganjax import html, pictures, standings, sweep
from ganjax.config import changes
from ganjax.report import figures, parts

CURVES = ("loss/gen", "loss/disc", "grad_norm/gen", "grad_norm/disc")


def page(workdir: Path) -> str:
    """The HTML of a comparison's folder; the same folder gives the same bytes."""
    asked, results = sweep.described(workdir), sweep.read(workdir)
    table = standings.table(workdir)
    sections = [
        parts.head(asked["question"]),
        f'<main id="main">\n{_verdict(table)}',
        "<h2>Standings</h2>",
        _standings(table, results),
    ]
    if results:
        sections += ["<h2>On the way</h2>", _curves(asked, results)]
        sections += _samples(results, asked)
        sections += _toys(results)
        sections += _modes(results)
    sections += ["<h2>Cells</h2>", _changes(asked)]
    sections += ["<h2>Failures</h2>", _failures(table)]
    sections += ["<h2>Provenance</h2>", _provenance(workdir, asked), "</main>"]
    return html.page(asked["question"], "\n".join(sections), style=parts.STYLE, script=parts.SCRIPT)


def _verdict(table: Mapping[str, Any]) -> str:
    """The answer in a sentence or two."""
    seeds, score = len(table["seeds"]), table["score"]
    told = f"Compared by {score} at the end of {seeds} training seed{'s' * (seeds > 1)} a cell, "
    told += f"where {'small' if table['goal'] == 'min' else 'large'} is good."
    answer = standings.conclusion(table)
    if table["missing"]:
        answer += f" Not played yet: {', '.join(table['missing'])}."
    return f"<p><strong>{html.escape(answer)}</strong> {html.escape(told)}</p>"


def _standings(table: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    heads = ["cell", "mean", "95% interval", "sd", f"less {table['baseline']}", "its interval"]
    heads += ["p", "detectable", "wins", "seeds"]
    bound, toys = table["bound"] is not None, any(row["rate"] for row in table["rows"])
    heads += [f"within {table['bound']:g}", "from step", "from gradients"] if bound else []
    heads += ["rate a step", "spectral radius"] if toys else []
    heads += ["gradients", "seconds a run", "mapped by"]
    rows = []
    for row in table["rows"]:
        best, of, wins = row["cell"] == table["best"], row["difference"] or {}, row["wins"] or {}
        mean = parts.number(row["mean"])
        cells = [row["cell"], (mean[0], f'<span class="good">{mean[1]} best</span>')]
        cells = cells if best else [row["cell"], mean]
        cells += [(row["low"], html.escape(standings.interval(row))), parts.number(row["std"], 2)]
        cells.append(parts.number(of.get("mean"), 3))
        ends = "&ndash;" if of.get("low") is None else f"{of['low']:.3g} to {of['high']:.3g}"
        cells += [(of.get("low"), ends), parts.number(of.get("p_adjusted"), 2)]
        cells.append(parts.number(table["power"]["detectable"].get(row["cell"]), 3))
        cells.append(parts.number(wins.get("share"), 2))
        cells.append((row["seeds"], f"{row['seeds']} of {len(table['seeds'])}"))
        if bound:
            within = row["converged"] or {}
            cells += [parts.count(within.get(key)) for key in ("seeds", "step", "evaluations")]
        if toys:
            rate = row["rate"] or {}
            cells += [parts.number(rate.get("rate"), 7), parts.number(rate.get("radius"), 7)]
        cost = results[row["cell"]]
        cells += [parts.count(row["evaluations"]), parts.number(cost["seconds"][-1], 3)]
        rows.append([*cells, cost["mapped"] or "-"])
    caption = f"{table['score']} at the end; a click on a head sorts"
    notes = (
        f"<p>The interval is a 95% bootstrap interval of the mean over seeds. Differences are "
        f"paired by seed, cell less {html.escape(table['baseline'])}; p by the sign-flip "
        "permutation test, adjusted by Holm for the number of cells; detectable is a "
        "difference that 80% of comparisons with as many seeds, and normal differences of this "
        "cell's spread, would call significant. A cell is marked best only if "
        "it differs from every other with an adjusted p of at most 0.05. Gradients are evaluations "
        "of either player's gradient; seconds are a run's share of the machine.</p>"
    )
    notes += "".join(f"<p>{html.escape(told)}</p>" for told in standings.beyond_real(table))
    return parts.table(heads, rows, caption, sortable=True) + notes


def _curves(asked: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """Every score and loss against steps, gradients and seconds."""
    first = [asked["score"]]
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
            bound = asked["bound"] if name == asked["score"] else None
            if rows:
                figure = figures.curves(rows, x=axis, y=name, bound=bound)
                told = f"{name} against {axis}, the mean of every cell in a band over its seeds"
                drawn[name, axis] = html.figure_svg(figure, told, name=f"curve{len(drawn)}")
    note = (
        "<p>The line is the mean over seeds, the band goes from the least seed to the largest.</p>"
    )
    return note + parts.choices("axis", drawn, "What", "Against")


def _places(result: Mapping[str, Any], axis: str) -> list[float]:
    if axis == "steps":
        return result["step"]
    if axis == "seconds":
        return result["seconds"]
    return [sum(pair) for pair in zip(*result["evaluations"].values(), strict=True)]


def _samples(results: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Samples of the first seed from the same latents, side by side."""
    shown = {cell: result for cell, result in results.items() if "samples" in result}
    if not shown:
        return []
    looks = max((result["step"] for result in shown.values()), key=len)
    spread = np.concatenate([np.ravel(result["samples"][-1]) for result in shown.values()])
    spread = spread[np.isfinite(spread)]
    centres = np.array(next((r["centres"] for r in shown.values() if "centres" in r), []))
    reach = 1.3 * np.abs(centres).max() if centres.size else np.quantile(np.abs(spread), 0.99)
    drawn = {}
    for number, (cell, result) in enumerate(shown.items()):
        drawn[cell] = [
            _picture(x, centres, reach, f"samples of {cell} at step {step}", f"s{number}-{at}")
            for at, (x, step) in enumerate(zip(result["samples"], result["step"], strict=True))
        ]
        drawn[cell] += drawn[cell][-1:] * (len(looks) - len(drawn[cell]))
    labels = [f"look {at} (step {step:,})" for at, step in enumerate(looks)]
    labels = [label.replace(",", " ") for label in labels]
    note = f"<p>Seed {asked['seeds'][0]}, the same latents in every cell and at every look.</p>"
    return ["<h2>Samples</h2>", note, parts.slider(labels, drawn, "Step")]


def _picture(x: np.ndarray, centres: np.ndarray, reach: float, alt: str, name: str) -> str:
    if x.ndim == 2:
        return html.figure_svg(figures.points(x, centres, reach), alt, name=name)
    return html.image_png(pictures.image_grid(x), alt)


def _toys(results: Mapping[str, Any]) -> list[str]:
    """Trajectories and eigenvalues of games of few parameters."""
    found = {cell: result for cell, result in results.items() if "way" in result}
    told = []
    plane = {cell: result for cell, result in found.items() if "field" in result}
    if plane:
        alt = "the way of both players, a colour a seed, among the arrows of gradient play"
        svg = html.figure_svg(figures.portraits(plane), alt, name="portraits")
        note = f"<p>{alt.capitalize()}; the cross is the equilibrium.</p>"
        told += ["<h2>Phase portraits</h2>", note, f'<div class="chosen">{svg}</div>']
    spectra = {cell: r["eigenvalues"] for cell, r in found.items() if "eigenvalues" in r}
    if spectra:
        alt = "eigenvalues of a step of every cell beside the unit circle"
        svg = html.figure_svg(figures.eigenvalues(spectra), alt, name="eigenvalues")
        told += ["<h2>Eigenvalues of a step</h2>", f'<div class="chosen">{svg}</div>']
    return told


def _modes(results: Mapping[str, Any]) -> list[str]:
    """How many samples fall to each mode of a mixture at the end."""
    counts = {
        cell: np.array([row for row in result["mode_counts"] if row is not None], float)
        for cell, result in results.items()
        if "mode_counts" in result
    }
    counts = {cell: rows for cell, rows in counts.items() if len(rows)}
    if not counts:
        return []
    alt = "share of the samples at every mode: mean of the seeds, with least and largest"
    svg = html.figure_svg(figures.shares(counts), alt, name="modes")
    return ["<h2>Modes</h2>", f'<p>{alt.capitalize()}.</p><div class="chosen">{svg}</div>']


def _changes(asked: Mapping[str, Any]) -> str:
    """Where every cell differs from the resolved base."""
    of = {cell: changes(asked["base"], config) for cell, config in asked["cells"].items()}
    base = {path: pair[0] for cell in of.values() for path, pair in cell.items()}
    rows = [["(the base)", *map(str, base.values())]]
    rows += [
        [cell, *(str(own[path][1]) if path in own else "" for path in base)]
        for cell, own in of.items()
    ]
    caption = "where a cell differs from the resolved base; nothing where it has the base's own"
    return parts.table(["cell", *base], rows, caption)


def _failures(table: Mapping[str, Any]) -> str:
    told = [(row["cell"], text) for row in table["rows"] for text in standings.failures(row)]
    if not told:
        return "<p>None.</p>"
    return parts.table(["cell", "what happened"], told, "runs that did not come to the end")


def _provenance(workdir: Path, asked: Mapping[str, Any]) -> str:
    manifest = json.loads((workdir / "manifest.json").read_text("utf-8"))
    plan = workdir / "plan.json"
    plan = json.loads(plan.read_text("utf-8")) if plan.exists() else {}
    programs = [
        [
            key.replace(",", ", "),
            of["mapped"] or "-",
            *(parts.number(of.get("seconds_per_step", {}).get(how), 3) for how in sweep.MAPPINGS),
        ]
        for key, of in plan.items()
    ]
    heads = ["cells of one program", "mapped by", *(f"{how}, s a step" for how in sweep.MAPPINGS)]
    cells = html.escape(json.dumps(asked["cells"], indent=1, sort_keys=True))
    return (
        parts.provenance(manifest)
        + parts.table(heads, programs, "programs, and how their runs share a device")
        + f"<details><summary>Configs of all cells</summary><pre>{cells}</pre></details>"
    )
