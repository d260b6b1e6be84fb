"""Feature extractors: images to the features and class probabilities that scores compare."""

from ganjax.features.extractor import Extractor
from ganjax.features.inception import inception

__all__ = ["Extractor", "inception"]
