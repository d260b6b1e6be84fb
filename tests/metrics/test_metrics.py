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


def test_inception_score_refuses_what_is_no_probability():
    good = [0.25, 0.75]
    with pytest.raises(ValueError, match=r"row 1, the first of 1 .* smallest value of -0.1"):
        metrics.inception_score([good, [1.1, -0.1], good])
    with pytest.raises(ValueError, match=r"row 0, the first of 2 .* sums to 0.9"):
        metrics.inception_score([[0.5, 0.4], good, [0.3, 0.3]])
    with pytest.raises(ValueError, match=r"got shape \(0, 3\)"):
        metrics.inception_score(np.ones((0, 3)))


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


@pytest.mark.parametrize("shape", [(50, 64), (192, 192), (2000, 64)])
@pytest.mark.parametrize("scale", [1, 5000])
def test_frechet_distance_of_a_set_to_itself_is_never_below_0(shape, scale):
    """In any order of its rows; roots of eigenvalues of covariances gave -0.83 for (50, 64)."""
    x = scale * np.random.RandomState(0).rand(*shape)
    trace = np.trace(np.cov(x, rowvar=False))
    for again in (x, x[::-1]):
        assert 0 <= metrics.frechet_distance(x, again) <= 1e-12 * trace


def test_frechet_distance_in_many_dimensions():
    """Fewer samples than dimensions, and one more: commuting covariances of rank n - 1."""
    q = np.linalg.qr(RNG.normal(size=(40, 40)))[0]
    for n in (10, 41):
        rank = min(n - 1, 40)
        base = with_moments(np.zeros(rank), np.eye(rank), n=n)
        a, b = RNG.uniform(1, 3, size=rank), RNG.uniform(1, 3, size=rank)
        shift = RNG.normal(size=40)
        x, y = (base * a) @ q[:rank], (base * b) @ q[:rank] + shift
        expected = np.sum(shift**2) + np.sum((a - b) ** 2)
        np.testing.assert_allclose(metrics.frechet_distance(x, y), expected, rtol=1e-10)


def test_frechet_distance_refuses_what_does_not_compare():
    with pytest.raises(ValueError, match="3 and 2 dimensions"):
        metrics.frechet_distance(np.ones((4, 3)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="samples >= 2"):
        metrics.frechet_distance(np.ones((1, 3)), np.ones((4, 3)))


BAD = np.array([[0.0, 1.0], [np.nan, 2.0], [3.0, -np.inf]])


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (lambda: metrics.frechet_distance(BAD, np.ones((3, 2))), "real"),
        (lambda: metrics.frechet_distance(np.ones((3, 2)), BAD), "generated"),
        (lambda: metrics.nearest_distances(BAD, np.ones((3, 2))), "samples"),
        (lambda: metrics.nearest_distances(np.ones((3, 2)), BAD), "reference"),
        (lambda: metrics.inception_score(BAD), "probabilities"),
        (lambda: metrics.mode_coverage(BAD, CENTRES, 0.02), "samples"),
        (lambda: metrics.best_affine(np.ones((3, 2)), BAD, rank=1), "targets"),
        (lambda: metrics.hole_error(BAD, np.ones((3, 2)), np.zeros((3, 2))), "filled"),
    ],
)
def test_what_is_not_finite_is_refused_by_name(score, name):
    with pytest.raises(ValueError, match=rf"2 of 6 values of {name} .*the first at \[1, 0\]"):
        score()


def test_reports_refuse_what_is_not_finite(digits):
    x = np.array(digits.test["x"][:10])
    x[3, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"1 of 640 values of samples"):
        metrics.digits_report(digits)(x)
    with pytest.raises(ValueError, match=r"1 of 640 values of samples"):
        metrics.conditional_digits_report(digits)(x, digits.test["y"][:10])
    with pytest.raises(ValueError, match="values of logits"):
        metrics.classification_report(digits)(lambda x: np.full((len(x), 10), np.nan))


def test_scores_declare_their_ranges():
    assert metrics.score_range("high_quality") == (0, 1)
    assert metrics.score_range("reverse_kl") == (0, np.inf)
    assert metrics.score_range("inception_score_real") == (1, np.inf)
    assert metrics.score_range("kernel_distance") == (-np.inf, np.inf)  # unbiased
    assert metrics.score_range("elbo") == (-np.inf, np.inf)


def test_a_score_beyond_real_data_is_marked(digits):
    """The surest image of each class beats the real data's Inception score; copies its distance."""
    report = {"inception_score": 8.3, "inception_score_real": 8.2, "label_accuracy": 0.9}
    assert metrics.beyond_real(report) == {"inception_score": "above"}
    assert metrics.beyond_real(report | {"label_accuracy_real": 0.9}) == {
        "inception_score": "above"
    }
    assert metrics.beyond_real({"nearest_min": 0.1, "nearest_min_real": 0.3}) == {
        "nearest_min": "below"
    }
    test = np.asarray(digits.test["x"])
    report = metrics.digits_report(digits)
    copies = report(test)
    assert metrics.beyond_real(copies) == {"frechet_distance": "below"}
    train, y = np.asarray(digits.train["x"]), np.asarray(digits.train["y"])
    _, sure = metrics.class_judge(train, y)(train)
    best = [np.flatnonzero(y == k)[np.argmax(sure[y == k])] for k in range(10)]
    collapsed = report(np.repeat(train[best], 50, 0))
    assert collapsed["inception_score"] > 9.9
    assert metrics.beyond_real(collapsed)["inception_score"] == "above"


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
    """The real test digits with their labels, and ten more sevens labelled nine."""
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
    """A classifier that calls every digit a 3, and one with the labels of all but five."""
    report = metrics.classification_report(digits)
    y = np.asarray(digits.test["y"])
    scores = report(lambda x: np.tile(np.eye(10)[3], (len(x), 1)))
    assert scores["test_examples"] == 500
    np.testing.assert_allclose(scores["test_error"], 100 * np.mean(y != 3), rtol=1e-12)
    labels = np.where(np.arange(500) < 5, (y + 1) % 10, y)
    np.testing.assert_allclose(report(lambda x: np.eye(10)[labels])["test_error"], 1, rtol=1e-12)
    with pytest.raises(ValueError, match="held-out examples with labels"):
        metrics.classification_report(RING)
