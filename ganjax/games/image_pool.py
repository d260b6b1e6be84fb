"""A pool of past samples to show a discriminator, as functional state."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ganjax import spread


class Pool(NamedTuple):
    """Samples kept for the discriminator.

    Attributes:
      images: [size, ...]; the first `filled` of them are samples, the rest 0.
      filled: int32 scalar, from 0 to size.
    """

    images: jax.Array
    filled: jax.Array


def empty(size: int, like: jax.Array) -> Pool:
    """A pool of nothing yet, for samples like those of a batch [batch, ...]."""
    return Pool(jnp.zeros((size, *like.shape[1:]), like.dtype), jnp.zeros((), jnp.int32))


def exchange(pool: Pool, x: jax.Array, rng: jax.Array) -> tuple[jax.Array, Pool]:
    """Shows past samples in place of half of the new ones (Shrivastava et al. 2017, 1612.07828).

    The rule of CycleGAN's released code, sample by sample: while the pool is not full, a sample is
    stored and shown. After that, with probability 1/2 a random stored sample is shown and the new
    one takes its place; otherwise the new one is shown and not stored. On several devices the
    samples of all pass one pool in the order of the devices, so that every device holds the same.

    Args:
      pool: of at least one place.
      x: new samples [batch, ...].
      rng: a key.

    Returns:
      (samples to show [batch, ...], the new pool).
    """
    axis_name = spread.rows_axis_name()
    if axis_name is not None:
        x = jax.lax.all_gather(x, axis_name, tiled=True)
    rng_swap, rng_place = jax.random.split(rng)
    size = pool.images.shape[0]
    swaps = jax.random.bernoulli(rng_swap, shape=x.shape[:1])
    places = jax.random.randint(rng_place, x.shape[:1], 0, size)

    def one(pool, drawn):
        new, swaps, place = drawn
        filling = pool.filled < size
        place = jnp.where(filling, pool.filled, place)
        old = pool.images[place]
        shown = jnp.where(swaps & ~filling, old, new)
        images = pool.images.at[place].set(jnp.where(swaps | filling, new, old))
        return Pool(images, jnp.minimum(pool.filled + 1, size)), shown

    pool, shown = jax.lax.scan(one, pool, (x, swaps, places))
    return spread.dealt(shown, axis_name), pool
