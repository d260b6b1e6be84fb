"""Statistics over seeds against scipy, statsmodels, full enumeration and the toys' theory."""

import itertools
import math

import jax
import numpy as np
import optax
import pytest
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.multitest import multipletests

from ganjax import dynamics, games, schemes, statistics
from ganjax.types import Players

SKEWED = np.array([0.2, 0.3, 0.5, 0.9, 1.1, 2.4])


def normal(n, seed=0):
    return np.random.default_rng(seed).normal(size=n)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_few_values_have_students_interval(n):
    values = normal(n)
    found, exact = statistics.summary(values), stats.describe(values)
    np.testing.assert_allclose(
        found, (n, exact.mean, math.sqrt(exact.variance), *students_t(values)), rtol=1e-10
    )


def students_t(values):
    return stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))


def test_bootstrap_t_of_all_resamples():
    """The 46,656 resamples of 6 values, by hand; 3% off, for ours are 10,000 random ones."""
    resamples = SKEWED[list(itertools.product(range(6), repeat=6))]
    mean, std = SKEWED.mean(), SKEWED.std(ddof=1)
    t = (resamples.mean(1) - mean) / np.maximum(resamples.std(1, ddof=1), 0.15 * std)
    middle = np.quantile(abs(t), 0.95)
    expected = (
        mean - (0.75 * np.quantile(t, 0.975) + 0.25 * middle) * std,
        mean - (0.75 * np.quantile(t, 0.025) - 0.25 * middle) * std,
    )
    found = statistics.summary(SKEWED)
    np.testing.assert_allclose(np.array(found[3:]) - mean, np.array(expected) - mean, rtol=0.03)
    assert found.high - mean > 1.5 * (mean - found.low)  # the long tail is above


def test_an_interval_of_many_is_scipys():
    """Skewed values enough for every bootstrap: BCa's, to 5% of the width (random resamples)."""
    values = np.random.default_rng(0).exponential(size=500)
    found = statistics.summary(values)
    exact = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=4999, rng=0)
    width = found.high - found.low
    for ours, theirs in zip(found[3:], exact.confidence_interval, strict=True):
        assert abs(ours - theirs) < 0.05 * width


def test_a_summary_moves_and_mirrors_with_its_values():
    values = normal(9) ** 2
    found = np.array(statistics.summary(values))
    moved = np.array(statistics.summary(3 - 2 * values))
    np.testing.assert_allclose(moved[[1, 4, 3]], 3 - 2 * found[[1, 3, 4]], rtol=1e-10)
    np.testing.assert_allclose(moved[2], 2 * found[2], rtol=1e-10)
    for scale in (1e-200, 1e200):
        scaled = np.array(statistics.summary(scale * values))
        np.testing.assert_allclose(scaled[1:] / scale, found[1:], rtol=1e-10)


def test_same_values_same_bits_in_any_order():
    values = normal(7)
    assert statistics.summary(values) == statistics.summary(values[::-1].tolist())
    assert statistics.summary(values) != statistics.summary(values, seed=1)


def test_equal_values_and_single_ones():
    assert statistics.summary([0.1] * 6) == (6, 0.1, 0.0, 0.1, 0.1)
    n, mean, *rest = statistics.summary([0.1])
    assert (n, mean) == (1, 0.1)
    assert np.isnan(rest).all()
    # One seed of eight that lost a mode: wider than Student's t, but an interval.
    found, student = statistics.summary([8] * 7 + [7]), students_t([8] * 7 + [7])
    assert found.low < student[0]
    assert found.high - found.low < 4 * (student[1] - student[0])


def test_an_interval_stays_in_the_range_of_its_score():
    """And is otherwise that of the values alone, which left it."""
    values = [0.004, 0.01, 0.02, 0.3]
    free, bounded = statistics.summary(values), statistics.summary(values, within=(0, math.inf))
    assert free.low < 0
    assert bounded == free._replace(low=0.0)
    share = statistics.summary([0.7, 0.95, 1.0], within=(0, 1))
    assert share.high == 1 < statistics.summary([0.7, 0.95, 1.0]).high
    inside = statistics.summary(values, within=(-10, 10))
    assert inside == free
    # A score of one's own under a known name may leave the range: its values widen it.
    assert statistics.summary([-0.5, -0.5 + 1e-3, 2.0], within=(0, 1)).low == -0.5
    with pytest.raises(ValueError, match=r"within=\(1, 0\)"):
        statistics.summary(values, within=(1, 0))


@pytest.mark.parametrize("n", [2, 5, 10])
def test_equal_values_of_a_range_have_an_interval(n):
    """At the end of a range it is Clopper and Pearson's, one-sided at 95%, of n successes."""
    exact = stats.binomtest(n, n, alternative="greater").proportion_ci(0.95)
    found = statistics.summary([8.0] * n, within=(0, 8))
    np.testing.assert_allclose(found, (n, 8, 0, 8 * exact.low, 8), rtol=1e-10)
    inner = statistics.summary([2.0] * n, within=(0, 8))
    np.testing.assert_allclose(inner[3:], (2 * exact.low, 8 - 6 * exact.low), rtol=1e-10)
    assert statistics.summary([2.0] * n, within=(0, math.inf)) == (n, 2, 0, 2, 2)


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "at least one seed"), ([[1.0]], "shape"), ([1, math.nan, math.inf], r"values \[1, 2\]")],
)
def test_a_summary_refuses(values, message):
    with pytest.raises(ValueError, match=message):
        statistics.summary(values)


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 10, 16])
@pytest.mark.parametrize(
    ("draw", "mean"),
    [
        (np.random.Generator.normal, 0.0),
        (lambda rng, size: rng.lognormal(0.0, 0.5, size), math.exp(1 / 8)),
        (np.random.Generator.exponential, 1.0),
    ],
    ids=["normal", "log-normal", "exponential"],
)
def test_intervals_cover_95_percent(draw, mean, n):
    """Within 2% in 2,000 simulations."""
    sets = draw(np.random.default_rng((0, n)), size=(2000, n))
    found = [statistics.summary(values) for values in sets]
    assert 0.93 <= np.mean([each.low <= mean <= each.high for each in found]) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("fails", [0.05, 0.2, 0.5])
def test_intervals_of_a_share_cover_rare_failures(n, fails):
    """Of seeds that end at 1 or at 0, in 2,000 simulations; without a range 47% at n = 3."""
    sets = np.random.default_rng((0, n)).random((2000, n)) > fails
    found = [statistics.summary(values.astype(float), within=(0, 1)) for values in sets]
    assert np.mean([each.low <= 1 - fails <= each.high for each in found]) >= 0.93


@pytest.mark.parametrize("n", [2, 5, 10])
@pytest.mark.parametrize("ties", [False, True])
def test_sign_flips_are_scipys_permutations(n, ties):
    a, b = normal(n) + 0.5, normal(n, seed=1)
    if ties:
        a, b = np.round(a) / 10, np.round(b) / 10
    exact = stats.permutation_test(
        (a, b), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    found = statistics.paired_difference(a, b)
    np.testing.assert_allclose(found.p, exact.pvalue, rtol=1e-10)
    assert found[:2] == (n, 0)
    assert (found.mean, found.low, found.high) == statistics.summary(a - b)[1:2] + (
        statistics.summary(a - b)[3:]
    )


def test_random_flips_of_many_pairs():
    a, b = normal(15) + 0.5, normal(15, seed=1)
    signs = np.array(list(itertools.product((-1, 1), repeat=15)))
    exact = (abs(signs @ (a - b)) >= abs((a - b).sum()) - 1e-9).mean()
    found = statistics.paired_difference(a, b).p
    assert abs(found - exact) < 4 * math.sqrt(exact / 9_999)  # standard error of random flips
    assert found == statistics.paired_difference(a, b).p
    assert statistics.paired_difference(np.arange(1.0, 51), np.zeros(50)).p == 1 / 10_000


def test_a_difference_mirrors_and_leaves_out_who_diverged():
    a, b = normal(8) ** 2, normal(8, seed=1)
    one, other = statistics.paired_difference(a, b), statistics.paired_difference(b, a)
    np.testing.assert_allclose(one.low, -other.high, rtol=1e-10)
    assert one.p == other.p
    spoilt = np.append(a, [math.nan, 1.0, math.inf]), np.append(b, [1.0, math.nan, math.inf])
    assert statistics.paired_difference(*spoilt) == one._replace(left_out=3)
    n, left_out, *rest = statistics.paired_difference([math.nan], [1.0])
    assert (n, left_out) == (0, 1)
    assert np.isnan(rest).all()
    assert statistics.paired_difference([1.0, 2.0], [1.0, 2.0])[2:] == (0.0, 0.0, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        statistics.paired_difference([1, 2], [1, 2, 3])


def test_holm_is_statsmodels():
    rng = np.random.default_rng(0)
    for m in (1, 2, 7):
        p = np.round(rng.random(m) ** 3, 2)  # with ties
        np.testing.assert_allclose(
            statistics.holm(p), multipletests(p, method="holm")[1], rtol=1e-10
        )
    np.testing.assert_allclose(statistics.holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06], rtol=1e-10)
    assert statistics.holm([]).shape == (0,)
    for wrong in ([0.5, math.nan], [-0.1], [1.1]):
        with pytest.raises(ValueError, match=r"in \[0, 1\]"):
            statistics.holm(wrong)


@pytest.mark.parametrize(("wins", "n"), [(0, 1), (3, 3), (5, 8), (10, 16)])
@pytest.mark.parametrize("goal", ["min", "max"])
def test_win_rates_are_scipys(wins, n, goal):
    a = np.where(np.arange(n) < wins, 1.0, -1.0) * (1 if goal == "max" else -1)
    found, exact = statistics.win_rate(a, np.zeros(n), goal), stats.binomtest(wins, n)
    wilson = exact.proportion_ci(method="wilson")
    np.testing.assert_allclose(
        found, (n, wins, 0, wins / n, *wilson, exact.pvalue), rtol=1e-10, atol=1e-15
    )


def test_win_rates_of_ties_and_of_who_diverged():
    nan = math.nan
    found = statistics.win_rate([1, 2, nan, 4, nan, 6], [2, 2, 3, nan, nan, 7], "min")
    assert found[:4] == (6, 3, 2, 4 / 6)
    assert found.p == stats.binomtest(3, 4).pvalue
    # What is infinitely good by its number has diverged, too.
    assert statistics.win_rate([math.inf, 1], [0, 0], "max").wins == 1
    assert statistics.win_rate([1], [1], "max")[1:4] == (0, 1, 0.5)
    assert statistics.win_rate([1], [1], "max").p == 1
    with pytest.raises(ValueError, match="Did you mean 'min'"):
        statistics.win_rate([1], [2], "mini")


@pytest.mark.parametrize(
    ("scores", "goal", "expected"),
    [
        ([9, 5, 1, 1], "min", 20),
        ([9, 1, 9, 1], "min", 30),
        ([1, 1, 1, 1], "min", 0),
        ([1, 1, 1, 9], "min", None),
        ([9, 2, 2, 2], "min", 10),
        ([2, 3, 9, 3], "max", 0),
        ([1, 3, 9, 2], "max", 10),
        ([1, math.nan, 1, 1], "min", 20),
        ([1, 1, 1, math.nan], "min", None),
        ([9, 9, 9, math.inf], "max", None),
    ],
)
def test_convergence_is_to_the_end(scores, goal, expected):
    assert statistics.convergence_step([0, 10, 20, 30], scores, 2, goal) == expected


def test_convergence_refuses():
    with pytest.raises(ValueError, match="got 10 before 10"):
        statistics.convergence_step([0, 10, 10], [1, 1, 1], 2)
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        statistics.convergence_step([0, 10], [1], 2)
    for bound in (math.nan, math.inf):
        with pytest.raises(ValueError, match="must be finite"):
            statistics.convergence_step([0], [1], bound)


def test_median_convergence_with_one_budget_is_the_lower_median():
    assert statistics.median_convergence([30, 10, 20], 100) == 20
    assert statistics.median_convergence([30, 10, 20, 40], 100) == 20
    assert statistics.median_convergence([None, 10, None, 20], 100) == 20
    assert statistics.median_convergence([None, 10, None], 100) is None
    assert statistics.median_convergence([None], 100) is None
    assert statistics.median_convergence([None, 100, 100], 100) == 100


def test_median_convergence_is_statsmodels():
    """Seeds with budgets of their own: the product-limit estimate."""
    rng = np.random.default_rng(0)
    for n in (3, 8, 15):
        times, budgets = rng.integers(1, 40, n), rng.integers(20, 50, n)
        seen = times <= budgets
        exact = SurvfuncRight(np.minimum(times, budgets), seen)
        median = exact.surv_times[np.flatnonzero(exact.surv_prob <= 0.5 + 1e-12)[0]]
        converged = [int(t) if s else None for t, s in zip(times, seen, strict=True)]
        assert statistics.median_convergence(converged, budgets) == median
    # Those who stopped early say nothing of later: 1 of 2 left at step 30, not 1 of 4.
    assert statistics.median_convergence([None, None, 30, None], [10, 10, 100, 100]) == 30


def test_median_convergence_refuses():
    with pytest.raises(ValueError, match="seed 1 converged at step 30, after its last, 20"):
        statistics.median_convergence([10, 30], [10, 20])
    with pytest.raises(ValueError, match="at least one seed"):
        statistics.median_convergence([], 10)
    with pytest.raises(ValueError, match="each of 2 seeds"):
        statistics.median_convergence([10, 20], [30, 30, 30])


def test_a_geometric_distance_has_its_rate():
    steps = np.array([0, 1, 5, 20, 100])
    found = statistics.contraction_rate(steps, 3 * 0.9**steps)
    np.testing.assert_allclose(found.rate, 0.9, rtol=1e-10)
    assert found.error < 1e-10
    assert found.points == 5


def test_the_error_of_a_rate_is_that_of_least_squares():
    steps = np.arange(50)
    noisy = 0.9**steps * np.exp(0.1 * normal(50))
    found = statistics.contraction_rate(steps, noisy)
    (slope, _), covariance = np.polyfit(steps, np.log(noisy), 1, cov=True)
    np.testing.assert_allclose(found.rate, math.exp(slope), rtol=1e-10)
    np.testing.assert_allclose(
        found.error, math.exp(slope) * math.sqrt(covariance[0, 0]), rtol=1e-10
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_rate_is_fitted_above_rounding(dtype):
    """A distance that stays at its rounding would pull the rate to 1."""
    distances = np.maximum(0.5 ** np.arange(100), 10 * np.finfo(dtype).eps).astype(dtype)
    found = statistics.contraction_rate(np.arange(100), distances)
    np.testing.assert_allclose(found.rate, 0.5, rtol=1e-10)
    assert found.points == -np.log2(100 * np.finfo(dtype).eps) // 1 + 1
    # Rounding is that of the largest distance so far, here not of the first.
    grown = np.append(dtype(1e-4), distances)
    assert statistics.contraction_rate(np.arange(101), grown).points == found.points + 1


def test_rates_of_growth_end_where_it_overflows():
    distances = np.append(2.0 ** np.arange(10), [math.inf, math.nan])
    found = statistics.contraction_rate(np.arange(12), distances)
    np.testing.assert_allclose(found.rate, 2.0, rtol=1e-10)
    assert found.points == 10
    with pytest.raises(ValueError, match="2 of 3 distances"):
        statistics.contraction_rate([0, 1, 2], [1.0, 0.5, 0.0])
    with pytest.raises(ValueError, match="at least 0, got -1"):
        statistics.contraction_rate([0, 1, 2], [1.0, 0.5, -1.0])


# Tolerances. The map of the first two is a multiple of a rotation; the wobble of the others, and
# the start of the last, are what a fit over 2,000 steps leaves.
PLAYS = {
    "simultaneous": 1e-10,
    "extragradient": 1e-10,
    "prediction": 2e-6,
    "alternating": 2e-6,
    "optimistic": 2e-8,
}


@pytest.mark.parametrize("name", PLAYS)
def test_fitted_rates_are_spectral_radii(name, x64):
    h, steps = 0.1, 2000
    scheme = getattr(schemes, name)(games.bilinear(), Players(optax.sgd(h), optax.sgd(h)))
    state = scheme.init(jax.random.key(0), None)

    @jax.jit
    def play(state):
        def step(state, _):
            distance = dynamics.distance_to_equilibrium(state.params)
            return scheme.step(state, None, jax.random.key(0))[0], distance

        return jax.lax.scan(step, state, length=steps)[1]

    found = statistics.contraction_rate(np.arange(steps), play(state))
    radius = dynamics.RADII[name](h)
    np.testing.assert_allclose(found.rate, radius, rtol=PLAYS[name])
