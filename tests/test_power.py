"""What a few seeds can show, against the test itself and against simulated comparisons."""

import math

import numpy as np
import pytest
from scipy import stats

from ganjax import statistics

SEEDS = range(3, 13)


@pytest.mark.parametrize("pairs", [*SEEDS, 14, 15, 20])
def test_no_p_is_smaller_than_the_smallest(pairs):
    """It is that of equal differences; of any others p is at least as large."""
    least = statistics.smallest_p(pairs)
    assert statistics.sign_flip_p(np.ones(pairs)) == pytest.approx(least, abs=2e-4 * (pairs > 14))
    rng = np.random.default_rng(pairs)
    assert all(statistics.sign_flip_p(rng.normal(3, 1, pairs)) >= least for _ in range(20))


def test_the_fewest_pairs_reach_the_level_and_one_less_does_not():
    """With all other p values 1, the smallest after Holm; seeds of the benchmarks' page."""
    for comparisons in range(1, 60):
        fewest = statistics.fewest_pairs(comparisons)
        for pairs, significant in ((fewest, True), (fewest - 1, False)):
            p = [statistics.smallest_p(pairs), *[1.0] * (comparisons - 1)]
            assert (statistics.holm(p)[0] <= statistics.LEVEL) == significant
    assert [statistics.fewest_pairs(m) for m in (1, 3, 4, 9, 12, 500)] == [6, 7, 8, 9, 9, 15]
    assert statistics.fewest_pairs(501) is None


def test_all_of_one_sign_is_needed_of_the_fewest_pairs():
    """There the power against a known spread is Phi(delta)^n; a spread that is estimated adds."""
    for pairs, comparisons in ((6, 1), (8, 4), (9, 9)):
        known = stats.norm.ppf(statistics.POWER ** (1 / pairs))
        found = statistics.detectable_difference(1.0, pairs, comparisons)
        draws = np.random.default_rng(0).chisquare(pairs - 1, 100_000) / (pairs - 1)
        power = (stats.norm.cdf(found * np.sqrt(draws)) ** pairs).mean()
        assert power == pytest.approx(statistics.POWER, abs=0.015)  # 4,096 draws
        assert found > known


def test_many_pairs_detect_what_students_test_does():
    """Against statsmodels; 1% for the spread's estimate, 3% for draws."""
    from statsmodels.stats.power import TTestPower

    for pairs, comparisons in ((60, 1), (100, 4)):
        exact = TTestPower().solve_power(
            nobs=pairs, alpha=statistics.LEVEL / comparisons, power=statistics.POWER
        )
        found = statistics.detectable_difference(2.0, pairs, comparisons)
        assert found == pytest.approx(2 * exact, rel=0.04)


def test_what_no_difference_and_no_spread_detect():
    assert statistics.detectable_difference(1.0, 5, 1) == math.inf
    assert statistics.detectable_difference(0.0, 4, 9) == math.inf
    assert statistics.detectable_difference(0.0, 9, 9) == 0
    assert math.isnan(statistics.detectable_difference(1.0, 1, 1))
    falling = [statistics.detectable_difference(1.0, pairs, 4) for pairs in range(8, 17)]
    assert falling == sorted(falling, reverse=True)


@pytest.mark.parametrize("pairs", SEEDS)
def test_detectable_differences_are_detected_in_80_percent_of_comparisons(pairs):
    """Within 5% of 800 simulations; with too few seeds no difference is ever significant.

    The spread is that of other runs, as it is of the first cells, and the cell that differs is one
    of the comparison: the others are chance.
    """
    rng, draws = np.random.default_rng(pairs), 800
    for comparisons in (1, 4, 9):
        spreads = rng.normal(size=(draws, pairs)).std(1, ddof=1)
        deltas = [statistics.detectable_difference(s, pairs, comparisons) for s in spreads]
        deltas = np.where(np.isfinite(deltas), deltas, 1e6)
        differences = deltas[:, None] + rng.normal(size=(draws, pairs))
        p = np.array([statistics.sign_flip_p(row) for row in differences])
        found = (p * comparisons <= statistics.LEVEL).mean()
        can = pairs >= statistics.fewest_pairs(comparisons)
        assert abs(found - statistics.POWER) < 0.05 if can else found == 0, (comparisons, found)
