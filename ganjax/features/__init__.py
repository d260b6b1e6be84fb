"""Feature extractors: images to the features and class probabilities that scores compare."""

from ganjax.features.classifier import classifier
from ganjax.features.extractor import Extractor
from ganjax.features.inception import inception
from ganjax.features.kept import kept
from ganjax.features.pixels import logistic, pixels

FEATURES = {
    "classifier": classifier,
    "inception": inception,
    "logistic": logistic,
    "pixels": pixels,
}

__all__ = ["FEATURES", "Extractor", "classifier", "inception", "kept", "logistic", "pixels"]
