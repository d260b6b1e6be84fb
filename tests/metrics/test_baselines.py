"""Predictions without a network, where their outcome is known."""

import numpy as np
import pytest

from ganjax import metrics
from ganjax.data import Data
from ganjax.metrics import baselines


def test_two_labels_spread_over_two_clusters():
    draw = np.random.default_rng(0)
    centres = np.repeat([[-3.0, 0.0], [3.0, 0.0]], 50, axis=0)
    x = centres + draw.normal(size=(100, 2))
    y, test = np.repeat([0, 1], 50), centres[::5] + draw.normal(size=(20, 2))
    found = baselines.label_spreading(x[[0, 99]], y[[0, 99]], x, test)
    assert (found == y[::5]).mean() >= 0.95


def test_label_spreading_by_hand():
    """Nine points on a line, the first and the last labelled: everyone has 7 or 8 neighbours."""
    x = np.arange(9.0)[:, None] ** 1.5
    distance = np.abs(x - x.T) + np.diag(np.full(9, np.inf))
    near = distance <= np.sort(distance, 1)[:, 6:7]
    graph = (near | near.T).astype(float)
    degree = graph.sum(1)
    assert degree.min() < degree.max()
    system = np.eye(9) - 0.99 * graph / np.sqrt(degree * degree[:, None])
    spread = np.linalg.solve(system, np.eye(9)[:, [0, 8]])
    test = np.linspace(-1, 30, 200)[:, None]
    nearest = np.argsort(np.abs(test - x.T), 1)[:, :7]
    expected = spread[nearest].mean(1).argmax(1)
    found = baselines.label_spreading(x[[0, 8]], np.array([0, 1]), x[1:8], test)
    assert set(expected) == {0, 1}
    np.testing.assert_array_equal(found, expected)


def test_ridge_finds_a_linear_map():
    draw = np.random.default_rng(0)
    a, weights = draw.normal(size=(50, 2, 2, 1)), draw.normal(size=(4, 4))
    b = (a.reshape(50, 4) @ weights).reshape(a.shape)
    np.testing.assert_allclose(baselines.ridge(a, b, a, alpha=1e-9), b, atol=1e-6)


def test_the_kernel_is_as_wide_as_serves_the_training_pairs():
    a = np.linspace(-1, 1, 201)[:, None]
    test = np.array([[-0.5], [0.25]])
    found = baselines.kernel_mean(a, np.sin(3 * a), test)
    np.testing.assert_allclose(found, np.sin(3 * test), atol=1e-3)
    noisy = np.sin(3 * a) + np.random.default_rng(0).normal(0, 0.5, a.shape)
    found = baselines.kernel_mean(a, noisy, test)
    assert np.abs(found - np.sin(3 * test)).max() < 0.35  # averaged, not the nearest


def test_trees_see_the_neighbours_of_a_pixel_and_no_farther():
    """The mask is the image, moved by 3 pixels; moved by 4 it is chance."""
    x = np.random.default_rng(0).choice([-1.0, 1.0], (120, 12, 12, 1))
    for shift, right in ((3, (0.99, 1.0)), (4, (0.4, 0.6))):
        found = baselines.neighbourhood(x[:80], np.roll(x[:80], shift, 2), x[80:])
        agree = (found > 0) == (np.roll(x[80:], shift, 2) > 0)
        low, high = right
        assert low <= agree[:, :, shift:].mean() <= high  # the first columns are from the far end
    np.testing.assert_array_equal(baselines.neighbourhood(x, 0 * x - 1, x[:2]), 0 * x[:2] - 1)


def test_a_classifier_has_label_spreading_beside_it():
    draw = np.random.default_rng(1)
    x = np.concatenate([draw.normal(c, 0.3, (40, 2)) for c in (-2, 2)]).astype(np.float32)
    y = np.repeat([0, 1], 40)
    train = {"x": x, "x_labelled": x[[0, 79]], "y": y[[0, 79]]}
    data = Data((2,), train, {"x": x, "y": y}, lambda *given: {}, num_classes=2)
    scores = metrics.classification_report(data)(lambda x: np.stack([x[:, 0], 0 * x[:, 0]], 1))
    assert scores["test_error"] == 100.0  # the sign is wrong
    assert scores["test_error_spreading"] == pytest.approx(0.0, abs=2.5)
