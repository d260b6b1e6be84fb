"""The report on generated 8x8 digits: are they digits, all of them, and not copies?"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ganjax.metrics.distances import frechet_distance, nearest_distances
from ganjax.metrics.inception import inception_score


def digits_report(data: Any) -> Callable[[np.ndarray], dict[str, float]]:
    """Scores generated digits beside the real test digits under the same protocol.

    The classifier is scikit-learn's logistic regression (default C) fitted on the training digits
    scaled to [-1, 1]; the Frechet distance is of the pixels scaled to [0, 1], to the test digits;
    nearest neighbours are searched among the training digits, in pixels scaled to [0, 1]. Images
    larger than 8x8, generated and real alike, are averaged over blocks down to 8x8 first.

    Args:
      data: `data.digits()` with its ten classes, of any size.

    Returns:
      Report: images [samples, size, size, 1] in [-1, 1] -> flat dict, where `X_real` is what the
      real test digits (500) reach where `X` is the samples' score:
      `samples`, their number;
      `inception_score`, `inception_score_real`;
      `frechet_distance`, `frechet_distance_real` (training digits to test digits);
      `nearest_median`, `nearest_median_real`, distance to the nearest training digit;
      `nearest_min`, `nearest_min_real`, the smallest of those distances: 0 would be a copy;
      `class_share_min`, `class_share_max`, smallest and largest share of a class.

    Raises:
      ValueError: the data are not labelled grey images of ten classes, of a side that 8 divides.
    """
    square = len(data.shape) == 3 and data.shape[0] == data.shape[1] and data.shape[0] % 8 == 0
    ten = len(np.unique(data.train.get("y", ()))) == 10
    if not square or data.shape[2] != 1 or not ten or len(data.train["y"]) != len(data.train["x"]):
        raise ValueError(
            "the digits report needs all ten classes of the digits, every one labelled; set data "
            "to digits with its default classes, or evaluation.name to 'none'"
        )
    train, test = _flat(data.train["x"]), _flat(data.test["x"])
    labels = np.asarray(data.train["y"])

    def report(samples):
        from sklearn.linear_model import LogisticRegression  # 0.7 s: not for a run that is refused

        samples = _flat(samples)
        classifier = LogisticRegression(max_iter=1000).fit(train, labels)

        def scores(x, compared):
            nearest = nearest_distances(x / 2, train / 2)
            return {
                "inception_score": inception_score(classifier.predict_proba(x)),
                "frechet_distance": frechet_distance(compared / 2, test / 2),
                "nearest_median": float(np.median(nearest)),
                "nearest_min": float(nearest.min()),
            }

        generated, real = scores(samples, samples), scores(test, train)
        result = {"samples": len(samples)}
        for name in generated:
            result |= {name: generated[name], f"{name}_real": real[name]}
        shares = np.bincount(classifier.predict(samples), minlength=10) / len(samples)
        return result | {
            "class_share_min": float(shares.min()),
            "class_share_max": float(shares.max()),
        }

    return report


def _flat(x: np.ndarray) -> np.ndarray:
    """Images [n, size, size, 1] -> [n, 64], averaged over blocks of size/8 pixels."""
    block = x.shape[1] // 8
    return np.asarray(x, np.float64).reshape(-1, 8, block, 8, block).mean((2, 4)).reshape(-1, 64)
