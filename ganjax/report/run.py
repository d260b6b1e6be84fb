"""The page of one run."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganjax import disclosure, html, metrics, run_folder
from ganjax.report import figures, labels, parts

MOST_PICTURES = 12  # positions of the slider; of more pictures, evenly spaced ones
# The scores in large print, the first three that an evaluation gives.
HEADLINES = (
    *("frechet_distance", "inception_score", "precision", "recall", "modes", "high_quality"),
    *("label_accuracy", "test_error", "accuracy", "auroc", "iou", "translation_error", "error"),
)
PANELS = 3  # of curves, at least, that are not folded
BETTER = {"above": "higher", "below": "lower"}
LINES = {
    "generator": (html.COLOURS[0], "-"),
    "discriminator": (html.COLOURS[1], "-"),
    "both players": (html.COLOURS[3], "-"),
    "generated": (html.COLOURS[2], "-"),
    "real data": (html.COLOURS[4], "--"),
}


def page(workdir: Path) -> str:
    """The HTML of a run's folder; the same folder gives the same bytes."""
    config, rows = run_folder.read_config(workdir), run_folder.read_metrics(workdir)
    game, scheme = config["game"]["name"], config["scheme"]["name"]
    title = f"{workdir.resolve().name}: {game}, {scheme}"
    evaluation = next(reversed(run_folder.read_evaluations(workdir).values()), {})
    sections = [
        parts.head(title),
        f'<main id="main">\n{_status(workdir, rows)}',
        _headline(evaluation.get("scores", {})),
        f'<div class="halves">{_samples(workdir)}{_scores(evaluation)}</div>',
        _curves(rows),
        "<h2>Provenance</h2>",
        _provenance(workdir, config),
        "</main>",
    ]
    origin = disclosure.of_run(workdir, _read(workdir / "status.json").get("step"))
    return html.page(
        title, "\n".join(sections), disclosure=origin, style=parts.STYLE, script=parts.SCRIPT
    )


def _read(path: Path) -> dict[str, Any]:
    return run_folder.read_object(path) if path.exists() else {}


def _status(workdir: Path, rows: list[Mapping[str, float]]) -> str:
    """The end of the run, and its cost."""
    status = _read(workdir / "status.json")
    if not status:
        return "<p>Not started.</p>"
    colour = {"done": "good", "diverged": "bad", "failed": "bad"}.get(status["status"], "")
    reason = f": {status['reason']}" if status["reason"] else ""
    text = f"{status['status']} at step {status['step']:,}{reason}"
    cost = ""
    if rows:
        gradients = sum(rows[-1].get(f"evaluations/{player}", 0) for player in ("gen", "disc"))
        cost = f" {gradients:,} gradient evaluations, {_seconds(rows):,.1f} s of training."
    return f'<p><span class="{colour}">{html.escape(text)}.</span>{cost}</p>'


def _seconds(rows: list[Mapping[str, float]]) -> float:
    """Seconds of training, without the pauses between two calls."""
    steps = np.diff([0, *(row["step"] for row in rows)])
    rates = [row["time/steps_per_second"] for row in rows]
    return sum(n / rate for n, rate in zip(steps, rates, strict=True) if rate)


def _headline(scores: Mapping[str, float]) -> str:
    """The scores that matter most."""
    known = [name for name in HEADLINES if name in scores]
    others = [name for name in scores if not name.endswith("_real") and name != "samples"]
    tiles = []
    for name in (known or others)[:PANELS]:
        real = scores.get(f"{name}_real")
        notes = [] if real is None else [f"real data {parts.number(real)[1]}"]
        notes += [f"{side} is better" for side in [_better(name)] if side]
        tiles.append((labels.of(name), parts.number(scores[name])[1], ", ".join(notes)))
    return parts.tiles(tiles)


def _better(name: str) -> str:
    """The better side of a score; "" of one without."""
    return BETTER.get(metrics.SCORES.get(name, metrics.Score()).better, "")


def _scores(evaluation: Mapping[str, Any]) -> str:
    """The newest evaluation: generated beside real data, and the protocol."""
    if not evaluation:
        return ""
    scores, protocol = evaluation["scores"], evaluation["protocol"]
    beyond = metrics.beyond_real(scores)
    rows = []
    for name, value in scores.items():
        if name == "samples" or name.endswith(("_real", "_spread")):
            continue
        spread = scores.get(f"{name}_spread")
        key, text = parts.number(value)
        generated = text if spread is None else f"{text} &plusmn; {spread:.2g}"
        mark = f" ({beyond[name]} real data's *)" if name in beyond else ""
        real = parts.number(scores.get(f"{name}_real"))
        rows.append([labels.of(name), (key, generated), real, _better(name) + mark])
    caption = f"after step {protocol['step']:,}"
    heads = ["score", "generated", "real, held out", "better"]
    note = f"<p>* {html.escape(metrics.BEYOND)}</p>" if beyond else ""
    return (
        f"<section><h2>Scores</h2>{parts.table(heads, rows, caption)}{note}"
        f"{parts.facts(_protocol(evaluation))}</section>"
    )


def _protocol(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """The protocol of the scores in words."""
    protocol, section = evaluation["protocol"], evaluation["protocol"]["evaluation"]
    n = evaluation["scores"].get("samples", evaluation.get("evaluation_samples", 0))
    weights = "averaged" if protocol.get("average") else "last"
    found = {"generated": f"{n:,} samples, seed {protocol['seed']}, {weights} weights"}
    found["real"] = protocol["data"]["name"]
    if n_real := protocol.get("real"):
        split = f"{n_real:,} of training, {protocol['held_out']:,} held out"
        found["real"] += f": {split}, digest {protocol['data_sha256'][:12]}"
    if "features" in protocol:
        found["extractor"] = f"{protocol['features']}, digest {protocol['features_sha256'][:12]}"
    keys = ("splits", "neighbours", "compared")
    settings = {key: protocol[key] for key in keys if key in protocol}
    settings |= {key: value for key, value in section.items() if not isinstance(value, Mapping)}
    found["evaluation"] = ", ".join(
        [settings.pop("name"), *(f"{key} {value}" for key, value in settings.items())]
    )
    return found


def _curves(rows: list[Mapping[str, float]]) -> str:
    """Losses, scores, and all else folded, against steps: a panel a quantity."""
    names = dict.fromkeys(name for row in rows for name in row)
    panels: dict[str, dict[str, str]] = {}
    for name in names:
        panel, line = _place(name)
        if panel:
            panels.setdefault(panel, {})[line] = name
    if not panels:
        return ""
    first = ["Loss", *(panel for panel in panels if panel.startswith("score/"))]
    ranks = [*first, "Gradient norm", *panels]
    order, shown = sorted(panels, key=ranks.index), max(PANELS, len(first))
    used = {line for lines in panels.values() for line in lines}
    legend = {line: look for line, look in LINES.items() if line in used}
    steps, drawn = [row["step"] for row in rows], []
    for panel in order:
        values = {
            line: (steps, np.array([[row.get(name, np.nan)] for row in rows], float))
            for line, name in panels[panel].items()
        }
        title = labels.of(panel)
        figure = figures.curves(values, legend, x="step", y=title, size=figures.SMALL)
        alt = f"{title} against steps: {', '.join(values)}"
        drawn.append(html.figure_svg(figure, alt, name=f"curve{len(drawn)}"))
    rest = drawn[shown:]
    more = parts.folded(f"{len(rest)} more metrics", parts.panels(rest)) if rest else ""
    shown = parts.lines(legend, parts.panels(drawn[:shown]) + more)
    return f"<h2>Training curves</h2>{shown}"


def _place(name: str) -> tuple[str, str]:
    """(panel, line) of a metric; ("", "") of one that has none."""
    if name.startswith(("step", "time/", "evaluations/")) or name == "score/samples":
        return "", ""
    if name.startswith("score/"):
        score = name.removesuffix("_real")
        return score, "generated" if score == name else "real data"
    quantity, _, player = name.partition("/")
    if player in labels.PLAYERS:
        return labels.of(quantity), labels.PLAYERS[player]
    return labels.of(name), "both players"


def _samples(workdir: Path) -> str:
    """Real images, and samples from the same latents at every step."""
    found = sorted((workdir / "samples").glob("step_*.png"), key=_step)
    if not found:
        return ""
    places = np.unique(np.linspace(0, len(found) - 1, MOST_PICTURES).round().astype(int))
    found = [found[place] for place in places]
    real = workdir / "samples" / "real.png"
    drawn = {"real": [_image(real)]} if real.exists() else {}
    drawn["generated"] = [_image(path, smooth=not drawn) for path in found]
    slider = parts.slider([f"step {_step(path)}" for path in found], drawn, "Same inputs at")
    return f"<section><h2>Samples</h2>{slider}</section>"


def _image(path: Path, *, smooth: bool = False) -> str:
    """A picture of pixels, or a smooth one of a chart."""
    alt = "real data" if path.stem == "real" else f"samples at step {_step(path)}"
    data = base64.b64encode(path.read_bytes()).decode()
    style = ' style="image-rendering: auto"' if smooth else ""
    return f'<img src="data:image/png;base64,{data}" alt="{alt}"{style}>'


def _provenance(workdir: Path, config: Mapping[str, Any]) -> str:
    manifest = _read(workdir / "manifest.json")
    origin = parts.provenance(manifest) if manifest else ""
    text = html.escape(json.dumps(config, indent=1))
    return origin + parts.folded("Config", f"<pre>{text}</pre>")


def _step(path: Path) -> int:
    return int(re.sub(r"\D", "", path.stem))
