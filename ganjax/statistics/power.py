"""The power of a few paired seeds: smallest p of sign flips, detectable differences."""

import functools
import math

import numpy as np
from scipy import stats

from ganjax.statistics.comparisons import EXACT, FLIPS

LEVEL = 0.05  # largest significant adjusted p
POWER = 0.8  # share of comparisons that detect a detectable difference
DRAWS = 4096  # simulated comparisons, fewer beyond 12 pairs
MEANS = 2**24  # most means of subsets in all
BLOCK = 2**22  # most of them at a time, for memory


def smallest_p(pairs: int) -> float:
    """The smallest p of the sign-flip test in `paired_difference`: 2^(1 - pairs).

    Differences of one sign have it, as all flips but two bring their mean nearer to 0; beyond 14
    pairs it is 1 / 10,000, of no random flip.
    """
    return 2.0 ** (1 - pairs) if pairs <= EXACT else 1 / (FLIPS + 1)


def fewest_pairs(comparisons: int) -> int | None:
    """Fewest pairs with which one of `comparisons` tests can be significant at 0.05 after `holm`.

    None beyond 500 comparisons, where no number suffices.
    """
    enough = (n for n in range(1, EXACT + 2) if comparisons * smallest_p(n) <= LEVEL)
    return next(enough, None)


def detectable_difference(std: float, pairs: int, comparisons: int) -> float:
    """The mean of normal paired differences that is detected with power 80%.

    A difference is detected if p of the sign-flip test times the number of comparisons is at most
    0.05: Holm's condition on the first of them, stricter than on the others.

    With k = floor(2^(n - 1) 0.05 / comparisons), n differences z_i + delta have a p so small, on
    the upper side, where delta exceeds the k-th largest mean of -z over the 2^n - 1 subsets of
    pairs: flipping a subset leaves a sum at least as large where its sum is not above 0 (typical
    values, Hartigan 1969, doi:10.1080/01621459.1969.10501057). Beyond 14 pairs Student's test
    decides. delta is the 80% quantile of that threshold over 4,096 draws (2,048 and 1,024 for 13
    and 14 pairs), each divided by a spread drawn independently: `std` is an estimate from as many
    pairs, and often too small for few.

    Args:
      std: standard deviation of the paired differences of a cell, over pairs - 1.
      pairs: number of pairs in that cell and in the comparison.
      comparisons: number of tests in the family, at least 1.

    Returns:
      The difference, in the score's units; infinite if so few pairs detect none, NaN without a
      spread.
    """
    ratio = _detectable(pairs, comparisons)
    return std * ratio if math.isfinite(ratio) else ratio


@functools.cache
def _detectable(pairs: int, comparisons: int) -> float:
    """The detectable difference over the estimated standard deviation."""
    if pairs < 2:
        return math.nan
    if comparisons * smallest_p(pairs) > LEVEL:
        return math.inf
    rng = np.random.default_rng(0)
    draws = min(DRAWS, MEANS >> pairs) if pairs <= EXACT else DRAWS
    z = rng.standard_normal((draws, pairs))
    if pairs <= EXACT:
        rank = int(2 ** (pairs - 1) * LEVEL / comparisons * (1 + 1e-12))
        subsets = np.arange(1, 2**pairs)[:, None] >> np.arange(pairs) & 1
        means = (subsets / subsets.sum(1, keepdims=True)).T
        parts = np.array_split(z, -(-draws * 2**pairs // BLOCK))
        threshold = np.concatenate([np.partition(part @ means, -rank)[:, -rank] for part in parts])
    else:
        t = stats.t.ppf(1 - LEVEL / comparisons / 2, pairs - 1)
        threshold = t * z.std(1, ddof=1) / math.sqrt(pairs) - z.mean(1)
    spread = np.sqrt(rng.chisquare(pairs - 1, draws) / (pairs - 1))
    return float(np.quantile(threshold / spread, POWER))
