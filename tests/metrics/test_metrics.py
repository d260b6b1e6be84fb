"""Scores against closed forms."""

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from ganjax import data, metrics

RNG = np.random.default_rng(0)


def test_inception_score_of_confident_even_classes_is_their_number():
    np.testing.assert_allclose(metrics.inception_score(np.eye(7)[np.arange(70) % 7]), 7, rtol=1e-12)


def test_inception_score_of_the_undecided_or_collapsed_is_1():
    np.testing.assert_allclose(metrics.inception_score(np.full((5, 4), 0.25)), 1, rtol=1e-12)
    np.testing.assert_allclose(metrics.inception_score(np.eye(4)[[2] * 5]), 1, rtol=1e-12)


def test_inception_score_by_hand():
    """p(y|x) = (a, 1 - a) and its mirror: exp(log 2 - H(a))."""
    a = 0.9
    entropy = -a * np.log(a) - (1 - a) * np.log(1 - a)
    score = metrics.inception_score(np.array([[a, 1 - a], [1 - a, a]]))
    np.testing.assert_allclose(score, np.exp(np.log(2) - entropy), rtol=1e-12)


def test_inception_score_refuses_logits():
    with pytest.raises(ValueError, match="softmax"):
        metrics.inception_score(RNG.normal(size=(5, 3)))


def with_moments(mean, covariance, n=200):
    """Samples with exactly this mean and covariance."""
    x = RNG.normal(size=(n, len(mean)))
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    return x @ np.linalg.cholesky(covariance).T + mean


def test_frechet_distance_of_commuting_gaussians():
    """|mu_a - mu_b|^2 + sum (sqrt(a_i) - sqrt(b_i))^2 for diagonal covariances."""
    a = with_moments(np.array([1.0, 2.0]), np.diag([4.0, 9.0]))
    b = with_moments(np.array([-1.0, 2.5]), np.diag([1.0, 16.0]))
    np.testing.assert_allclose(metrics.frechet_distance(a, b), 4.25 + 1 + 1, rtol=1e-10)


def test_frechet_distance_of_correlated_gaussians():
    """tr sqrt(C_a C_b) in two dimensions is sqrt(tr(C_a C_b) + 2 sqrt(det(C_a C_b)))."""
    cov_a, cov_b = np.array([[2.0, 0.7], [0.7, 1.0]]), np.array([[1.0, -0.4], [-0.4, 3.0]])
    a, b = with_moments(np.zeros(2), cov_a), with_moments(np.zeros(2), cov_b)
    product = cov_a @ cov_b
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.trace(cov_a + cov_b) - 2 * root
    np.testing.assert_allclose(metrics.frechet_distance(a, b), expected, rtol=1e-9)


def test_frechet_distance_of_a_set_to_itself_and_with_constant_features():
    a = np.concatenate([RNG.normal(size=(50, 3)), np.ones((50, 2))], 1)
    np.testing.assert_allclose(metrics.frechet_distance(a, a), 0, atol=1e-8)
    shifted = a + np.array([0, 0, 0, 2.0, 0])
    np.testing.assert_allclose(metrics.frechet_distance(a, shifted), 4, rtol=1e-8)


def test_frechet_distance_refuses_what_does_not_compare():
    with pytest.raises(ValueError, match="3 and 2 dimensions"):
        metrics.frechet_distance(np.ones((4, 3)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="samples >= 2"):
        metrics.frechet_distance(np.ones((1, 3)), np.ones((4, 3)))


def test_nearest_distances():
    reference = np.array([[0.0, 0.0], [3.0, 4.0]])
    samples = np.array([[0.0, 0.0], [3.0, 5.0], [-3.0, -4.0]])
    np.testing.assert_allclose(metrics.nearest_distances(samples, reference), [0, 1, 5], atol=1e-12)


RING = data.ring()
CENTRES = np.asarray(RING.centres, np.float64)


def test_coverage_of_a_perfect_generator():
    samples = np.asarray(RING.sample({}, jax.random.key(0), 8000)["x"])
    coverage = metrics.mode_coverage(samples, RING.centres, RING.std)
    assert coverage.modes == 8
    # Within 3 standard deviations in the plane: 1 - exp(-9/2).
    np.testing.assert_allclose(coverage.high_quality, 1 - np.exp(-4.5), atol=0.005)
    assert coverage.reverse_kl < 2e-3
    assert coverage.counts.sum() == 8000


def test_coverage_of_a_collapse():
    coverage = metrics.mode_coverage(np.repeat(CENTRES[2:3], 10, 0), CENTRES, 0.02)
    assert (coverage.modes, coverage.high_quality) == (1, 1.0)
    np.testing.assert_allclose(coverage.reverse_kl, np.log(8), rtol=1e-12)


def test_coverage_of_halves():
    """Two modes at 3:1; the rest nothing. KL = log 8 - H(3/4)."""
    samples = CENTRES[[0, 0, 0, 5]]
    coverage = metrics.mode_coverage(samples, CENTRES, 0.02)
    entropy = -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    np.testing.assert_allclose(coverage.reverse_kl, np.log(8) - entropy, rtol=1e-12)
    np.testing.assert_array_equal(coverage.counts, [3, 0, 0, 0, 0, 1, 0, 0])


def test_a_far_sample_counts_for_no_mode():
    coverage = metrics.mode_coverage(CENTRES[:1] + 0.1, CENTRES, 0.02)
    assert (coverage.modes, coverage.high_quality) == (0, 0.0)
    assert metrics.mode_coverage(CENTRES[:1] + 0.1, CENTRES, 0.02, radius=8.0).modes == 1


def test_coverage_refuses_nonsense():
    with pytest.raises(ValueError, match="expected samples"):
        metrics.mode_coverage(np.ones((3, 3)), CENTRES, 0.02)
    with pytest.raises(ValueError, match="std=0"):
        metrics.mode_coverage(CENTRES, CENTRES, 0)
    with pytest.raises(ValueError, match="diverged"):
        metrics.mode_coverage(CENTRES * np.nan, CENTRES, 0.02)


def test_modes_report():
    report = metrics.modes_report(RING)(CENTRES)
    assert report["modes"] == report["modes_real"] == 8
    with pytest.raises(ValueError, match="no known modes"):
        metrics.modes_report(data.swiss_roll())


@pytest.fixture(scope="module")
def digits():
    return data.digits()


def test_digits_report_of_the_real_test_digits(digits):
    """The test digits under their own protocol reach the numbers reported beside them."""
    report = metrics.digits_report(digits)(np.asarray(digits.test["x"]))
    assert report["samples"] == 500
    np.testing.assert_allclose(report["inception_score"], report["inception_score_real"])
    np.testing.assert_allclose(report["inception_score_real"], 8.246, atol=0.01)
    np.testing.assert_allclose(report["frechet_distance_real"], 0.0806, atol=0.001)
    np.testing.assert_allclose(report["frechet_distance"], 0, atol=1e-8)
    assert 0.06 < report["class_share_min"] < 0.1 < report["class_share_max"] < 0.14


def test_digits_report_is_what_scikit_learn_says(digits):
    """The protocol written out from the raw data set."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.RandomState(0).permutation(1797)
    train, test = order[:1297], order[1297:]
    classifier = LogisticRegression(max_iter=1000).fit(images[train] / 8 - 1, labels[train])
    p = classifier.predict_proba(images[test] / 8 - 1)
    score = np.exp(np.mean(np.sum(p * np.log(p / p.mean(0)), 1)))
    report = metrics.digits_report(digits)(np.asarray(digits.test["x"]))
    np.testing.assert_allclose(report["inception_score"], score, rtol=1e-4)  # float32 pixels


def test_digits_report_sees_copies(digits):
    report = metrics.digits_report(digits)(np.asarray(digits.train["x"])[:100])
    np.testing.assert_allclose(report["nearest_median"], 0, atol=1e-6)
    assert report["nearest_median_real"] > 0.5


def test_digits_report_of_larger_images(digits):
    """Enlarged and averaged back, the digits are a little smoother, 8.00 against 8.25."""
    report = metrics.digits_report(data.digits(size=32))
    scores = report(np.asarray(data.digits(size=32).test["x"]))
    assert abs(scores["inception_score"] - 8.25) < 0.3


def test_conditional_digits_report_by_hand(digits):
    """The real test digits as asked for, and ten sevens more that were to be nines."""
    x, y = (np.asarray(digits.test[key]) for key in ("x", "y"))
    flat = np.asarray(digits.train["x"], np.float64).reshape(-1, 64)
    judge = LogisticRegression(max_iter=1000).fit(flat, np.asarray(digits.train["y"]))
    right = judge.predict(x.reshape(-1, 64)) == y
    wrong = np.flatnonzero(right & (y == 7))[:10]
    report = metrics.conditional_digits_report(digits)
    scores = report(np.concatenate([x, x[wrong]]), np.concatenate([y, np.full(10, 9)]))
    assert scores["samples"] == 510
    assert {"inception_score", "frechet_distance", "class_share_min"} < scores.keys()
    np.testing.assert_allclose(scores["label_accuracy_real"], right.mean())
    np.testing.assert_allclose(scores["label_accuracy"], right.sum() / 510)
    shares = [right[y == label].mean() for label in range(10)]
    np.testing.assert_allclose(scores["label_accuracy_min_real"], min(shares))
    shares[9] = right[y == 9].sum() / ((y == 9).sum() + 10)
    assert shares[9] < 0.9
    np.testing.assert_allclose(scores["label_accuracy_min"], min(shares))


@pytest.mark.parametrize(
    "source",
    [
        data.ring(),
        data.digits(classes=(1, 2)),
        data.digits(test_classes=(7,)),
        data.digits_few_labels(),
    ],
    ids=["ring", "two_digits", "tests_of_sevens", "few_labels"],
)
def test_digits_report_refuses_other_data(source):
    with pytest.raises(ValueError, match="ten classes"):
        metrics.digits_report(source)


def test_classification_report(digits):
    """A classifier that calls every digit a 3, and one that is told the labels of all but five."""
    report = metrics.classification_report(digits)
    y = np.asarray(digits.test["y"])
    scores = report(lambda x: np.tile(np.eye(10)[3], (len(x), 1)))
    assert scores["test_examples"] == 500
    np.testing.assert_allclose(scores["test_error"], 100 * np.mean(y != 3), rtol=1e-12)
    told = np.where(np.arange(500) < 5, (y + 1) % 10, y)
    np.testing.assert_allclose(report(lambda x: np.eye(10)[told])["test_error"], 1, rtol=1e-12)
    with pytest.raises(ValueError, match="held-out examples with labels"):
        metrics.classification_report(RING)
