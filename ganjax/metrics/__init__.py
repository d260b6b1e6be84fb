"""Scores of samples, on the host in float64. They know samples and data, not how they were made.

`EVALUATIONS` are factories `(data, **options) -> report` for a config to name, a report being a
function of what its parameters name (`samples`, `labels`, a game's queries) `-> {name: number}`;
what they are made of stands beside them.
"""

from ganjax.metrics.anomaly import anomaly_report
from ganjax.metrics.digits import digits_report
from ganjax.metrics.distances import frechet_distance, nearest_distances
from ganjax.metrics.inception import inception_score
from ganjax.metrics.likelihood import Bound, importance_bounds, likelihood_report
from ganjax.metrics.modes import ModeCoverage, mode_coverage, modes_report
from ganjax.metrics.reconstruction import Affine, best_affine, reconstruction_report

EVALUATIONS = {
    "anomaly": anomaly_report,
    "digits": digits_report,
    "likelihood": likelihood_report,
    "modes": modes_report,
    "reconstruction": reconstruction_report,
}

__all__ = [
    "EVALUATIONS",
    "Affine",
    "Bound",
    "ModeCoverage",
    "anomaly_report",
    "best_affine",
    "digits_report",
    "frechet_distance",
    "importance_bounds",
    "inception_score",
    "likelihood_report",
    "mode_coverage",
    "modes_report",
    "nearest_distances",
    "reconstruction_report",
]
