"""The standings of a comparison: one row a cell, every number with its uncertainty.

They depend on scores, steps and gradient evaluations alone, which are the same bits whenever the
cells are trained; seconds are reported separately.
"""

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganjax import metrics, run_folder, statistics, sweep
from ganjax.nested import changes
from ganjax.sweep import last_scores

Row = dict[str, Any]


def table(workdir: Path) -> dict[str, Any]:
    """The standings of a comparison's folder.

    Returns:
      `question`, `score`, `goal`, `bound`, `baseline`, `seeds`; `missing`, cells without a result;
      `best`, the cell with the best mean if its paired difference from every other is significant,
      else None; `same`, pairs of cells with the same scores in every seed at every evaluation;
      `power`, see `sweep.power`; and `rows`, one a cell in the order of the config:
      `cell`; `changes` {path: (value in the resolved base, in the cell)}; `seeds` finished;
      `diverged` {seed: step}; `memory`, whether it ran out of it; `failed`, the reason or None;
      `mean`, `std`, `low`, `high` of the last score over finished seeds, a 95% bootstrap interval
      within the score's range;
      `beyond_real`, "above" or "below" where the mean is better than real data's own score, else
      None; `difference` from the baseline (`mean`, `low`, `high`, `p`, `p_adjusted` by Holm over
      all cells, `seeds`) and `wins` (`share`, `low`, `high`) against it, None for itself;
      `converged`, the number of seeds that stay within the bound, and the median `step` and
      `evaluations` from which they do, None if most do not; `steps` and `evaluations` of a run;
      `rate` of toys: the factor a step by which the distance shrinks, its `error` and, as `radius`,
      the spectral radius of a step.

    Raises:
      RunFolderError: it is no folder of a comparison.
      ConfigError: the cells do not report the score.
    """
    comparison, results = sweep.described(workdir), sweep.read(workdir)
    rows = [_row(name, result, comparison) for name, result in results.items()]
    _compare(rows, results, comparison)
    keys = ("question", "score", "goal", "bound", "baseline", "seeds")
    return {
        **{key: comparison[key] for key in keys},
        "missing": [name for name in comparison["cells"] if name not in results],
        "best": _best(results, comparison),
        "same": _same(results),
        "power": sweep.power(comparison, results),
        "rows": rows,
    }


def _row(name: str, result: Mapping[str, Any], comparison: Mapping[str, Any]) -> Row:
    scores = last_scores(result, comparison["score"])
    finite = scores[np.isfinite(scores)]
    within = metrics.score_range(comparison["score"])
    summary = statistics.summary(finite, within=within)._asdict() if len(finite) else {}
    summary = {key: _number(summary.get(key, math.nan)) for key in ("mean", "std", "low", "high")}
    stopped = zip(result["seeds"], result["status"], result["stopped_at"], strict=True)
    evaluations = [sum(pair) for pair in zip(*result["evaluations"].values(), strict=True)]
    return {
        "cell": name,
        "changes": changes(comparison["base"], comparison["cells"][name]),
        "seeds": len(finite),
        "diverged": {seed: step for seed, status, step in stopped if status == "diverged"},
        "memory": "out of memory" in result["status"],
        "failed": result.get("reason"),
        **summary,
        "beyond_real": _beyond_real(result, comparison["score"], summary["mean"]),
        "difference": None,
        "wins": None,
        "converged": _converged(result, comparison, evaluations),
        "steps": result["step"][-1],
        "evaluations": evaluations[-1],
        "rate": _rate(result),
    }


def _beyond_real(result: Mapping[str, Any], score: str, mean: float | None) -> str | None:
    """The side of real data's own score on which the mean is better; None if it is not."""
    real = last_scores(result, f"{score}_real") if f"{score}_real" in result["scores"] else ()
    if mean is None or not np.isfinite(real).any():
        return None
    return metrics.beyond_real({score: mean, f"{score}_real": np.nanmean(real)}).get(score)


def _converged(result, comparison, evaluations: list[int]) -> dict[str, Any] | None:
    """The steps from which the seeds stay within the bound; None without a bound."""
    if comparison["bound"] is None or not result["scores"]:
        return None
    steps, scores = result["step"], np.array(result["scores"][comparison["score"]], float).T
    found = [
        statistics.convergence_step(steps, s, comparison["bound"], comparison["goal"])
        for s in scores
    ]
    median = statistics.median_convergence(found, steps[-1])
    return {
        "seeds": sum(step is not None for step in found),
        "step": median,
        "evaluations": None if median is None else evaluations[steps.index(median)],
    }


def _rate(result: Mapping[str, Any]) -> dict[str, float] | None:
    """The fitted contraction of a toy beside the spectral radius of its step."""
    if "eigenvalues" not in result or len(result["step"]) < 3:
        return None
    distances = np.array([row[0] for row in result["scores"]["distance"]], float)
    try:
        fit = statistics.contraction_rate(result["step"], distances)
    except ValueError:  # at rest, or diverged, after an evaluation or two
        return None
    radius = float(np.abs(result["eigenvalues"]).max())
    return {"rate": fit.rate, "error": fit.error, "radius": radius}


def _compare(rows: list[Row], results: Mapping[str, Any], comparison: Mapping[str, Any]) -> None:
    """Adds the difference of each cell from the baseline."""
    if comparison["baseline"] not in results:
        return
    baseline = last_scores(results[comparison["baseline"]], comparison["score"])
    others = [row for row in rows if row["cell"] != comparison["baseline"]]
    for row in others:
        scores = last_scores(results[row["cell"]], comparison["score"])
        difference, wins, p = _tested(scores, baseline, comparison["goal"])
        row["difference"] = {key: _number(v) for key, v in difference._asdict().items()}
        row["difference"]["p"] = _number(p)
        row["wins"] = {key: getattr(wins, key) for key in ("share", "low", "high")}
    tested = [row["difference"] for row in others if row["difference"]["p"] is not None]
    adjusted = statistics.holm([difference["p"] for difference in tested])
    for difference, p in zip(tested, adjusted, strict=True):
        difference["p_adjusted"] = float(p)


def _tested(scores: np.ndarray, others: np.ndarray, goal: str):
    """The paired difference, the share of wins and p: of the wins, if some seed diverged."""
    difference = statistics.paired_difference(scores, others)
    wins = statistics.win_rate(scores, others, goal)
    return difference, wins, wins.p if difference.left_out else difference.p


def _best(results: Mapping[str, Any], comparison: Mapping[str, Any]) -> str | None:
    """The cell that is better than each of the others, p adjusted for all of these tests."""
    scores = {name: last_scores(result, comparison["score"]) for name, result in results.items()}
    if len(scores) < 2:
        return None
    worth = {name: statistics.worth(row, comparison["goal"]).mean() for name, row in scores.items()}
    first = max(worth, key=worth.get)
    others = [row for name, row in scores.items() if name != first]
    tests = [_tested(scores[first], row, comparison["goal"])[-1] for row in others]
    return first if max(statistics.holm(tests)) <= statistics.LEVEL else None


def _same(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pairs of finished cells with equal scores: the same experiment, whatever their configs."""
    done = [name for name, result in results.items() if set(result["status"]) == {"done"}]
    pairs = itertools.combinations(done, 2)
    return [(a, b) for a, b in pairs if results[a]["scores"] == results[b]["scores"]]


def _number(value: float) -> float | int | None:
    return value if isinstance(value, int) or math.isfinite(value) else None


def text(standings: Mapping[str, Any], costs: Mapping[str, Mapping[str, Any]]) -> str:
    """The standings for a terminal; costs as `sweep.read` returns them."""
    seeds, rows = len(standings["seeds"]), standings["rows"]
    wide = max([len(row["cell"]) for row in rows] + [4])
    toys = any(row["rate"] for row in rows)
    head = f"{'cell':{wide}}  {'mean':>8} {'95% interval':>19}  {'difference':>10} {'p':>6} "
    head += f"{'detectable':>10} {'wins':>5} {'in bound':>8} {'at step':>8} {'gradients':>9} "
    head += f"{'s/run':>7}" + (f" {'rate':>9} {'radius':>9}" if toys else "")
    lines = [
        standings["question"],
        f"{standings['score']} at the end, {seeds} seed{'s' * (seeds > 1)}, "
        f"{'small' if standings['goal'] == 'min' else 'large'} is good; mean and 95% interval; "
        f"difference from {standings['baseline']}, p adjusted (Holm); "
        f"detectable: with power {statistics.POWER:.0%}",
        head,
    ]
    for row in rows:
        difference, wins = row["difference"] or {}, row["wins"] or {}
        within, rate = row["converged"] or {}, row["rate"] or {}
        detectable = standings["power"]["detectable"].get(row["cell"])
        lines.append(
            f"{row['cell']:{wide}}{'*' if row['cell'] == standings['best'] else ' '} "
            f"{_shown(row['mean'], 8, '.4g')} {interval(row):>19}  "
            f"{_shown(difference.get('mean'), 10, '.4g')} "
            f"{_shown(difference.get('p_adjusted'), 6, '.4f')} {_shown(detectable, 10, '.4g')} "
            f"{_shown(wins.get('share'), 5, '.2f')} "
            f"{_shown(within.get('seeds'), 8, '.0f')} {_shown(within.get('step'), 8, '.0f')} "
            f"{row['evaluations']:9d} {costs[row['cell']]['seconds'][-1]:7.2f}"
        )
        if toys:
            rates = (_shown(rate.get(key), 9, ".6f") for key in ("rate", "radius"))
            lines[-1] += f" {' '.join(rates)}"
        lines += [f"{'':{wide}}  {failure}" for failure in failures(row)]
    if standings["missing"]:
        lines.append(f"not trained yet: {', '.join(standings['missing'])}")
    lines += beyond_real(standings)
    if standings["best"]:
        lines.append("* better than every other cell, paired differences significant at 5%")
    return "\n".join([*lines, conclusion(standings)])


def conclusion(standings: Mapping[str, Any]) -> str:
    """The answer in a few sentences, with the undecided cells and the reason."""
    power, baseline = standings["power"], standings["baseline"]
    if standings["best"]:
        sentences = [f"{standings['best']} is better than every other cell (paired, Holm, 5%)"]
    elif len(standings["seeds"]) == 1:
        sentences = ["One seed cannot distinguish a difference from chance"]
    else:
        sentences = ["No cell is significantly better than every other (paired, Holm, 5%)"]
    sentences += [
        f"{a} and {b} have the same scores in every seed at every evaluation: likely one experiment"
        for a, b in standings["same"]
    ]
    p = {row["cell"]: (row["difference"] or {}).get("p_adjusted", 0) for row in standings["rows"]}
    undecided = [cell for cell in p if p[cell] > statistics.LEVEL]
    if power["comparisons"] and power["smallest_p"] > statistics.LEVEL:
        sentences.append(f"C{sweep.limits(power, standings)[1:]}")
    elif undecided:
        reach = sweep.reach(power, standings, undecided)
        sentences.append(
            f"Cannot conclude whether {', '.join(undecided)} differ from {baseline}"
            f"{reach and f': {reach}'}"
        )
    return " ".join(f"{sentence}." for sentence in sentences)


def beyond_real(standings: Mapping[str, Any]) -> list[str]:
    """A sentence about the cells with a better score than real data, if there are any."""
    cells = [row["cell"] for row in standings["rows"] if row["beyond_real"]]
    if not cells:
        return []
    return [f"{standings['score']} of {', '.join(cells)}: {metrics.BEYOND}"]


def failures(row: Row) -> list[str]:
    """The failures in a cell, in words."""
    diverged = [f"seed {seed} diverged at step {step}" for seed, step in row["diverged"].items()]
    return [
        *diverged,
        *(["out of memory: the program needs more than the device has"] if row["memory"] else []),
        *([f"failed: {row['failed']}"] if row["failed"] else []),
    ]


def interval(row: Row) -> str:
    """The interval of a row as text; "-" if there is none."""
    if row["low"] is None:
        return "-"
    return f"{row['low']:.4g} to {row['high']:.4g}"


def _shown(value: float | None, width: int, form: str) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}{form}}"


def write(path: Path, standings: Mapping[str, Any]) -> None:
    """Writes the standings as JSON, the same bytes for the same results."""
    run_folder.write_json(path, standings)
