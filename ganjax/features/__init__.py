"""Feature extractors, and the report on images by their features.

`EVALUATIONS` are those of `ganjax.metrics` and this report.
"""

from ganjax import metrics
from ganjax.features.classifier import classifier
from ganjax.features.extractor import Extractor
from ganjax.features.gathered import IMAGE_SCORES, ON_REQUEST
from ganjax.features.images import Streamed, images_report
from ganjax.features.inception import inception
from ganjax.features.kept import kept
from ganjax.features.pixels import logistic, pixels
from ganjax.features.stacked import stacked

FEATURES = {
    "classifier": classifier,
    "inception": inception,
    "logistic": logistic,
    "pixels": pixels,
    "stacked": stacked,
}

EVALUATIONS = {**metrics.EVALUATIONS, "images": images_report}

__all__ = [
    "EVALUATIONS",
    "FEATURES",
    "IMAGE_SCORES",
    "ON_REQUEST",
    "Extractor",
    "Streamed",
    "classifier",
    "images_report",
    "inception",
    "kept",
    "logistic",
    "pixels",
    "stacked",
]
