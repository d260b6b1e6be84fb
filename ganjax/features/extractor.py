"""`Extractor`: the noun of the room."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple


class Extractor(NamedTuple):
    """A function from images to features, with the name and digest that scores tell.

    Attributes:
      name: of the extractor and its settings.
      digest: sha256 of its weights, or of all that they follow from, and of its settings.
      load: () -> apply, pure: images float [n, height, width, channels] in [-1, 1] -> (features
        [n, d], class probabilities [n, k] or None). It reads or fits the weights when first called.
        If `apply` is a `jax.tree_util.Partial`, a compiled function that takes it as an argument
        gets the weights as arguments too.
      classes: number of the class probabilities, 0 without; None if it is not known beforehand.
    """

    name: str
    digest: str
    load: Callable[[], Callable]
    classes: int | None = None


def digest(text: str) -> str:
    """sha256 of a text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
