"""What the results of a comparison say: one row a cell, every number with its uncertainty.

Of scores, steps and gradient evaluations alone, which are the same bits whenever the cells are
played; what they cost in seconds is told beside.
"""

import itertools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ganjax import metrics, statistics, sweep
from ganjax.config import changes
from ganjax.sweep import last_scores

Row = dict[str, Any]


def table(workdir: Path) -> dict[str, Any]:
    """The standings of a comparison's folder.

    Returns:
      `question`, `score`, `goal`, `bound`, `baseline`, `seeds`, `missing` (cells not played yet),
      `best`: the cell with the best mean if its paired difference from every other is significant,
      else None, `same`: pairs of cells with the same scores in every seed at every look, `power`:
      what the seeds can show, as `sweep.power` has it, and `rows`, one a cell in the order of the
      config:
      `cell`, `changes` {path: (value of the resolved base, of the cell)}; `seeds` finished,
      `diverged` {seed: step}, `memory` (whether it ran out of it); `mean`, `std`, `low`, `high` of
      the last score over finished seeds, the interval a 95% bootstrap interval within the score's
      range; `beyond_real`, "above" or "below" where the mean is better than real data's own score,
      else None; `difference` from the baseline (`mean`, `low`, `high`, `p`, `p_adjusted` by Holm
      over all cells, `seeds`) and `wins` (`share`, `low`, `high`) against it, None for itself;
      `converged`: the number of seeds that stay within the bound, and the median `step` and
      `evaluations` from which they do, None if most do not; `steps` and `evaluations` of a run;
      `rate` of toys: the factor a step by which
      the distance shrinks, its `error` and, as `radius`, the spectral radius of a step.

    Raises:
      RunFolderError: it is no folder of a comparison.
      ConfigError: the cells do not report the score.
    """
    asked, results = sweep.described(workdir), sweep.read(workdir)
    rows = [_row(name, result, asked) for name, result in results.items()]
    _compare(rows, results, asked)
    keys = ("question", "score", "goal", "bound", "baseline", "seeds")
    return {
        **{key: asked[key] for key in keys},
        "missing": [name for name in asked["cells"] if name not in results],
        "best": _best(results, asked),
        "same": _same(results),
        "power": sweep.power(asked, results),
        "rows": rows,
    }


def _row(name: str, result: Mapping[str, Any], asked: Mapping[str, Any]) -> Row:
    scores = last_scores(result, asked["score"])
    finite = scores[np.isfinite(scores)]
    within = metrics.score_range(asked["score"])
    of = statistics.summary(finite, within=within)._asdict() if len(finite) else {}
    of = {key: _number(of.get(key, math.nan)) for key in ("mean", "std", "low", "high")}
    stopped = zip(result["seeds"], result["status"], result["stopped_at"], strict=True)
    evaluations = [sum(pair) for pair in zip(*result["evaluations"].values(), strict=True)]
    return {
        "cell": name,
        "changes": changes(asked["base"], asked["cells"][name]),
        "seeds": len(finite),
        "diverged": {seed: step for seed, status, step in stopped if status == "diverged"},
        "memory": "out of memory" in result["status"],
        **of,
        "beyond_real": _beyond_real(result, asked["score"], of["mean"]),
        "difference": None,
        "wins": None,
        "converged": _converged(result, asked, evaluations),
        "steps": result["step"][-1],
        "evaluations": evaluations[-1],
        "rate": _rate(result),
    }


def _beyond_real(result: Mapping[str, Any], score: str, mean: float | None) -> str | None:
    """The side of real data's own score on which a mean is better than it, None if it is not."""
    real = last_scores(result, f"{score}_real") if f"{score}_real" in result["scores"] else ()
    if mean is None or not np.isfinite(real).any():
        return None
    return metrics.beyond_real({score: mean, f"{score}_real": np.nanmean(real)}).get(score)


def _converged(result, asked, evaluations: list[int]) -> dict[str, Any] | None:
    """When the seeds come within the bound to stay; None without a bound."""
    if asked["bound"] is None or not result["scores"]:
        return None
    steps, looks = result["step"], np.array(result["scores"][asked["score"]], float).T
    of = [statistics.convergence_step(steps, s, asked["bound"], asked["goal"]) for s in looks]
    median = statistics.median_convergence(of, steps[-1])
    return {
        "seeds": sum(step is not None for step in of),
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
    except ValueError:  # at rest, or away, after a look or two
        return None
    radius = float(np.abs(result["eigenvalues"]).max())
    return {"rate": fit.rate, "error": fit.error, "radius": radius}


def _compare(rows: list[Row], results: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Fills in how each cell differs from the baseline."""
    if asked["baseline"] not in results:
        return
    against = last_scores(results[asked["baseline"]], asked["score"])
    others = [row for row in rows if row["cell"] != asked["baseline"]]
    for row in others:
        scores = last_scores(results[row["cell"]], asked["score"])
        of = statistics.paired_difference(scores, against)
        wins = statistics.win_rate(scores, against, asked["goal"])
        row["difference"] = {key: _number(value) for key, value in of._asdict().items()}
        # The mean speaks of the seeds that finished; where some did not, the test is of wins.
        row["difference"]["p"] = _number(wins.p if of.left_out else of.p)
        row["wins"] = {key: getattr(wins, key) for key in ("share", "low", "high")}
    tested = [row["difference"] for row in others if row["difference"]["p"] is not None]
    for of, p in zip(tested, statistics.holm([of["p"] for of in tested]), strict=True):
        of["p_adjusted"] = float(p)


def _best(results: Mapping[str, Any], asked: Mapping[str, Any]) -> str | None:
    """The cell that is better than each of the others, all of these tests taken together."""
    scores = {name: last_scores(result, asked["score"]) for name, result in results.items()}
    if len(scores) < 2:
        return None
    worth = {name: statistics.worth(row, asked["goal"]).mean() for name, row in scores.items()}
    first = max(worth, key=worth.get)
    tests = []
    for name, row in scores.items():
        if name != first:
            of = statistics.paired_difference(scores[first], row)
            wins = statistics.win_rate(scores[first], row, asked["goal"])
            tests.append(wins.p if of.left_out else of.p)
    return first if max(statistics.holm(tests)) <= statistics.LEVEL else None


def _same(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Cells that are the same experiment, whatever their configs say; none of those that failed."""
    done = [name for name, result in results.items() if set(result["status"]) == {"done"}]
    pairs = itertools.combinations(done, 2)
    return [(a, b) for a, b in pairs if results[a]["scores"] == results[b]["scores"]]


def _number(value: float) -> float | int | None:
    return value if isinstance(value, int) or math.isfinite(value) else None


def text(standings: Mapping[str, Any], costs: Mapping[str, Mapping[str, Any]]) -> str:
    """The standings for a terminal; costs as `sweep.read` has them."""
    lines = [standings["question"]]
    lines += [
        f"{standings['score']} at the end, {len(standings['seeds'])} seed"
        f"{'s' * (len(standings['seeds']) > 1)}, "
        f"{'small' if standings['goal'] == 'min' else 'large'} is good; mean and 95% interval; "
        f"difference from {standings['baseline']}, p adjusted (Holm); "
        f"detectable: with power {statistics.POWER:.0%}"
    ]
    wide = max([len(row["cell"]) for row in standings["rows"]] + [4])
    head = f"{'cell':{wide}}  {'mean':>8} {'95% interval':>19}  {'difference':>10} {'p':>6} "
    head += f"{'detectable':>10} {'wins':>5} {'in bound':>8} {'at step':>8} {'gradients':>9} "
    head += f"{'s/run':>7}"
    toys, found = any(row["rate"] for row in standings["rows"]), standings["power"]["detectable"]
    lines.append(head + (f" {'rate':>9} {'radius':>9}" if toys else ""))
    for row in standings["rows"]:
        of, wins, within = row["difference"] or {}, row["wins"] or {}, row["converged"] or {}
        lines.append(
            f"{row['cell']:{wide}}{'*' if row['cell'] == standings['best'] else ' '} "
            f"{_short(row['mean'], 8)} {interval(row):>19}  {_short(of.get('mean'), 10)} "
            f"{_shown(of.get('p_adjusted'), 6)} {_short(found.get(row['cell']), 10)} "
            f"{_shown(wins.get('share'), 5, 2)} "
            f"{_shown(within.get('seeds'), 8, 0)} {_shown(within.get('step'), 8, 0)} "
            f"{row['evaluations']:9d} {costs[row['cell']]['seconds'][-1]:7.2f}"
        )
        if toys:
            rate = row["rate"] or {}
            lines[-1] += f" {_shown(rate.get('rate'), 9, 6)} {_shown(rate.get('radius'), 9, 6)}"
        lines += [f"{'':{wide}}  {failure}" for failure in failures(row)]
    if standings["missing"]:
        lines.append(f"not played yet: {', '.join(standings['missing'])}")
    lines += beyond_real(standings)
    if standings["best"]:
        lines.append("* better than every other cell, paired differences significant at 5%")
    return "\n".join([*lines, conclusion(standings)])


def conclusion(standings: Mapping[str, Any]) -> str:
    """The answer in a few sentences, with that of which nothing can be concluded, and why."""
    told, power = [], standings["power"]
    if standings["best"]:
        told.append(f"{standings['best']} is better than every other cell (paired, Holm, 5%)")
    elif len(standings["seeds"]) == 1:
        told.append("One seed cannot tell chance from difference")
    else:
        told.append("No cell is better than every other with the certainty of 5%")
    told += [
        f"{a} and {b} have the same scores in every seed at every look: likely one experiment"
        for a, b in standings["same"]
    ]
    differences = {row["cell"]: row["difference"] or {} for row in standings["rows"]}
    undecided = [
        cell for cell, of in differences.items() if of.get("p_adjusted", 0) > statistics.LEVEL
    ]
    if power["comparisons"] and power["smallest_p"] > statistics.LEVEL:
        told.append(f"C{sweep.limits(power, standings)[1:]}")
    elif undecided:
        reach = sweep.reach(power, standings, undecided)
        told.append(
            f"Cannot conclude whether {', '.join(undecided)} differ from {standings['baseline']}"
            f"{reach and f': {reach}'}"
        )
    return " ".join(f"{sentence}." for sentence in told)


def beyond_real(standings: Mapping[str, Any]) -> list[str]:
    """A sentence about the cells whose score is better than real data's own, if there are any."""
    cells = [row["cell"] for row in standings["rows"] if row["beyond_real"]]
    if not cells:
        return []
    return [f"{standings['score']} of {', '.join(cells)}: {metrics.BEYOND}"]


def failures(row: Row) -> list[str]:
    """What went wrong in a cell, in words."""
    told = [f"seed {seed} diverged at step {step}" for seed, step in row["diverged"].items()]
    return [*told, *(["out of memory: more than the device has"] if row["memory"] else [])]


def interval(row: Row) -> str:
    """The interval of a row as text; "-" if there is none."""
    if row["low"] is None:
        return "-"
    return f"{row['low']:.4g} to {row['high']:.4g}"


def _shown(value: float | None, width: int, digits: int = 4) -> str:
    if value is None:
        return f"{'-':>{width}}"
    return f"{value:{width}.{digits}f}" if digits else f"{value:{width}.0f}"


def _short(value: float | None, width: int) -> str:
    """To four significant digits."""
    return f"{'-':>{width}}" if value is None else f"{value:{width}.4g}"


def write(path: Path, standings: Mapping[str, Any]) -> None:
    """The standings as JSON, the same bytes for the same results."""
    path.write_text(json.dumps(standings, indent=2) + "\n", encoding="utf-8")
