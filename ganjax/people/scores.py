"""Pooled answers: error rates, each judge's bias, thresholds, and the runs' diversity beside."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganjax import statistics
from ganjax.people.answers import Answers
from ganjax.people.page import GENERATED, REAL
from ganjax.people.staircase import threshold

# Parts of the names of scores that fall when a generator collapses.
DIVERSITY = ("class_share", "coverage", "diversity", "kl", "modes", "recall", "ssim", "support")


def pooled(key: Mapping[str, Any], answers: Sequence[Answers]) -> dict[str, Any]:
    """The judges' scores, as JSON: null where a number is not defined.

    Args:
      key: of the page.
      answers: of every judge, at least one.

    Returns:
      `rates`: `statistics.error_rate` of images (all, real, generated, and each run of several) by
      judges (all, experts, crowd); `judges`: each with error rate, d' and c; `criterion`: mean c;
      `threshold`: mean modal exposure, with a time limit; `runs`: those of the key, with the
      diversity scores of their last evaluation.
    """
    images = sorted(key["images"])
    source = np.array([key["images"][name] for name in images])
    kind = np.where(source == REAL, REAL, GENERATED)
    wrong = np.full((len(answers), len(images)), np.nan)
    place = {name: index for index, name in enumerate(images)}
    for row, judge in zip(wrong, answers, strict=True):
        for name, said in judge.said.items():
            row[place[name]] = said != kind[place[name]]
    expert = np.array([judge.expert for judge in answers])
    parts = {"all": kind != "", REAL: kind == REAL, GENERATED: kind == GENERATED}
    runs = [run["name"] for run in key["runs"]]
    parts |= {name: source == name for name in runs if len(runs) > 1}
    whose = {"all": expert | True, "experts": expert, "crowd": ~expert}
    rates = [
        {"of": shown, "by": who, **_plain(statistics.error_rate(found, kind[columns]))}
        for who, rows in whose.items()
        for shown, columns in parts.items()
        if not np.isnan(found := wrong[np.ix_(rows, columns)]).all()
    ]
    judges = [_judge(judge, row, kind) for judge, row in zip(answers, wrong, strict=True)]
    found = {"page": key["page"], "seed": key.get("seed"), "rates": rates, "judges": judges}
    found["criterion"] = _plain(statistics.summary([judge["criterion"] for judge in judges]))
    if all(judge.exposures for judge in answers):
        found["threshold"] = _plain(statistics.summary([judge["threshold"] for judge in judges]))
    return found | {"runs": [{**run, "diversity": _diversity(run)} for run in key["runs"]]}


def _plain(result: Any) -> dict[str, Any]:
    fields = result._asdict()
    return {name: None if math.isnan(value) else value for name, value in fields.items()}


def _judge(judge: Answers, wrong: np.ndarray, kind: np.ndarray) -> dict[str, Any]:
    generated, real = (wrong[(kind == name) & ~np.isnan(wrong)] for name in (GENERATED, REAL))
    found = statistics.detection(
        hits=int((generated == 0).sum()),
        generated=len(generated),
        false_alarms=int(real.sum()),
        real=len(real),
    )
    return {
        "judge": judge.judge,
        "file": judge.path.name,
        "expert": judge.expert,
        "answers": len(judge.said),
        "rate": float(np.nanmean(wrong)),
        **found._asdict(),
        **({"threshold": threshold(judge.exposures)} if judge.exposures else {}),
    }


def _diversity(run: Mapping[str, Any]) -> dict[str, float]:
    scores = run.get("scores") or {}
    return {name: value for name, value in scores.items() if any(p in name for p in DIVERSITY)}


def text(result: Mapping[str, Any]) -> str:
    """The result of `pooled` as lines of text."""
    rates, judges, runs = result["rates"], result["judges"], result["runs"]
    wide = max(len(row["of"]) for row in rates) + 2
    lines = [f"{'images':{wide}}{'judges':9}{'wrong':>7}  {'95% interval':16}{'answers':>7}"]
    mixed = len({judge["expert"] for judge in judges}) > 1
    for row in rates:
        if row["by"] == "all" or mixed:
            lines.append(
                f"{row['of']:{wide}}{row['by']:9}{row['rate']:7.1%}  "
                f"{_interval(row, '.1%'):16}{row['answers']:7,}"
            )
    lines += ["", f"{'judge':18}expert  wrong  sensitivity d'  criterion c"]
    for judge in judges:
        expert = "yes" if judge["expert"] else "no"
        limit = f"  threshold {judge['threshold']:.0f} ms" if "threshold" in judge else ""
        lines.append(
            f"{judge['judge']:18}{expert:6}{judge['rate']:7.1%}{judge['sensitivity']:16.2f}"
            f"{judge['criterion']:13.2f}{limit}"
        )
    mean = result["criterion"]
    lines.append(f'mean c {mean["mean"]:.2f}, {_interval(mean, ".2f")}; above 0: leans to "real"')
    if mean := result.get("threshold"):
        lines.append(f"mean threshold {mean['mean']:.0f} ms, {_interval(mean, '.0f')}")
    lines += ["", "diversity, which judges of single images cannot see:"]
    for run in runs:
        scores = ", ".join(f"{name} {value:.4g}" for name, value in run["diversity"].items())
        lines.append(f"{run['name']}: {scores or 'no such score in its last evaluation'}")
    return "\n".join(lines)


def _interval(row: Mapping[str, Any], digits: str) -> str:
    if row["low"] is None:
        return "needs 2 judges"
    return f"{row['low']:{digits}} to {row['high']:{digits}}"
