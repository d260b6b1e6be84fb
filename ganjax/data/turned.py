"""Two domains without pairs whose translation is known: images, and others turned and coloured."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

from ganjax.checks import within
from ganjax.data.resident import Data, sample_rows
from ganjax.data.rows import examples

INK, PAPER = (0.1, 0.2, 0.7), (1.0, 0.85, 0.4)  # dark blue on yellow


def turned_domains(
    of: Data,
    *,
    degrees: float = 30.0,
    ink: Sequence[float] = INK,
    paper: Sequence[float] = PAPER,
) -> Data:
    """Images of a set, and other images of it, turned about their middle and coloured.

    Every second training example is domain a and the others are domain b, so no image is in both,
    and sets in the order of their classes have all of them in either. The held-out examples are
    pairs: an unpaired translator can be judged against the truth.

    Args:
      of: resident or streamed images [height, width, 1] in [-1, 1]; at most 60,000 are used, as
        they are without random flips or crops, and stay in memory.
      degrees: of the turn, counter-clockwise, from -180 to 180. Pixels from outside repeat the
        nearest edge; between pixels linear.
      ink: the colour of 1 in b, red, green and blue from 0 to 1.
      paper: the colour of -1 in b. Values between mix both; where they are equal, nothing is left
        of an image.

    Returns:
      Data with unpaired `a` (grey, in three equal channels) and `b` [batch, height, width, 3] in
      [-1, 1]; the held-out b is the translation of a.

    Raises:
      ValueError: the images have more than one channel or none is held out, or an argument is out
        of range.
    """
    within("[-180, 180]", degrees=degrees)
    for name, colour in (("ink", ink), ("paper", paper)):
        if len(colour) != 3 or not all(0 <= part <= 1 for part in colour):
            raise ValueError(f"{name}={colour} must be three numbers from 0 to 1, e.g. {INK}")
    if tuple(ink) == tuple(paper):
        raise ValueError(f"ink and paper are both {ink}; give two colours")
    train = examples(of)
    if len(of.shape) != 3 or of.shape[-1] != 1 or "x" not in train or "x" not in of.test:
        raise ValueError(
            f"turned_domains needs images [height, width, 1] and held-out ones, got {of.shape}"
        )

    def grey(x):
        return jnp.repeat(jnp.asarray(x), 3, axis=-1)

    def translated(x):
        return _coloured(_turned(jnp.asarray(x), degrees), ink, paper)

    held_out = {"a": grey(of.test["x"]), "b": translated(of.test["x"])}
    return Data(
        (*of.shape[:2], 3),
        {"a": grey(train["x"][::2]), "b": translated(train["x"][1::2])},
        held_out,
        _sample,
        pairs_held_out=True,
    )


def _turned(x: jax.Array, degrees: float) -> jax.Array:
    """Images [n, height, width, 1] turned counter-clockwise about their middle."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    h, w = x.shape[1:3]
    middle = (h - 1) / 2, (w - 1) / 2
    down, right = jnp.meshgrid(jnp.arange(h) - middle[0], jnp.arange(w) - middle[1], indexing="ij")
    places = cosine * down + sine * right + middle[0], cosine * right - sine * down + middle[1]
    turn = jax.vmap(lambda image: map_coordinates(image, places, order=1, mode="nearest"))
    return turn(x[..., 0])[..., None].astype(x.dtype)


def _coloured(x: jax.Array, ink: Sequence[float], paper: Sequence[float]) -> jax.Array:
    """Grey images in [-1, 1] -> between the paper's colour and the ink's, in [-1, 1]."""
    light, dark = (
        2 * jnp.asarray(colour, x.dtype)[None, None, None] - 1 for colour in (paper, ink)
    )
    return (light * (1 - x) + dark * (1 + x)) / 2


def _sample(train, rng, batch_size):
    rng_a, rng_b = jax.random.split(rng)
    a = sample_rows({"a": train["a"]}, rng_a, batch_size)
    return {**a, **sample_rows({"b": train["b"]}, rng_b, batch_size)}
