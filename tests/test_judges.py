"""Error rates of judges: closed forms of their intervals, and coverage in simulation."""

import numpy as np
import pytest
from scipy import optimize, special, stats

from ganjax import statistics

ANSWERED = (np.arange(12)[:, None] + np.arange(20)) % 3 > 0


def clopper_pearson(rate, n, freedom):
    """Of n effective answers, scaled by (z / t)^2."""
    n *= (stats.norm.ppf(0.975) / stats.t.ppf(0.975, freedom)) ** 2
    x = n * rate
    low = stats.beta.ppf(0.025, x, n - x + 1) if rate else 0.0
    return low, (stats.beta.ppf(0.975, x + 1, n - x) if rate < 1 else 1.0)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("rate", [0.25, 0.75])
@pytest.mark.parametrize("number", [8, 32])
def test_answers_that_one_side_decides(number, rate, axis):
    """Judges (images) who are all wrong or all right: each end solves an equation of its own.

    At 1/4 they are so many answers less one, towards 1/2 fewer, away from it more.
    """
    side = np.tile([1.0, 0, 0, 1, 0, 0, 0, 0], number // 8)
    side = side if rate < 0.5 else 1 - side
    wrong = np.broadcast_to(side[:, None], (number, 30)) if axis == 0 else np.tile(side, (30, 1))
    found = statistics.error_rate(wrong)
    assert (found.rate, found.answers) == (rate, 30 * number)
    assert (found.judges, found.images) == wrong.shape

    def excess(p, tail):
        q = p * (1 - p) / (0.25 * 0.75)
        q = max(q, q**1.25)
        added = 1.0 if (p > rate) == (rate < 0.5) else 0.75
        independent = 1 / (30 * number)
        surplus = (1 / (number - 1) - independent) * q
        at = independent + surplus
        known = (independent / at) ** 2
        free = known * surplus**2 + (1 - known) * at**2
        free = free / (number - 1) + (1 - known) * independent**2 / 29  # the other has no surplus
        n = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, at**2 / free)) ** 2 / at
        x, low = n * rate, tail < 0.5
        a, b = (x + 1 - added, n - x + added) if low else (x + added, n - x + 1 - added)
        return stats.beta.cdf(p, a, b) - tail

    expected = [
        optimize.brentq(excess, *between, args=tail)
        for between, tail in (((0.001, rate), 0.025), ((rate, 0.999), 0.975))
    ]
    np.testing.assert_allclose((found.low, found.high), expected, rtol=1e-6)
    other = statistics.error_rate(1 - wrong)
    np.testing.assert_allclose((1 - other.high, 1 - other.low), (found.low, found.high))


@pytest.mark.parametrize("value", [0, 1])
def test_answers_that_are_all_equal(value):
    found = statistics.error_rate(np.full((10, 50), value))
    expected = clopper_pearson(value, 10, 9)
    np.testing.assert_allclose((found.low, found.high), expected, rtol=1e-10)
    assert found.rate == value


def test_independent_answers_are_worth_their_number():
    """Within the noise of the variance; its width is that of Clopper and Pearson's interval."""
    wrong = np.random.default_rng(0).random((60, 200)) < 0.3
    found = statistics.error_rate(wrong)
    low, high = clopper_pearson(found.rate, wrong.size, wrong.size)
    assert 0.8 < (found.high - found.low) / (high - low) < 1.4


def test_missing_answers_are_left_out():
    wrong = np.where(ANSWERED, np.random.default_rng(1).random(ANSWERED.shape) < 0.4, np.nan)
    found = statistics.error_rate(wrong)
    assert found.rate == np.nanmean(wrong)
    assert found.answers == ANSWERED.sum()
    more = np.full((13, 22), np.nan)
    more[1:, :20] = wrong
    np.testing.assert_allclose(statistics.error_rate(more), found, rtol=1e-12)
    shuffled = wrong[::-1, ::-1]
    np.testing.assert_allclose(statistics.error_rate(shuffled), found, rtol=1e-12)


def test_the_difference_of_two_groups_is_no_spread_of_images():
    rng, group = np.random.default_rng(2), np.arange(100) < 50
    wrong = rng.random((20, 100)) < np.where(group, 0.9, 0.1)
    apart, together = statistics.error_rate(wrong, group), statistics.error_rate(wrong)
    assert apart.rate == together.rate
    assert apart.high - apart.low < 0.5 * (together.high - together.low)


def test_too_few_have_no_interval_and_others_are_refused():
    assert np.isnan(statistics.error_rate(np.eye(5)[:1]).low)
    assert np.isnan(statistics.error_rate(np.eye(5)[:, :2], [0, 1]).high)
    for wrong, group in (
        (np.zeros(3), None),
        (np.full((2, 2), 0.5), None),
        (np.full((2, 2), np.nan), None),
        (np.zeros((2, 2)), [0]),
    ):
        with pytest.raises(ValueError, match="expected"):
            statistics.error_rate(wrong, group)


def test_the_interval_covers_the_rate_of_other_judges_and_images():
    """Half of the images real, judges who lean to one answer: 95% +- 2%, as docs/people.md says.

    An interval of as many independent answers covers it in fewer than 80%.
    """
    rng, group, held, naive = np.random.default_rng(3), np.arange(50) < 25, [], []
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    for _ in range(600):
        odds = -1.0 + 0.5 * rng.normal(size=(10, 1)) + 0.5 * rng.normal(size=50)
        odds += np.where(group, 0.7, -0.7) * rng.normal(size=(10, 1))
        wrong = rng.random((10, 50)) < special.expit(odds)
        found = statistics.error_rate(wrong, group)
        naive.append(clopper_pearson(found.rate, 500, 1e9))
        held.append((found.low, found.high))
    truth = weights @ special.expit(-1 + np.sqrt(0.99) * points) / weights.sum()
    covered, of_naive = (
        np.mean((np.array(ends)[:, 0] <= truth) & (truth <= np.array(ends)[:, 1]))
        for ends in (held, naive)
    )
    assert 0.93 <= covered <= 0.97
    assert of_naive < 0.8


def test_detection():
    """An unbiased judge, one at chance, and the log-linear correction of a perfect one."""
    z = stats.norm.ppf
    counts = {"generated": 50, "real": 50}
    fair = statistics.detection(hits=40, false_alarms=10, **counts)
    np.testing.assert_allclose(fair, (2 * z(40.5 / 51), 0), atol=1e-12)
    lenient = statistics.detection(hits=5, false_alarms=5, **counts)
    np.testing.assert_allclose(lenient, (0, -z(5.5 / 51)), atol=1e-12)
    assert lenient.criterion > 0  # says "real"
    perfect = statistics.detection(hits=50, false_alarms=0, **counts)
    np.testing.assert_allclose(perfect, (2 * z(50.5 / 51), 0), atol=1e-12)
    with pytest.raises(ValueError, match="hits=51"):
        statistics.detection(hits=51, false_alarms=0, **counts)
