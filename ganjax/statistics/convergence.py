"""When training converges, and how fast: first step within a bound, median, fitted rate."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ganjax.statistics.comparisons import worth


class ContractionRate(NamedTuple):
    """The factor by which a distance changes in a step.

    Attributes:
      rate: the factor; below 1 the players converge.
      error: its standard error.
      points: number of distances it was fitted to.
    """

    rate: float
    error: float
    points: int


def convergence_step(
    steps: ArrayLike, scores: ArrayLike, bound: float, goal: str = "min"
) -> int | None:
    """First evaluated step from which a score stays within a bound to the end.

    Args:
      steps: of the evaluations, strictly increasing [evaluations].
      scores: the score there [evaluations]; one that is not finite is outside the bound.
      bound: largest good score, included; with the goal "max" the smallest.
      goal: "min" where a small score is good, "max" where a large one is.

    Returns:
      The step; None if the last score is outside the bound: censored, as it may converge later.

    Raises:
      ValueError: shapes differ, steps do not increase, the bound is not finite, or the goal is
        neither.
    """
    steps, scores = _evaluations(steps, scores, "scores")
    if not np.isfinite(bound):
        raise ValueError(f"bound={bound} must be finite")
    good = worth(scores, goal) >= (bound if goal == "max" else -bound)
    bad = np.flatnonzero(~good)
    first = bad[-1] + 1 if len(bad) else 0
    return int(steps[first]) if first < len(steps) else None


def median_convergence(converged: Sequence[int | None], last: ArrayLike) -> int | None:
    """Median convergence step over seeds; seeds that have not converged are censored.

    The first step at which the product-limit estimate of the share not yet converged is at most
    1/2 (Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452). With one budget for all it is
    the lower median, with the censored ones last.

    Args:
      converged: of each seed its `convergence_step`, None if censored [seeds].
      last: the last evaluated step, of all seeds or of each [seeds]. A seed that diverged will
        never converge: its last step is the budget, not the step at which it stopped.

    Returns:
      The step; None if the share never falls to 1/2, so when more than half are censored.

    Raises:
      ValueError: no seed, shapes differ, or a seed converged after its last step.
    """
    if not len(converged):
        raise ValueError("expected the convergence steps of at least one seed, got none")
    last = np.asarray(last)
    if last.shape not in ((), (len(converged),)):
        raise ValueError(
            f"expected one last step, or one of each of {len(converged)} seeds, got {last.shape}"
        )
    last = np.broadcast_to(last, len(converged))
    for seed, (step, end) in enumerate(zip(converged, last, strict=True)):
        if step is not None and not step <= end:
            raise ValueError(f"seed {seed} converged at step {step}, after its last, {end}")
    seen = [step for step in converged if step is not None]
    if not seen:
        return None
    missing = [end for step, end in zip(converged, last, strict=True) if step is None]
    left = stats.ecdf(stats.CensoredData(uncensored=seen, right=missing)).sf
    # 1/2 may come out of the product as 0.5000000000000001.
    below = np.flatnonzero(left.probabilities <= 0.5 + 1e-12)
    return int(left.quantiles[below[0]]) if len(below) else None


def contraction_rate(steps: ArrayLike, distances: ArrayLike) -> ContractionRate:
    """The rate r of distances c r^step to an equilibrium, by least squares of their logarithm.

    To compare with the spectral radius of the update map (`dynamics.RADII`). The fit ends where the
    distance is no longer finite, or at most 100 roundings (of its dtype) of the largest before. The
    error assumes independent residuals, but those of a map that is not normal are a transient and
    an oscillation. Fit from a later step on, and over many oscillations.

    Args:
      steps: strictly increasing [evaluations].
      distances: e.g. `dynamics.distance_to_equilibrium` there, at least 0 [evaluations].

    Returns:
      `ContractionRate`, the factor a step with its standard error, r times that of the slope.

    Raises:
      ValueError: shapes differ, steps do not increase, a distance is negative, or fewer than three
        are above rounding.
    """
    distances = np.asarray(distances)
    dtype = distances.dtype if distances.dtype.kind == "f" else np.float64
    steps, distances = _evaluations(steps, distances, "distances")
    if (distances < 0).any():
        raise ValueError(f"distances must be at least 0, got {distances.min()}")
    rounded = distances <= 100 * np.finfo(dtype).eps * np.fmax.accumulate(distances)
    ends = np.flatnonzero(rounded | ~np.isfinite(distances))
    points = int(ends[0]) if len(ends) else len(distances)
    if points < 3:
        raise ValueError(
            f"{points} of {len(distances)} distances are finite and above rounding, but a rate "
            "with its error takes three; evaluate more often, or start farther away"
        )
    fit = stats.linregress(steps[:points], np.log(distances[:points]))
    rate = float(np.exp(fit.slope))
    return ContractionRate(rate, rate * float(fit.stderr), points)


def _evaluations(steps: ArrayLike, values: ArrayLike, name: str) -> tuple[np.ndarray, np.ndarray]:
    steps, values = np.asarray(steps), np.asarray(values, np.float64)
    if steps.ndim != 1 or steps.shape != values.shape or not len(steps):
        raise ValueError(
            f"expected steps and {name} [evaluations >= 1], got shapes {steps.shape} and "
            f"{values.shape}"
        )
    if not (np.diff(steps) > 0).all():
        at = int(np.flatnonzero(~(np.diff(steps) > 0))[0])
        raise ValueError(
            f"steps must increase, got {steps[at]} before {steps[at + 1]}; if a run was "
            "resumed, keep the last row of each step"
        )
    return steps, values
