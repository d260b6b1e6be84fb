"""Scores of samples, on the host in float64. They know samples and data, not how they were made.

`EVALUATIONS` are factories `(data, **options) -> report` for a config to name, a report being a
function `samples -> {name: number}`; what they are made of stands beside them.
"""

from ganjax.metrics.digits import digits_report
from ganjax.metrics.distances import frechet_distance, nearest_distances
from ganjax.metrics.inception import inception_score
from ganjax.metrics.modes import ModeCoverage, mode_coverage, modes_report
from ganjax.metrics.translation import (
    affine_translation,
    paired_translation,
    unpaired_translation,
)

EVALUATIONS = {
    "affine_translation": affine_translation,
    "digits": digits_report,
    "modes": modes_report,
    "paired_translation": paired_translation,
    "unpaired_translation": unpaired_translation,
}

__all__ = [
    "EVALUATIONS",
    "ModeCoverage",
    "affine_translation",
    "digits_report",
    "frechet_distance",
    "inception_score",
    "mode_coverage",
    "modes_report",
    "nearest_distances",
    "paired_translation",
    "unpaired_translation",
]
