"""The reports on generated 8x8 digits: quality, diversity, copies, and the right labels."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ganjax.metrics.distances import frechet_distance, nearest_distances
from ganjax.metrics.finite import finite
from ganjax.metrics.running import Classes, no_classes


def digits_report(data: Any) -> Callable[[np.ndarray], dict[str, float]]:
    """Scores generated digits beside the real test digits under the same protocol.

    The classifier is scikit-learn's logistic regression (default C) fitted on the training digits
    scaled to [-1, 1]; the Frechet distance is of the pixels scaled to [0, 1], to the test digits;
    nearest neighbours are searched among the training digits, in pixels scaled to [0, 1]. Images
    larger than 8x8, generated and real alike, are averaged over blocks down to 8x8 first.

    Args:
      data: `data.digits()` with its ten classes, of any size.

    Returns:
      Report: images [samples, size, size, 1] in [-1, 1] -> flat dict, `X_real` being the score X of
      the real test digits (500):
      `samples`, their number;
      `inception_score`, `inception_score_real`;
      `frechet_distance`, `frechet_distance_real` (training digits to test digits);
      `nearest_median`, `nearest_median_real`, distance to the nearest training digit;
      `nearest_min`, `nearest_min_real`, the smallest of those distances: 0 would be a copy;
      `class_share_min`, `class_share_max`, smallest and largest share of a class.

    Raises:
      ValueError: the data are not labelled grey images of ten classes, of a side that 8 divides;
        from the report, a sample is not finite.
    """
    digits = _digits(data)
    reference = functools.cache(functools.partial(_reference, digits))
    return lambda samples: _scores(digits, *reference(), _flat(finite("samples", samples)))


def conditional_digits_report(
    data: Any,
) -> Callable[[np.ndarray, np.ndarray], dict[str, float]]:
    """Scores digits generated for a label, with the classifier of `digits_report`.

    Args:
      data: as in `digits_report`.

    Returns:
      Report: (images [samples, size, size, 1] in [-1, 1], their labels [samples]) -> the scores of
      `digits_report`, and
      `label_accuracy`, share of the samples that the classifier assigns to their label;
      `label_accuracy_min`, the smallest such share of a label's samples;
      `label_accuracy_real`, `label_accuracy_min_real`, the same of the real test digits.

    Raises:
      ValueError: as `digits_report`.
    """
    digits = _digits(data)
    reference = functools.cache(functools.partial(_reference, digits))

    def report(samples, labels):
        classifier, real = reference()
        scores = _scores(digits, classifier, real, _flat(finite("samples", samples)), labels)
        known = ("label_accuracy", "label_accuracy_min")
        return scores | {f"{name}_real": real[name] for name in known}

    return report


class _Digits(NamedTuple):
    """Flat images [n, 64] and labels [n]."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def _digits(data: Any) -> _Digits:
    """The arrays of the data, refused if they are not the ten digits."""
    square = len(data.shape) == 3 and data.shape[0] == data.shape[1] and data.shape[0] % 8 == 0
    ten = all(len(np.unique(part.get("y", ()))) == 10 for part in (data.train, data.test))
    if not square or data.shape[2] != 1 or not ten or len(data.train["y"]) != len(data.train["x"]):
        raise ValueError(
            "the digits report needs all ten classes of the digits, every one labelled; set data "
            "to digits with its default classes, or evaluation.name to 'none'"
        )
    train, test = ((_flat(part["x"]), np.asarray(part["y"])) for part in (data.train, data.test))
    return _Digits(*train, *test)


def _reference(digits: _Digits) -> tuple[Any, dict[str, float]]:
    """The fitted classifier and the scores of the real test digits."""
    from sklearn.linear_model import LogisticRegression  # 0.7 s: after the checks

    classifier = LogisticRegression(max_iter=1000).fit(digits.train, digits.train_labels)
    judged = _judged(classifier, digits.test, digits.test_labels)
    return classifier, _quality(digits, judged, digits.test, digits.train) | judged.accuracy


def _judged(classifier: Any, x: np.ndarray, labels: Any = None) -> Classes:
    """Sums over the classifier's probabilities of digits x [n, 64]."""
    return no_classes(1, 10).add(classifier.predict_proba(x), labels)


def _quality(digits: _Digits, judged: Classes, x: np.ndarray, compared: np.ndarray):
    """Scores of digits x [n, 64]; `compared` is compared with the test digits."""
    nearest = nearest_distances(x / 2, digits.train / 2)
    return {
        "inception_score": float(judged.inception_scores[0]),
        "frechet_distance": frechet_distance(real=digits.test / 2, generated=compared / 2),
        "nearest_median": float(np.median(nearest)),
        "nearest_min": float(nearest.min()),
    }


def _scores(
    digits: _Digits,
    classifier: Any,
    real: dict[str, float],
    samples: np.ndarray,
    labels: np.ndarray | None = None,
) -> dict[str, float]:
    """The scores of `digits_report`, of samples [n, 64] and of their labels, if any."""
    result, judged = {"samples": len(samples)}, _judged(classifier, samples, labels)
    for name, value in _quality(digits, judged, samples, samples).items():
        result |= {name: value, f"{name}_real": real[name]}
    return result | judged.shares() | judged.accuracy


def _flat(x: np.ndarray) -> np.ndarray:
    """Images [n, size, size, 1] -> [n, 64], averaged over blocks of size/8 pixels."""
    block = x.shape[1] // 8
    return np.asarray(x, np.float64).reshape(-1, 8, block, 8, block).mean((2, 4)).reshape(-1, 64)
