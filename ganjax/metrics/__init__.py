"""Scores of samples, on the host in float64. They do not know how samples were made.

`EVALUATIONS` are factories `(data, **options) -> report` for a config to name. A report is a
function `samples -> {name: number}`; its parameters may also name `labels` of the samples, or a
query of the game.
"""

from ganjax.metrics.anomaly import anomaly_report
from ganjax.metrics.classification import classification_report
from ganjax.metrics.concepts import STROKES, class_judge, ink, showing
from ganjax.metrics.coverage import ClassCoverage, class_coverage
from ganjax.metrics.digits import conditional_digits_report, digits_report
from ganjax.metrics.distances import frechet_distance, nearest_distances
from ganjax.metrics.finite import NonFiniteError, finite
from ganjax.metrics.inception import inception_score, inception_scores
from ganjax.metrics.kernels import KernelDistance, kernel_distance
from ganjax.metrics.likelihood import Bound, importance_bounds, likelihood_report
from ganjax.metrics.manifolds import (
    DensityCoverage,
    PrecisionRecall,
    density_coverage,
    manifold_scores,
    over_generalisation,
    precision_recall,
)
from ganjax.metrics.modes import ModeCoverage, mode_coverage, modes_report
from ganjax.metrics.ranges import BEYOND, SCORES, Score, beyond_real, score_range
from ganjax.metrics.reconstruction import Affine, best_affine, reconstruction_report
from ganjax.metrics.restoration import hole_error, mean_fill, nearest_fill, regression_fill
from ganjax.metrics.running import Classes, Moments, joined, moments, no_classes
from ganjax.metrics.similarity import ms_ssim, ms_ssim_diversity
from ganjax.metrics.sliced import sliced_wasserstein
from ganjax.metrics.support import SupportSize, support_size
from ganjax.metrics.translation import affine_translation, paired_translation, unpaired_translation

EVALUATIONS = {
    "affine_translation": affine_translation,
    "anomaly": anomaly_report,
    "classification": classification_report,
    "conditional_digits": conditional_digits_report,
    "digits": digits_report,
    "likelihood": likelihood_report,
    "modes": modes_report,
    "paired_translation": paired_translation,
    "reconstruction": reconstruction_report,
    "unpaired_translation": unpaired_translation,
}

__all__ = [
    "BEYOND",
    "EVALUATIONS",
    "SCORES",
    "STROKES",
    "Affine",
    "Bound",
    "ClassCoverage",
    "Classes",
    "DensityCoverage",
    "KernelDistance",
    "ModeCoverage",
    "Moments",
    "NonFiniteError",
    "PrecisionRecall",
    "Score",
    "SupportSize",
    "affine_translation",
    "anomaly_report",
    "best_affine",
    "beyond_real",
    "class_coverage",
    "class_judge",
    "classification_report",
    "conditional_digits_report",
    "density_coverage",
    "digits_report",
    "finite",
    "frechet_distance",
    "hole_error",
    "importance_bounds",
    "inception_score",
    "inception_scores",
    "ink",
    "joined",
    "kernel_distance",
    "likelihood_report",
    "manifold_scores",
    "mean_fill",
    "mode_coverage",
    "modes_report",
    "moments",
    "ms_ssim",
    "ms_ssim_diversity",
    "nearest_distances",
    "nearest_fill",
    "no_classes",
    "over_generalisation",
    "paired_translation",
    "precision_recall",
    "reconstruction_report",
    "regression_fill",
    "score_range",
    "showing",
    "sliced_wasserstein",
    "support_size",
    "unpaired_translation",
]
