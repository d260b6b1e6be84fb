"""Scores of feature sets against closed forms."""

import functools
import tracemalloc

import numpy as np
import pytest

from ganjax import metrics
from ganjax.metrics import kernels, manifolds, support

RNG = np.random.default_rng(5)
BOTH = [
    metrics.frechet_distance,
    metrics.kernel_distance,
    metrics.precision_recall,
    metrics.density_coverage,
    metrics.over_generalisation,
    metrics.sliced_wasserstein,
    metrics.support_size,
]


@pytest.mark.parametrize("score", BOTH, ids=lambda f: f.__name__)
def test_scores_refuse_sets_by_name(score):
    good, bad = RNG.normal(size=(9, 2)), np.full((9, 2), np.nan)
    with pytest.raises(ValueError, match="18 of 18 values of real are not finite"):
        score(real=bad, generated=good)
    with pytest.raises(ValueError, match="18 of 18 values of generated are not finite"):
        score(real=good, generated=bad)
    with pytest.raises(ValueError, match=r"expected real \[samples >= \d, dim\], got shape \(9, 2"):
        score(real=good[:, :, None], generated=good)
    with pytest.raises(ValueError, match=r"expected generated .* give more samples"):
        score(real=good, generated=good[:0])
    with pytest.raises(ValueError, match="2 and 1 dimensions do not compare"):
        score(real=good, generated=good[:, :1])


def cubic_discrepancy(mean):
    """MMD^2 of N(0, 1) and N(mean, 1): 3 d1^2 + 3 d2^2 + d3^2 of differences of moments."""
    return 3 * mean**2 + 3 * mean**4 + (mean**3 + 3 * mean) ** 2


@pytest.mark.parametrize("mean", [0.0, 0.5])
def test_kernel_distance_is_unbiased(mean):
    """Over 1,000 draws of 20 rows; with pairs of a row and itself the mean were larger by 2.4."""
    rng = np.random.default_rng(0)
    draws = [
        metrics.kernel_distance(
            real=rng.normal(size=(20, 1)),
            generated=rng.normal(mean, 1, size=(20, 1)),
            subsets=1,
            subset_size=20,
        ).distance
        for _ in range(1000)
    ]
    error = np.std(draws) / np.sqrt(len(draws))
    assert abs(np.mean(draws) - cubic_discrepancy(mean)) < 3 * error < 0.7


def test_kernel_distance_by_hand():
    """Kernels of x = (0, 1) and y = (1, 2): within 1 and 27, across 1, 1, 8, 27."""
    found = metrics.kernel_distance(
        real=[[0.0], [1.0], [0.0], [1.0]],
        generated=[[1.0], [2.0], [1.0], [2.0]],
        subsets=7,
        subset_size=4,
    )
    # Pairs of different rows: 4 of value 1 more are (0, 0), 8 of equal rows (1, 1).
    within_real = (2 * 1 + 2 * 8 + 8 * 1) / 12
    within_generated = (2 * 8 + 2 * 125 + 8 * 27) / 12
    across = (1 + 1 + 8 + 27) / 4
    np.testing.assert_allclose(found.distance, within_real + within_generated - 2 * across)
    np.testing.assert_allclose(found.spread, 0, atol=1e-12)
    assert found.subset_size == 4


def test_kernel_distance_takes_half_of_small_sets_and_refuses_too_large_subsets():
    x = RNG.normal(size=(10, 3))
    found = metrics.kernel_distance(real=x, generated=RNG.normal(size=(30, 3)))
    assert found.subset_size == 5
    assert found.spread > 0
    with pytest.raises(ValueError, match="subset_size=11 must be a whole number, from 2 to 10"):
        metrics.kernel_distance(real=x, generated=x, subset_size=11)


@pytest.mark.parametrize(
    ("n", "block", "pairs"),
    [(40, 1000, 3 * 40 * 40), (40, 30, 3 * 40 * 40 - 2 * 10 * 30), (400, 30, 3 * 20 * 30 * 30)],
)
def test_kernel_distance_by_subsets(n, block, pairs, monkeypatch):
    """Subsets that overlap much share one matrix of pairs; the distance is the same."""
    cubed, taken = kernels._cubed, []
    monkeypatch.setattr(kernels, "BLOCK", block)
    monkeypatch.setattr(
        kernels, "_cubed", lambda x, y: taken.append(len(x) * len(y)) or cubed(x, y)
    )
    real, generated = RNG.normal(size=(2, n, 300))
    found = metrics.kernel_distance(real=real, generated=generated, subsets=20, subset_size=30)
    assert sum(taken) == pairs
    draw, values = np.random.RandomState(2020), []
    for _ in range(20):
        rows = [draw.choice(n, 30, replace=False) for _ in range(2)]
        both = np.concatenate([real[rows[0]], generated[rows[1]]])
        k = (both @ both.T / 300 + 1) ** 3
        within = [k[s, s].sum() - k[s, s].trace() for s in (slice(30), slice(30, 60))]
        values.append(sum(within) / (30 * 29) - 2 * k[:30, 30:].mean())
    np.testing.assert_allclose(found[:2], [np.mean(values), np.std(values)], rtol=1e-10)


def test_kernel_distance_of_a_set_to_itself(monkeypatch):
    """It is that to a copy: the subsets of both differ."""
    monkeypatch.setattr(kernels, "BLOCK", 30)
    x = RNG.normal(size=(40, 300))
    found, copied = (
        metrics.kernel_distance(real=x, generated=y, subset_size=30) for y in (x, x.copy())
    )
    np.testing.assert_allclose(found[:2], copied[:2], rtol=1e-10)


LINE = np.array([[0.0], [1.0], [3.0], [7.0]])  # radii to the nearest other: 1, 1, 2, 4


def test_precision_and_recall_by_hand():
    """Balls [-1, 1], [0, 2], [1, 5], [3, 11] of the real, [4.5, 5.5] twice and 14.5 of the others.

    Generated 5, 5.5 and 20: the last is outside; reals 3 and 7 are in the ball of 20 alone.
    """
    generated = np.array([[5.0], [5.5], [20.0]])
    found = metrics.precision_recall(real=LINE, generated=generated, neighbours=1)
    np.testing.assert_allclose(found, (2 / 3, 1 / 4))
    swapped = metrics.precision_recall(real=generated, generated=LINE, neighbours=1)
    np.testing.assert_allclose(swapped, (1 / 4, 2 / 3))
    over = metrics.over_generalisation(real=LINE, generated=generated, neighbours=1)
    np.testing.assert_allclose(over, 1 / 3)


def test_density_and_coverage_by_hand():
    """5 is in 2 real balls, 5.5 in 1, 20 in none; the balls of 3 and 7 hold a sample, of 4."""
    generated = np.array([[5.0], [5.5], [20.0]])
    found = metrics.density_coverage(real=LINE, generated=generated, neighbours=1)
    np.testing.assert_allclose(found, (3 / 3, 2 / 4))


def test_a_set_against_itself():
    """Closed balls hold their centre and its 5 neighbours, in any order and units."""
    for x in (RNG.normal(size=(300, 20)), 1e4 * RNG.random(size=(300, 20))):
        assert metrics.precision_recall(real=x, generated=x[::-1]) == (1, 1)
        found = metrics.density_coverage(real=x, generated=x[::-1])
        np.testing.assert_allclose(found, (6 / 5, 1), rtol=1e-12)
        assert metrics.sliced_wasserstein(real=x, generated=x[::-1]) < 1e-12 * x.max()


def test_copies_of_one_sample_have_balls_of_radius_0():
    """All generated are real sample 3: precise, and of the real samples they reach that one."""
    x = 100 * RNG.random(size=(40, 8))
    copies = np.repeat(x[3:4], 30, 0)
    assert metrics.precision_recall(real=x, generated=copies) == (1, 1 / 40)
    assert metrics.precision_recall(real=copies, generated=copies) == (1, 1)
    assert metrics.density_coverage(real=copies, generated=copies) == (30 / 5, 1)


def test_density_and_coverage_of_one_distribution():
    """Expected 1 and 1 - prod (N - i) / (N + M - i)."""
    n, m, k = 150, 100, 5
    found = [
        metrics.density_coverage(
            real=RNG.normal(size=(n, 3)), generated=RNG.normal(size=(m, 3)), neighbours=k
        )
        for _ in range(40)
    ]
    i = np.arange(1, k + 1)
    expected = (1, 1 - np.prod((n - i) / (n + m - i)))
    errors = np.std(found, axis=0) / np.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0) - expected) < 4 * errors).all()
    assert errors.max() < 0.02


def test_blocks_change_nothing(monkeypatch):
    """Blocks of 1 or 2 rows against one block, of the closest pairs too."""
    sets = {"real": RNG.normal(size=(70, 3)), "generated": RNG.normal(size=(50, 3))}
    whole = [score(**sets) for score in BOTH[2:5]], metrics.support_size(**sets, threshold=0.5)
    for module in (manifolds, support):
        monkeypatch.setattr(module, "BLOCK", 100)
    assert [score(**sets) for score in BOTH[2:5]] == whole[0]
    for a, b in zip(metrics.support_size(**sets, threshold=0.5), whole[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_too_many_neighbours_are_refused():
    with pytest.raises(ValueError, match="neighbours=4 must be a whole number, from 1 to 3"):
        metrics.precision_recall(real=LINE, generated=np.zeros((9, 1)), neighbours=4)


@pytest.mark.parametrize(
    "score", [metrics.density_coverage, metrics.support_size], ids=lambda f: f.__name__
)
def test_memory_does_not_grow_with_pairs(score):
    """Distances of 5,000 samples to 5,000 take 200 MB."""
    real, generated = RNG.normal(size=(2, 5000, 2))
    tracemalloc.start()
    score(real=real, generated=generated)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 180e6


def batches():
    x = RNG.normal(size=(400, 6)) @ RNG.normal(size=(6, 6)) + 1000
    return x, np.split(x, [1, 50, 51, 300])


def test_moments_of_batches_are_those_of_all_rows():
    x, parts = batches()
    left = functools.reduce(metrics.joined, map(metrics.moments, parts))
    right = functools.reduce(metrics.joined, map(metrics.moments, parts[::-1]))
    a, b, c, *_ = map(metrics.moments, parts)
    np.testing.assert_allclose(
        metrics.joined(metrics.joined(a, b), c).scatter,
        metrics.joined(a, metrics.joined(b, c)).scatter,
        rtol=1e-10,
    )
    for found in (left, right):
        assert found.n == 400
        np.testing.assert_allclose(found.mean, x.mean(0), rtol=1e-12)
        np.testing.assert_allclose(found.covariance, np.cov(x.T), rtol=1e-10)


@pytest.mark.parametrize("rank", [6, 3])
def test_frechet_distance_of_moments_is_that_of_rows(rank, tmp_path):
    """Singular covariances too; moments come back from a file."""
    x, parts = batches()
    flat = RNG.normal(size=(200, rank)) @ RNG.normal(size=(rank, 6)) + 1001
    kept = functools.reduce(metrics.joined, map(metrics.moments, parts))
    np.savez(tmp_path / "kept.npz", **kept._asdict())
    with np.load(tmp_path / "kept.npz") as stored:
        kept = metrics.Moments(**stored)
    expected = metrics.frechet_distance(x, flat)
    for real, generated in (
        (kept, flat),
        (x, metrics.moments(flat)),
        (kept, metrics.moments(flat)),
    ):
        # Roots of eigenvalues at 0, of 1e-16 of the largest, are off by 1e-8.
        np.testing.assert_allclose(metrics.frechet_distance(real, generated), expected, rtol=1e-7)
    own = metrics.frechet_distance(kept, x[::-1])
    assert 0 <= own < 1e-9 * np.trace(kept.covariance)


def test_moments_refuse_what_they_are_not():
    one = metrics.moments(np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"expected real: moments of 2 or more samples .* got 1"):
        metrics.frechet_distance(one, np.ones((4, 3)))
    with pytest.raises(ValueError, match="3 and 2 dimensions"):
        metrics.joined(one, metrics.moments(np.ones((1, 2))))
    bad = metrics.moments(np.eye(3))._replace(scatter=np.full((3, 3), np.inf))
    with pytest.raises(ValueError, match=r"9 of 9 values of generated\.scatter"):
        metrics.frechet_distance(np.eye(3), bad)
    with pytest.raises(ValueError, match=r"expected features \[samples >= 1, dim\]"):
        metrics.moments(np.ones(3))


def test_sliced_wasserstein_of_a_shift_and_a_scale():
    """The shift on the line; of N(0, 1) and its s-fold (s - 1) sqrt(2 / pi) in each direction."""
    x = RNG.normal(size=(50, 1))
    np.testing.assert_allclose(metrics.sliced_wasserstein(real=x, generated=x - 3), 3, rtol=1e-12)
    x = RNG.normal(size=(20000, 4))
    found = metrics.sliced_wasserstein(real=x, generated=1.5 * x, projections=64)
    # 20,000 draws give a mean |x| to 1%.
    np.testing.assert_allclose(found, 0.5 * np.sqrt(2 / np.pi), rtol=0.01)


def test_sliced_wasserstein_of_a_shift_in_the_plane():
    """|shift| E |cos| = 2 |shift| / pi, of unequal numbers of copies of one point."""
    found = metrics.sliced_wasserstein(
        real=np.zeros((3, 2)), generated=np.tile([3.0, 4.0], (5, 1)), projections=4000
    )
    np.testing.assert_allclose(found, 5 * 2 / np.pi, rtol=0.03)  # 4,000 directions
