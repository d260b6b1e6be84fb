"""The page of one run."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganjax import disclosure, html, metrics, run_folder
from ganjax.report import figures, parts

MOST_PICTURES = 12  # positions of the slider; of more pictures, evenly spaced ones


def page(workdir: Path) -> str:
    """The HTML of a run's folder; the same folder gives the same bytes."""
    config, rows = run_folder.read_config(workdir), run_folder.read_metrics(workdir)
    game, scheme = config["game"]["name"], config["scheme"]["name"]
    title = f"{workdir.resolve().name}: {game}, {scheme}"
    sections = [
        parts.head(title),
        f'<main id="main">\n{_status(workdir)}',
        *_scores(workdir),
        *_curves(rows),
        *_samples(workdir),
        "<h2>Provenance</h2>",
        _provenance(workdir, config),
        "</main>",
    ]
    origin = disclosure.of_run(workdir, _read(workdir / "status.json").get("step"))
    return html.page(
        title, "\n".join(sections), disclosure=origin, style=parts.STYLE, script=parts.SCRIPT
    )


def _read(path: Path) -> dict[str, Any]:
    return run_folder.read_json(path) if path.exists() else {}


def _status(workdir: Path) -> str:
    status = _read(workdir / "status.json")
    if not status:
        return "<p>Not started.</p>"
    colour = {"done": "good", "diverged": "bad", "failed": "bad"}.get(status["status"], "")
    reason = f": {status['reason']}" if status["reason"] else ""
    text = f"{status['status']} at step {status['step']:,}{reason}"
    return f'<p class="{colour}">{html.escape(text)}</p>'


def _scores(workdir: Path) -> list[str]:
    """The newest evaluation."""
    found = sorted((workdir / "eval").glob("step_*.json"), key=_step)
    if not found:
        return []
    scores = _read(found[-1])["scores"]
    beyond = metrics.beyond_real(scores)
    marks = {name: f"{side} real data's *" for name, side in beyond.items()}
    rows = [[name, parts.number(value), marks.get(name, "")] for name, value in scores.items()]
    caption = f"evaluation after step {_step(found[-1]):,}"
    heads = ["score", "value", "compared with real data"] if beyond else ["score", "value"]
    rows = [row[: len(heads)] for row in rows]
    note = [f"<p>* {html.escape(metrics.BEYOND)}</p>"] if beyond else []
    return ["<h2>Scores</h2>", parts.table(heads, rows, caption, sortable=True), *note]


def _curves(rows: list[Mapping[str, float]]) -> list[str]:
    """Every metric against steps, gradients and seconds."""
    if not rows:
        return []
    names = [name for name in rows[-1] if not name.startswith(("step", "time/", "evaluations/"))]
    places = {
        "steps": [row["step"] for row in rows],
        "gradient evaluations": [
            row.get("evaluations/gen", 0) + row.get("evaluations/disc", 0) for row in rows
        ],
        "seconds": _seconds(rows),
    }
    drawn = {}
    for name in names:
        values = np.array([[row.get(name, np.nan)] for row in rows], float)
        for axis, at in places.items():
            figure = figures.curves({name: (at, values)}, x=axis, y=name)
            svg = html.figure_svg(figure, f"{name} against {axis}", name=f"curve{len(drawn)}")
            drawn[name, axis] = svg
    return ["<h2>Training curves</h2>", parts.choices("axis", drawn, "Metric", "Against")]


def _seconds(rows: list[Mapping[str, float]]) -> list[float]:
    """Seconds of training at every row, without the pauses between two calls."""
    steps = np.diff([0, *(row["step"] for row in rows)])
    rates = [row["time/steps_per_second"] for row in rows]
    return np.cumsum([n / rate if rate else 0.0 for n, rate in zip(steps, rates, strict=True)])


def _samples(workdir: Path) -> list[str]:
    """The run's pictures of samples, from the same latents each time."""
    found = sorted((workdir / "samples").glob("step_*.png"), key=_step)
    if not found:
        return []
    places = np.unique(np.linspace(0, len(found) - 1, MOST_PICTURES).round().astype(int))
    found = [found[place] for place in places]
    images = [
        f'<img src="data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}" '
        f'alt="samples at step {_step(path)}">'
        for path in found
    ]
    labels = [f"step {_step(path)}" for path in found]
    shown = parts.slider(labels, {"the same latents each time": images}, "Step")
    return ["<h2>Samples</h2>", shown]


def _provenance(workdir: Path, config: Mapping[str, Any]) -> str:
    manifest = _read(workdir / "manifest.json")
    origin = parts.provenance(manifest) if manifest else ""
    text = html.escape(json.dumps(config, indent=1))
    return f"{origin}<details><summary>Config</summary><pre>{text}</pre></details>"


def _step(path: Path) -> int:
    return int(re.sub(r"\D", "", path.stem))
