"""Scores of coverage and diversity against closed forms."""

import jax
import numpy as np
import pytest

from ganjax import data, metrics

RNG = np.random.default_rng(6)


def test_inception_scores_of_splits():
    """Two classes in the first half, one in the second: 2, 1 and a mean of 1.5."""
    p = np.eye(3)[[0, 1, 0, 1, 2, 2, 2, 2]]
    np.testing.assert_allclose(metrics.inception_scores(p, 2), [2, 1], rtol=1e-12)
    np.testing.assert_allclose(metrics.inception_score(p, splits=2), 1.5, rtol=1e-12)
    # Shares 1/4, 1/4, 1/2: exp of an entropy of 1.5 log 2.
    np.testing.assert_allclose(metrics.inception_score(p), 2**1.5, rtol=1e-12)
    assert [len(metrics.inception_scores(p, n)) for n in (1, 3, 8)] == [1, 3, 8]
    with pytest.raises(ValueError, match="splits=9 must be a whole number, from 1 to 8"):
        metrics.inception_scores(p, 9)


@pytest.mark.parametrize("reached", [1, 7, 1000])
def test_class_coverage_of_even_classes(reached):
    """KL log(K / k), of labels and of probabilities."""
    labels = np.arange(3 * reached) % reached
    even = np.full(1000, 6.0)
    found = metrics.class_coverage(labels, even)
    assert found.classes == reached
    np.testing.assert_allclose(found.class_kl, np.log(1000 / reached), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found.class_kl_floor, 999 / (6 * reached))
    np.testing.assert_array_equal(found.counts[:reached], 3)
    judged = metrics.class_coverage(0.7 * np.eye(1000)[labels] + 0.3 / 1000, even)
    assert judged[:3] == found[:3]


def test_class_coverage_of_uneven_classes():
    """Shares 3/4 and 1/4 against 1/2, 1/4, 1/4, by hand; a class that the data lack is no class."""
    found = metrics.class_coverage([0, 0, 0, 1], [2, 1, 1, 0])
    assert found.classes == 2
    np.testing.assert_allclose(found.class_kl, 0.75 * np.log(1.5), rtol=1e-12)
    np.testing.assert_allclose(found.class_kl_floor, 2 / 8)
    beyond = metrics.class_coverage([0, 3], [2, 1, 1, 0])
    assert (beyond.classes, beyond.class_kl) == (1, np.inf)


def test_exact_samples_have_the_floor_as_class_kl():
    """Over 200 draws of 2,000 from 30 classes; the next order of the floor is 2% of it."""
    shares = RNG.dirichlet(np.full(30, 5.0))
    found = [
        metrics.class_coverage(RNG.choice(30, size=2000, p=shares), shares) for _ in range(200)
    ]
    np.testing.assert_allclose(
        np.mean([f.class_kl for f in found]), found[0].class_kl_floor, rtol=0.1
    )


@pytest.mark.parametrize(
    ("predicted", "shares", "match"),
    [
        ([0, 3], [1, 1, 1], "whole numbers from 0 to 2, .* from 0 to 3"),
        ([-1, 0], [1, 1, 1], "from -1 to 0"),
        ([0.0, 1.0], [1, 1, 1], r"got float64 of shape \(2,\)"),
        ([], [1, 1], r"shape \(0,\)"),
        (np.eye(3), [1, 1], "3 classes do not compare with 2 shares"),
        (2 * np.eye(3), [1, 1, 1], "softmax"),
        ([0], [-1, 2], "smallest value of -1"),
        ([0], [0, 0], "not all 0"),
        ([0], np.ones((2, 2)), r"shape \(2, 2\)"),
        ([0], [np.nan, 1], "1 of 2 values of shares"),
    ],
)
def test_class_coverage_refuses_nonsense(predicted, shares, match):
    with pytest.raises(ValueError, match=match):
        metrics.class_coverage(predicted, shares)


def test_mass_between_modes():
    """Exact samples in the plane leave exp(-9/2) outside 3 standard deviations: 98.889% inside."""
    ring = data.ring()
    samples = ring.sample({}, jax.random.key(1), 40000)["x"]
    found = metrics.mode_coverage(samples, ring.centres, ring.std)
    # Three standard errors of 40,000 draws.
    np.testing.assert_allclose(found.over_generalisation, np.exp(-4.5), atol=0.0016)
    between = np.concatenate([samples[:300], np.zeros((100, 2))])
    found = metrics.mode_coverage(between, ring.centres, ring.std)
    assert 0.25 <= found.over_generalisation < 0.28


def images(n, side, channels=1):
    return np.clip(0.5 * RNG.standard_normal((n, side, side, channels)), -1, 1)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 9), (28, 28), (45, 60)])
def test_ms_ssim_of_equal_images_is_1(height, width):
    x = images(3, 60, 2)[:, :height, :width]
    np.testing.assert_allclose(metrics.ms_ssim(x, x), 1, rtol=1e-12)
    y = images(3, 60, 2)[:, :height, :width]
    np.testing.assert_allclose(metrics.ms_ssim(x, y), metrics.ms_ssim(y, x), rtol=1e-12)
    assert (metrics.ms_ssim(x, y) < 0.8).all()


def test_ms_ssim_of_flat_images():
    """Contrast is 1 at every scale: luminance, to the power of the last weight over their sum."""
    a, b = np.full((1, 28, 28, 1), 0.6), np.full((1, 28, 28, 1), -0.2)
    luminance = (2 * 0.8 * 0.4 + 1e-4) / (0.8**2 + 0.4**2 + 1e-4)
    power = 0.2856 / (0.0448 + 0.2856)
    np.testing.assert_allclose(metrics.ms_ssim(a, b), luminance**power, rtol=1e-10)


def test_ms_ssim_below_11_pixels():
    """One window, the image, with a Gaussian of 1.5 pixels in 11: moments by hand."""
    a = images(1, 6)[0, :, :, 0]
    b = np.clip(0.7 * a + 0.2, -1, 1)
    edge = np.exp(-(((np.arange(6) - 2.5) / (1.5 * 6 / 11)) ** 2) / 2)
    weights = np.outer(edge, edge) / edge.sum() ** 2
    x, y = (a + 1) / 2, (b + 1) / 2
    mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
    cross = (weights * (x - mean_x) * (y - mean_y)).sum()
    spread = (weights * ((x - mean_x) ** 2 + (y - mean_y) ** 2)).sum()
    expected = (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
    expected *= (2 * cross + 9e-4) / (spread + 9e-4)
    found = metrics.ms_ssim(a[None, :, :, None], b[None, :, :, None])
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_ms_ssim_diversity():
    """Of two different images and a copy of one: 1 in a third of pairs."""
    x = images(2, 16)
    across = metrics.ms_ssim(x[:1], x[1:])[0]
    found = metrics.ms_ssim_diversity(np.concatenate([x, x[1:]]), pairs=3000)
    np.testing.assert_allclose(found, 1 / 3 + across * 2 / 3, atol=0.03)  # 3,000 pairs
    np.testing.assert_allclose(metrics.ms_ssim_diversity(x, pairs=9), across, rtol=1e-12)
    np.testing.assert_allclose(
        metrics.ms_ssim_diversity(np.repeat(x[:1], 5, 0), pairs=70), 1, rtol=1e-12
    )


def test_ms_ssim_refuses_nonsense():
    x = images(2, 16)
    with pytest.raises(ValueError, match=r"expected a in \[-1, 1\], got values from"):
        metrics.ms_ssim(127 * x, x)
    with pytest.raises(ValueError, match=r"expected b .* channel"):
        metrics.ms_ssim(x, x[0])
    with pytest.raises(ValueError, match="do not compare"):
        metrics.ms_ssim(x, x[:, :8])
    with pytest.raises(ValueError, match="images=1 must"):
        metrics.ms_ssim_diversity(x[:1])
    with pytest.raises(ValueError, match="values of a are not finite"):
        metrics.ms_ssim(x * np.nan, x)


GRID = np.arange(3000.0)[:, None]


def test_support_size_of_few_items():
    """The interval holds the size of an even support in about 95% of draws."""
    inside = 0
    for _ in range(100):
        found = metrics.support_size(
            real=GRID[:50], generated=RNG.choice(300, size=(100, 1)).astype(float), threshold=0.5
        )
        inside += found.low <= 300 <= found.high
        np.testing.assert_allclose(found.size * found.duplicates, 4950, rtol=1e-12)
    assert 88 <= inside <= 100


def test_support_size_without_duplicates():
    """The interval starts at pairs / 3.689, the largest Poisson mean that 0 is in line with."""
    found = metrics.support_size(real=GRID[:60], generated=2 * GRID[:50])
    assert (found.duplicates, found.size, found.high) == (0, np.inf, np.inf)
    np.testing.assert_allclose(found.low, 1225 / -np.log(0.025), rtol=1e-10)
    np.testing.assert_allclose(found.threshold, 1, rtol=1e-9)


def test_support_size_takes_its_threshold_of_different_real_samples():
    """Copies among the real do not count; the closest pairs come first, each once."""
    real = np.concatenate([GRID[:60], GRID[:5]]) * 4
    generated = np.array([[0.0], [90], [7], [3], [91.5], [200]])
    found = metrics.support_size(real=real, generated=generated)
    np.testing.assert_allclose(found.threshold, 4, rtol=1e-9)
    assert found.duplicates == 3
    np.testing.assert_array_equal(found.pairs[:2], [[1, 4], [0, 3]])
    np.testing.assert_allclose(found.distances[:4], [1.5, 3, 4, 7], rtol=1e-9)
    assert len(found.pairs) == 15
    with pytest.raises(ValueError, match="all samples of real are equal"):
        metrics.support_size(real=np.ones((9, 1)), generated=generated)


def test_support_size_of_copies():
    found = metrics.support_size(real=GRID[:9], generated=np.full((3000, 1), 7.0))
    assert found.size == 1
    assert found.duplicates == 3000 * 2999 // 2
    assert found.pairs.shape == (20, 2)
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
