"""Scores of samples, on the host in float64. They know samples and data, not how they were made.

`EVALUATIONS` are factories `(data, **options) -> report` for a config to name, a report being a
function `samples -> {name: number}`, or of what else its parameters name: `labels` of the samples,
or a query of the game; what they are made of stands beside them.
"""

from ganjax.metrics.digits import conditional_digits_report, digits_report
from ganjax.metrics.classification import classification_report
from ganjax.metrics.concepts import STROKES, class_judge, ink, showing
from ganjax.metrics.digits import digits_report
from ganjax.metrics.distances import frechet_distance, nearest_distances
from ganjax.metrics.inception import inception_score
from ganjax.metrics.modes import ModeCoverage, mode_coverage, modes_report
from ganjax.metrics.restoration import hole_error, mean_fill, regression_fill

EVALUATIONS = {
    "conditional_digits": conditional_digits_report,
    "classification": classification_report,
    "digits": digits_report,
    "modes": modes_report,
}

__all__ = [
    "EVALUATIONS",
    "STROKES",
    "ModeCoverage",
    "conditional_digits_report",
    "classification_report",
    "class_judge",
    "digits_report",
    "frechet_distance",
    "hole_error",
    "inception_score",
    "ink",
    "mean_fill",
    "mode_coverage",
    "modes_report",
    "nearest_distances",
    "regression_fill",
    "showing",
]
