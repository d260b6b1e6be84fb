"""`Extractor`: the noun of the room."""

from collections.abc import Callable
from typing import NamedTuple


class Extractor(NamedTuple):
    """A function from images to features, with the name and digest that scores tell.

    Attributes:
      name: of the extractor and its resizing.
      digest: sha256 of its weights and settings, hexadecimal.
      apply: pure: images float [n, height, width, channels] in [-1, 1] -> (features [n, d], class
        probabilities [n, k] or None). If it is a `jax.tree_util.Partial`, a compiled function that
        takes it as an argument gets the weights as arguments too.
    """

    name: str
    digest: str
    apply: Callable
