"""The statistical power of a comparison's seeds: before training, and from the first cells."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganjax import statistics
from ganjax.errors import ConfigError, unknown


def power(
    comparison: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The smallest p and differences that a comparison's tests can find with its seeds and cells.

    Args:
      comparison: the comparison, as `described` returns it.
      results: of the cells that are trained so far, as `read` returns them.

    Returns:
      `comparisons` with the baseline, one for each other cell; the `smallest_p` that is possible
      after Holm; `fewest_seeds` with which it is at most 0.05, None if no number is enough; and
      `detectable` {cell: the difference from the baseline that is detected with power 80%, by
      the spread of the cell's differences}, None where seeds diverged or no difference is.
    """
    comparisons, seeds = len(comparison["cells"]) - 1, len(comparison["seeds"])
    found = {
        "comparisons": comparisons,
        "smallest_p": min(1.0, comparisons * statistics.smallest_p(seeds)) if comparisons else None,
        "fewest_seeds": statistics.fewest_pairs(comparisons) if comparisons else None,
        "detectable": {},
    }
    if comparison["baseline"] in results:
        against = last_scores(results[comparison["baseline"]], comparison["score"])
        for name, result in results.items():
            if name != comparison["baseline"]:
                differences = last_scores(result, comparison["score"]) - against
                found["detectable"][name] = _detectable(differences, comparisons)
    return found


def _detectable(differences: np.ndarray, comparisons: int) -> float | None:
    if len(differences) < 2 or not np.isfinite(differences).all():
        return None  # where seeds diverged the test is of wins
    std = float(differences.std(ddof=1))
    found = statistics.detectable_difference(std, len(differences), comparisons)
    return found if math.isfinite(found) else None


def limits(power: Mapping[str, Any], comparison: Mapping[str, Any]) -> str:
    """A sentence: whether so many seeds allow any conclusion; empty without comparisons.

    Args:
      power: as `power` returns it.
      comparison: the comparison, or its standings.
    """
    if not power["comparisons"]:
        return ""
    seeds, fewest = len(comparison["seeds"]), power["fewest_seeds"]
    text = (
        f"{_count(power['comparisons'], 'comparison')} against {comparison['baseline']} with "
        f"{_count(seeds, 'seed')}: the smallest adjusted p (sign flips, Holm) is "
        f"{power['smallest_p']:.4f}; "
    )
    if fewest is None:
        text += f"no number of seeds is enough for {statistics.LEVEL}, compare fewer cells"
    else:
        text += f"at least {fewest} seeds are needed for {statistics.LEVEL}"
    return f"cannot conclude: {text}" if power["smallest_p"] > statistics.LEVEL else text


def reach(power: Mapping[str, Any], comparison: Mapping[str, Any], cells: list[str]) -> str:
    """A sentence: how large a difference is detectable; empty if that is unknown.

    Args:
      power: as `power` returns it.
      comparison: the comparison, or its standings.
      cells: those whose spread counts.
    """
    found = {cell: power["detectable"].get(cell) for cell in cells}
    found = {cell: value for cell, value in found.items() if value is not None}
    if not found:
        return ""
    low, high = (f"{value:.3g}" for value in (min(found.values()), max(found.values())))
    return (
        f"a difference in {comparison['score']} of {low if low == high else f'{low} to {high}'} is "
        f"detected with power {statistics.POWER:.0%}, from the spread of {', '.join(found)} over "
        f"{_count(len(comparison['seeds']), 'seed')}"
    )


def last_scores(result: Mapping[str, Any], score: str) -> np.ndarray:
    """The score of every seed at the end, NaN where it diverged, [seeds].

    Raises:
      ConfigError: the cell does not report it.
    """
    if not result["scores"]:
        return np.full(len(result["seeds"]), math.nan)
    if score not in result["scores"]:
        raise ConfigError(unknown("score", score, result["scores"]))
    return np.array(result["scores"][score][-1], float)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
