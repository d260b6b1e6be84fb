"""Crops of the photographs as one set of images, also at the sizes that growing networks need."""

import jax
import jax.numpy as jnp

from ganjax.data.domains import photograph_domains
from ganjax.data.resident import Data


def _shrunk(x: jax.Array, size: int) -> jax.Array:
    """Images [n, side, side, c] averaged over blocks, [n, size, size, c]."""
    n, side, _, channels = x.shape
    return x.reshape(n, size, side // size, size, side // size, channels).mean((2, 4))


def photograph_crops(size: int = 64, pyramid: int | None = None, shrink: int = 2) -> Data:
    """Crops of either photograph of `photograph_domains`, drawn anew for every batch.

    Nothing but the photographs is kept, so that crops may be large and lie anywhere.

    Args:
      size: side of the images, at least 1.
      pyramid: crops have this side, a multiple of `size`, and are averaged over blocks down to
        `size`, so that images of one size are those of the next, halved, as growing networks need
        it; `size` if None. At most 160, or 320 with shrink=1.
      shrink: whole factor by which the photographs, 427x640, are made smaller first.

    Returns:
      Data with `x` [batch, size, size, 3] in [-1, 1], of either photograph with probability 1/2.
      Training crops have no pixel of the held-out ones, which show the photographs in turn.

    Raises:
      ValueError: an argument is out of range.
    """
    side = size if pyramid is None else pyramid
    if size < 1 or side % size:
        raise ValueError(
            f"pyramid={pyramid} must be a multiple of size={size}, which is at least 1; e.g. "
            "size=64 with pyramid=256"
        )
    source = photograph_domains(side, shrink)

    def sample(train, rng, batch_size):
        rng_crops, rng_which = jax.random.split(rng)
        crops = source.sample(train, rng_crops, batch_size)
        first = jax.random.bernoulli(rng_which, shape=(batch_size, 1, 1, 1))
        return {"x": _shrunk(jnp.where(first, crops["a"], crops["b"]), size)}

    test = jnp.stack([source.test["a"], source.test["b"]], 1)  # [m, 2, side, side, 3]
    test = _shrunk(test.reshape(-1, side, side, 3), size)
    return Data(shape=(size, size, 3), train=source.train, test={"x": test}, sample=sample)
