"""Comparison of two methods on the same seeds: differences, tests, win rates.

A seed that diverged has a score that is not finite. It has no difference and loses its match: where
some diverged, the win rate and its test are the fair ones.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ganjax.errors import unknown
from ganjax.statistics.intervals import summary

EXACT = 14  # most pairs for which all sign flips are computed: 16,384
FLIPS = 9_999  # random flips for more pairs
GOALS = ("min", "max")  # whether small or large scores are good


class PairedDifference(NamedTuple):
    """The score of a minus that of b, seed by seed.

    Attributes:
      n: pairs with two finite scores.
      left_out: the other pairs.
      mean: mean difference, in the score's units; NaN without pairs.
      low: lower end of its 95% interval, from `summary`; NaN for fewer than two pairs.
      high: upper end; NaN for fewer than two pairs.
      p: two-sided p of the sign-flip test; NaN without pairs.
    """

    n: int
    left_out: int
    mean: float
    low: float
    high: float
    p: float


class WinRate(NamedTuple):
    """How often a beats b on the same seed.

    Attributes:
      n: number of seeds.
      wins: seeds on which a is better.
      ties: seeds with equal scores, or that diverged for both.
      share: (wins + ties / 2) / n.
      low: lower end of Wilson's 95% interval of the share.
      high: upper end.
      p: two-sided p of the exact sign test, ties left out; 1 if all are ties.
    """

    n: int
    wins: int
    ties: int
    share: float
    low: float
    high: float
    p: float


def paired_difference(a: ArrayLike, b: ArrayLike, *, seed: int = 0) -> PairedDifference:
    """Mean of a - b over seeds, its 95% interval, and a permutation test that it is 0.

    Seed i of a and of b share data and latents (common random numbers), so that their common part
    cancels. If neither is better, each difference d is as likely -d: the test (Fisher 1935, The
    Design of Experiments, section 21) compares |mean d| with that of all 2^n flips of signs, up to
    14 pairs; beyond, with 9,999 random flips, p = (k + 1) / (9,999 + 1) for k at least as large
    (Phipson and Smyth 2010, arXiv:1603.05766).

    The smallest p of n pairs is 2^(1 - n): five never reach 0.05, and eight are needed to do so
    after `holm` over four to six comparisons (`fewest_pairs`). Pairs in which a seed diverged are
    left out: mean and p then describe the seeds that survived, and `win_rate` all seeds.

    Args:
      a: scores of every seed [seeds]; not finite where it diverged.
      b: scores of the same seeds in the same order [seeds].
      seed: of resamples and random flips.

    Returns:
      `PairedDifference`; swapped arguments give the mirrored one.

    Raises:
      ValueError: the shapes differ, or there is no seed.
    """
    a, b = _scores(a, b)
    both = np.isfinite(a) & np.isfinite(b)
    n, left_out = int(both.sum()), int((~both).sum())
    if not n:
        return PairedDifference(0, left_out, math.nan, math.nan, math.nan, math.nan)
    differences = a[both] - b[both]
    found = summary(differences, seed=seed)
    p = sign_flip_p(differences, seed=seed)
    return PairedDifference(n, left_out, found.mean, found.low, found.high, p)


def sign_flip_p(differences: np.ndarray, *, seed: int = 0) -> float:
    """Two-sided p of the sign-flip test in `paired_difference`, of finite differences [pairs]."""
    n = len(differences)
    if n <= EXACT:
        signs = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    else:
        signs = np.random.default_rng(seed).choice((-1, 1), size=(FLIPS, n))
    # Sums that differ by rounding only count as equal.
    least = abs(differences.sum()) - 1e-12 * np.abs(differences).sum()
    hits = int((np.abs((signs * differences).sum(1)) >= least).sum())
    return hits / 2**n if n <= EXACT else (hits + 1) / (FLIPS + 1)


def holm(p_values: ArrayLike) -> np.ndarray:
    """P values adjusted for their number (Holm 1979, jstor.org/stable/4615733).

    With p_(1) <= ... <= p_(m) the i-th becomes max over j <= i of min(1, (m - j + 1) p_(j)). If
    adjusted values of at most 0.05 are called significant, the probability of any error in the
    family is at most 0.05, however the comparisons depend on each other.

    Args:
      p_values: [comparisons] in [0, 1], of all comparisons made, not only of promising ones.

    Raises:
      ValueError: not one axis, or a value is no probability.
    """
    p = np.asarray(p_values, np.float64)
    if p.ndim != 1:
        raise ValueError(f"expected p values [comparisons], got shape {p.shape}")
    if not ((p >= 0) & (p <= 1)).all():
        wrong = p[~((p >= 0) & (p <= 1))].tolist()
        raise ValueError(f"p values must be in [0, 1], got {wrong}; leave out untested comparisons")
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    steps = np.arange(len(p), 0, -1) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def win_rate(a: ArrayLike, b: ArrayLike, goal: str) -> WinRate:
    """Share of seeds on which a beats b, a tie counting half, with Wilson's 95% interval.

    (share + z^2 / 2n +- z sqrt(share (1 - share) / n + z^2 / 4n^2)) / (1 + z^2 / n), z = 1.96
    (Wilson 1927, doi:10.1080/01621459.1927.10502953). A seed that diverged loses to one that did
    not, and ties with one that did; with ties the interval is a little too wide.

    Args:
      a: as in `paired_difference`.
      b: as in `paired_difference`.
      goal: "min" where a small score is good, "max" where a large one is.

    Raises:
      ValueError: the shapes differ, there is no seed, or the goal is neither.
    """
    a, b = (worth(x, goal) for x in _scores(a, b))
    n, wins, ties = len(a), int((a > b).sum()), int((a == b).sum())
    share, z = (wins + ties / 2) / n, stats.norm.ppf(0.975)
    centre = share + z**2 / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = (float(x / (1 + z**2 / n)) for x in (centre - reach, centre + reach))
    p = float(stats.binomtest(wins, n - ties).pvalue) if n > ties else 1.0
    # At a share of 0 or 1 rounding may put an end outside by 1e-17.
    return WinRate(n, wins, ties, share, max(low, 0.0), min(high, 1.0), p)


def worth(scores: ArrayLike, goal: str) -> np.ndarray:
    """Scores such that more is better, -inf where not finite.

    Raises:
      ValueError: the goal is neither "min" nor "max".
    """
    if goal not in GOALS:
        raise ValueError(unknown("goal", goal, GOALS))
    scores = np.asarray(scores, np.float64)
    return np.where(np.isfinite(scores), scores if goal == "max" else -scores, -np.inf)


def _scores(a: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise ValueError(
            f"expected scores of the same seeds [seeds >= 1] twice, got shapes {a.shape} and "
            f"{b.shape}"
        )
    return a, b
