"""Update schemes: factories `(game, tx, **options, axis_name=None) -> Scheme`.

`tx` is `Players` of optax transforms. A scheme knows a game and two transforms, nothing of images,
layers or files; what they share is in `field.py`.
"""

from ganjax.schemes.alternating import alternating
from ganjax.schemes.averaged import averaged
from ganjax.schemes.simultaneous import simultaneous

SCHEMES = {
    "alternating": alternating,
    "averaged": averaged,
    "simultaneous": simultaneous,
}

__all__ = ["SCHEMES", "alternating", "averaged", "simultaneous"]
