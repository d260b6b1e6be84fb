"""Reports on auto-encoders: best affine maps, detection, bounds by importance sampling."""

import jax
import numpy as np
import pytest

from ganjax import data, metrics

RNG = np.random.default_rng(0)


def test_best_affine_has_the_least_error_of_its_rank():
    """Reduced-rank regression beats every rank-2 map that is near, with its noise expected."""
    x = RNG.normal(size=(50, 4)) @ RNG.normal(size=(4, 4))
    y = x @ RNG.normal(size=(4, 3)) + RNG.normal(size=(50, 3))
    best = metrics.best_affine(x, y, rank=2, noise=0.5)
    assert np.linalg.matrix_rank(best.matrix) == 2

    def error(matrix, bias):
        return np.mean(np.sum((x @ matrix + bias - y) ** 2, 1)) + 0.25 * np.sum(matrix**2)

    least = error(*best)
    left, values, right = np.linalg.svd(best.matrix, full_matrices=False)
    factors = left[:, :2] * values[:2], right[:2]
    for scale in (1e-3, 1e-1):
        for _ in range(50):
            near = [factor + scale * RNG.normal(size=factor.shape) for factor in factors]
            assert error(near[0] @ near[1], best.bias) > least
        assert error(best.matrix, best.bias + scale) > least
    full = metrics.best_affine(x, y, rank=3)
    design = np.c_[x, np.ones(50)]
    np.testing.assert_allclose(
        np.r_[full.matrix, full.bias[None]], np.linalg.lstsq(design, y)[0], atol=1e-10
    )


def halves(**arrays):
    """Data whose first half is for training, the rest for tests."""
    train, test = (
        {name: np.split(array, 2)[half] for name, array in arrays.items()} for half in (0, 1)
    )
    return data.Data(shape=(), train=train, test=test, sample=None)


def test_the_reconstruction_report_by_hand():
    x = RNG.normal(size=(40, 2, 2, 1)).astype(np.float32)
    report = metrics.reconstruction_report(halves(x=x))
    scores = report(encode=lambda x: x.reshape(len(x), -1)[:, :4], reconstruct=lambda x: x / 2)
    np.testing.assert_allclose(scores["error"], np.mean(x[20:] ** 2) / 4, rtol=1e-6)
    np.testing.assert_allclose(scores["error_train"], np.mean(x[:20] ** 2) / 4, rtol=1e-6)
    np.testing.assert_allclose(scores["error_mean"], np.mean((x[20:] - x[:20].mean(0)) ** 2))
    np.testing.assert_allclose(scores["error_affine"], 0, atol=1e-12)  # a code as wide as x
    assert scores["error_input"] == 0


def test_the_reconstruction_report_with_noise():
    """The least error on the training examples is the affine one, in expectation tr(C - C W)/p."""
    x = (RNG.normal(size=(2000, 3)) * [0.5, 1.0, 2.0]).astype(np.float32)
    report = metrics.reconstruction_report(halves(x=x), noise=0.7, draws=50)
    scores = report(encode=lambda x: x, reconstruct=lambda x: x)
    variances = np.array([0.25, 1.0, 4.0])
    left = np.mean(variances * 0.49 / (variances + 0.49))
    np.testing.assert_allclose(scores["error_affine_train"], left, rtol=0.05)  # 1,000 examples
    np.testing.assert_allclose(scores["error"], 0.49, rtol=0.02)
    np.testing.assert_allclose(scores["error_input"], scores["error"], rtol=1e-6)


def test_the_reconstruction_report_of_two_domains():
    a = RNG.normal(size=(40, 2, 2, 1)).astype(np.float32)
    b = np.concatenate([2 * a, -a, a + 1], axis=-1)
    report = metrics.reconstruction_report(halves(a=a, b=b))
    scores = report(
        encode=lambda a: a.reshape(len(a), -1),
        reconstruct=lambda a: np.concatenate([2 * a, -a, a], axis=-1),
    )
    np.testing.assert_allclose(scores["error"], 1 / 3, rtol=1e-5)
    np.testing.assert_allclose(scores["error_affine"], 0, atol=1e-10)
    np.testing.assert_allclose(scores["error_input"], np.mean((b - a)[20:] ** 2), rtol=1e-5)


def test_the_anomaly_report():
    source = data.digits(classes=(1, 3), test_classes=(1, 3, 4))
    report = metrics.anomaly_report(source)
    labels = np.asarray(source.test["y"])
    truth = report(energy=lambda x: (labels == 4).astype(float))
    assert truth["auroc"] == 1
    assert report(energy=lambda x: -(labels == 4).astype(float))["auroc"] == 0
    assert report(energy=lambda x: np.zeros(len(x)))["auroc"] == 0.5
    assert truth["normal"] == np.isin(labels, (1, 3)).sum()
    assert truth["anomalous"] == (labels == 4).sum()
    assert 0.9 < truth["auroc_nearest"] <= 1


def test_importance_bounds_by_hand():
    """Weights (1, 3) and (5, 7): the bounds by one draw, by two in groups, and by four."""
    log_weights = np.log([[1.0, 2.0], [3.0, 2.0], [5.0, 2.0], [7.0, 2.0]])
    bounds = metrics.importance_bounds(log_weights, (1, 2, 4))
    np.testing.assert_allclose(bounds[1].value, (np.log(105) / 4 + np.log(2)) / 2, rtol=1e-12)
    np.testing.assert_allclose(bounds[2].value, (np.log(12) / 2 + np.log(2)) / 2, rtol=1e-12)
    np.testing.assert_allclose(bounds[4].value, np.log(8) / 2, rtol=1e-12)
    np.testing.assert_allclose(bounds[2].error, (np.log(6) - np.log(2)) / 4, rtol=1e-12)
    # One group: sd(w) / mean(w) / sqrt(draws) of the first example, 0 of the second.
    expected = np.std([1, 3, 5, 7], ddof=1) / 4 / 2
    np.testing.assert_allclose(bounds[4].error, expected / 2, rtol=1e-12)
    assert np.isnan(metrics.importance_bounds(log_weights[:1], (1,))[1].error)


def test_the_likelihood_report_finds_a_known_likelihood():
    """log w ~ N(l - s^2/2, s^2) has E[w] = exp(l): the ELBO lies s^2/2 below, L_k in between."""
    source, s = data.digits(), 1.2

    def log_weights(x, rng):
        return 3.0 - s**2 / 2 + s * jax.random.normal(rng, x.shape[:1])

    scores = metrics.likelihood_report(source, draws=200)(log_weights)
    assert list(scores) == [
        "elbo",
        "elbo_error",
        "iwae_10",
        "iwae_10_error",
        "iwae_100",
        "iwae_100_error",
        "log_likelihood",
        "log_likelihood_error",
    ]
    np.testing.assert_allclose(scores["elbo"], 3 - s**2 / 2, atol=5 * s / np.sqrt(500 * 200))
    assert 0 < scores["elbo_error"] < 2 * s / np.sqrt(500 * 200)
    assert scores["elbo"] < scores["iwae_10"] < scores["iwae_100"] < scores["log_likelihood"]
    np.testing.assert_allclose(scores["log_likelihood"], 3.0, atol=0.03)
    # sd(w) / E[w] = sqrt(exp(s^2) - 1) of each draw, over 500 examples and 200 draws
    error = np.sqrt(np.expm1(s**2) / (500 * 200))
    np.testing.assert_allclose(scores["log_likelihood_error"], error, rtol=0.2)


def test_refusals():
    with pytest.raises(ValueError, match="test_classes"):
        metrics.anomaly_report(data.digits(classes=(3,)))
    with pytest.raises(ValueError, match="held out"):
        metrics.reconstruction_report(data.ring())
    with pytest.raises(ValueError, match="held out"):
        metrics.likelihood_report(data.ring())
    for report in (metrics.reconstruction_report, metrics.likelihood_report):
        with pytest.raises(ValueError, match="draws=0"):
            report(data.digits(), draws=0)
    with pytest.raises(ValueError, match="noise=-1"):
        metrics.reconstruction_report(data.digits(), noise=-1.0)
    with pytest.raises(ValueError, match="rank=0"):
        metrics.best_affine(np.ones((3, 2)), np.ones((3, 2)), rank=0)
    with pytest.raises(ValueError, match="expected inputs"):
        metrics.best_affine(np.ones((3, 2)), np.ones((4, 2)), rank=1)
    with pytest.raises(ValueError, match="k=3"):
        metrics.importance_bounds(np.zeros((2, 4)), (3,))
    with pytest.raises(ValueError, match=r"\[draws, n\]"):
        metrics.importance_bounds(np.zeros(2), (1,))
