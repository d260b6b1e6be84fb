"""Ranges of the reported scores, and the scores that are better than those of real data."""

import math
from collections.abc import Mapping
from typing import NamedTuple

MARGIN = 1e-6  # relative difference from real data's score, above rounding
BEYOND = "better than real data's own score: saturated or fooled, not better than real data"


class Score(NamedTuple):
    """The values that a score can have.

    Attributes:
      low: the least.
      high: the largest.
      better: "above" or "below", the side on which a score is better than that of real data; "" for
        a score that is not reported for real data.
    """

    low: float = 0.0
    high: float = math.inf
    better: str = ""


SCORES = {
    "accuracy": Score(high=1.0),
    "auroc": Score(high=1.0),
    "auroc_nearest": Score(high=1.0),
    "class_kl": Score(better="below"),
    "class_share_max": Score(high=1.0),
    "class_share_min": Score(high=1.0),
    "classes": Score(better="above"),
    "coverage": Score(high=1.0, better="above"),
    "cycle_error_a": Score(),
    "cycle_error_b": Score(),
    "density": Score(better="above"),
    "distance": Score(),
    "error": Score(),
    "error_affine": Score(),
    "error_affine_train": Score(),
    "error_before": Score(),
    "error_input": Score(),
    "error_mean": Score(),
    "error_train": Score(),
    "frechet_ab": Score(),
    "frechet_ab_before": Score(),
    "frechet_ba": Score(),
    "frechet_ba_before": Score(),
    "frechet_distance": Score(better="below"),
    "high_quality": Score(high=1.0),
    "inception_score": Score(low=1.0, better="above"),
    "iou": Score(high=1.0),
    "iou_before": Score(high=1.0),
    "iou_kernel": Score(high=1.0),
    "iou_ridge": Score(high=1.0),
    "iou_trees": Score(high=1.0),
    "kernel_distance": Score(low=-math.inf, better="below"),
    "label_accuracy": Score(high=1.0, better="above"),
    "label_accuracy_min": Score(high=1.0, better="above"),
    "modes": Score(better="above"),
    "ms_ssim": Score(high=1.0),
    "nearest_median": Score(better="below"),
    "nearest_min": Score(better="below"),
    "offset_error": Score(),
    "over_generalisation": Score(high=1.0, better="below"),
    "precision": Score(high=1.0, better="above"),
    "recall": Score(high=1.0, better="above"),
    "reverse_kl": Score(),
    "sliced_wasserstein": Score(better="below"),
    "slope_error": Score(),
    "support_size": Score(better="above"),
    "test_error": Score(high=100.0),
    "test_error_spreading": Score(high=100.0),
    "translation_error": Score(),
}


def score_range(name: str) -> tuple[float, float]:
    """The least and the largest value of a score, infinite if there is none or it is unknown.

    Args:
      name: a key of a report; `NAME_real` has the range of `NAME`.
    """
    score = SCORES.get(name.removesuffix("_real"), Score(low=-math.inf))
    return score.low, score.high


def beyond_real(report: Mapping[str, float]) -> dict[str, str]:
    """The scores that are better than those of real data under the same protocol.

    Such samples are not better than real data: the score is saturated or fooled, as the Inception
    score is by samples that make a classifier overconfident (Barratt and Sharma 2018,
    arXiv:1801.01973), or a distance to the training data by copies of them.

    Args:
      report: `NAME` and, beside it, `NAME_real`.

    Returns:
      {name: "above" or "below"}, on which side of real data's own score it is.
    """
    found = {}
    for name, score in SCORES.items():
        value, real = report.get(name), report.get(f"{name}_real")
        if score.better and value is not None and real is not None:
            ahead = value - real if score.better == "above" else real - value
            if ahead > MARGIN * abs(real):
                found[name] = score.better
    return found
