"""Fills of holes that need no generator, the error in the holes, and concepts of samples."""

import numpy as np
import pytest

from ganjax import metrics

SHAPE = (2, 3, 1)


@pytest.fixture
def images():
    """Images whose last pixel is 2 * first - second + 1."""
    x = np.random.default_rng(0).normal(size=(40, *SHAPE))
    x[:, 1, 2] = 2 * x[:, 0, 0] - x[:, 0, 1] + 1
    return x


def masks(n):
    mask = np.ones((n, *SHAPE))
    mask[:, 1, 2] = 0
    mask[n // 2 :, 0, 2] = 0  # two kinds of masks
    return mask


def test_regression_finds_a_linear_law_and_looks_at_nothing_hidden(images):
    x, mask = images[30:], masks(10)
    hidden = np.where(mask > 0, x, np.nan)
    filled = metrics.regression_fill(hidden, mask, images[:30], alpha=1e-9)
    np.testing.assert_array_equal(filled[mask > 0], x[mask > 0])
    np.testing.assert_allclose(filled[:, 1, 2], x[:, 1, 2], rtol=1e-6)  # the ridge is not quite 0
    alone = [
        metrics.regression_fill(hidden[i : i + 1], mask[i : i + 1], images[:30], alpha=1e-9)[0]
        for i in range(10)
    ]
    np.testing.assert_allclose(filled, alone, rtol=1e-10)


def test_fills_and_errors_by_hand(images):
    x, mask = images[30:], masks(10)
    filled = metrics.mean_fill(np.where(mask > 0, x, np.nan), mask, images[:30])
    mean = images[:30].mean(0)
    np.testing.assert_allclose(filled[7, 0, 2], mean[0, 2], rtol=1e-10)
    expected = np.concatenate([x[:, 1, 2] - mean[1, 2], x[5:, 0, 2] - mean[0, 2]])
    error = metrics.hole_error(filled, x, mask)
    np.testing.assert_allclose(error, np.mean(expected**2), rtol=1e-10)
    with pytest.raises(ValueError, match="no pixel is missing"):
        metrics.hole_error(x, x, np.ones_like(mask))
    nothing = metrics.regression_fill(x, np.zeros_like(mask), images[:30])
    np.testing.assert_allclose(nothing, np.broadcast_to(mean, x.shape), rtol=1e-10)


def test_concepts():
    x = np.array([-1.0, 0.0, 1.0, 0.5])[:, None, None, None] * np.ones((4, 2, 2, 1))
    np.testing.assert_allclose(metrics.ink(x), [0, 0.5, 1, 0.75])
    amounts = np.arange(8.0)
    np.testing.assert_array_equal(np.flatnonzero(metrics.showing("bold", amounts)), [6, 7])
    np.testing.assert_array_equal(np.flatnonzero(metrics.showing("thin", amounts)), [0, 1])
    assert metrics.showing(None, amounts).all()
    with pytest.raises(ValueError, match="unknown stroke 'blod'"):
        metrics.showing("blod", amounts)
    found, sure = metrics.class_judge(x, np.array([3, 3, 7, 7]))(x[[0, 2]])
    np.testing.assert_array_equal(found, [3, 7])
    assert ((sure > 0.5) & (sure <= 1)).all()


def test_the_nearest_in_the_visible_pixels_fill_the_hole(images):
    """Of a training image itself, the mean of it and its copies."""
    x, mask = images[:3], np.ones((3, *images.shape[1:3], 1))
    mask[:, 1:3, 1:3] = 0
    hidden = np.where(mask > 0, x, 7.0)
    np.testing.assert_allclose(metrics.nearest_fill(hidden, mask, images, neighbours=1), x)
    copies = np.concatenate([images, images])
    np.testing.assert_allclose(metrics.nearest_fill(hidden, mask, copies, neighbours=2), x)
    whole = metrics.nearest_fill(hidden, mask, images, neighbours=len(images))
    np.testing.assert_allclose(whole, metrics.mean_fill(hidden, mask, images))
