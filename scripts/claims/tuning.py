"""Equal tuning: the score of the best of so many random settings, and what it costs to have few."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import special

from claims.result import Panel
from ganjax import statistics

TRIALS = (1, 15, 225)


def best_of(scores: np.ndarray, trials: int) -> np.ndarray:
    """The expected least of `trials` scores drawn without replacement from the last axis.

    The i-th of m, by size, is the least of a draw with probability
    C(m - i, trials - 1) / C(m, trials).
    """
    scores = np.sort(scores, axis=-1)
    left = np.arange(scores.shape[-1])[::-1]
    weights = special.comb(left, trials - 1) / special.comb(len(left), trials)
    return scores @ weights


def budgets(scores: Mapping[str, np.ndarray], ylabel: str) -> Panel:
    """The score against the number of trials.

    Args:
      scores: name of a scheme -> scores [instances, settings], lower is better.
      ylabel: of the score.
    """
    curves = {}
    for name, values in scores.items():
        rows = [statistics.summary(best_of(values, n)) for n in TRIALS]
        mean, low, high = ([getattr(row, end) for row in rows] for end in ("mean", "low", "high"))
        curves[name] = (TRIALS, mean, low, high)
    return Panel(curves, "trials of each scheme", ylabel, "xy")


def winners(scores: Sequence[Mapping[str, np.ndarray]], trials: int) -> str:
    """Who has the least mean of the best of `trials` settings, by table row."""
    firsts = []
    for row in scores:
        means = {name: best_of(values, trials).mean() for name, values in row.items()}
        firsts.append(min(means, key=means.get))
    return ", ".join(f"{name} in {firsts.count(name)}" for name in dict.fromkeys(firsts))
