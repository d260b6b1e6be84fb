"""Masks of images, `(rng, shape, size) -> mask`: 1 where an image is visible, 0 in its hole."""

import jax
import jax.numpy as jnp


def centre(_: jax.Array, shape: tuple[int, ...], size: int) -> jax.Array:
    """A square hole of `size` pixels a side in the middle, rounded to the upper left.

    Args:
      _: rng, unused; part of the shelf's signature.
      shape: of the images, [n, height, width, channel].
      size: side of the hole, from 1 to the smaller side of the images.

    Returns:
      Masks [n, height, width, 1], float.

    Raises:
      ValueError: the hole is empty or larger than the images; as for all masks.
    """
    _check(shape, size)
    n, height, width = shape[:3]
    corner = jnp.full((n,), (height - size) // 2), jnp.full((n,), (width - size) // 2)
    return _square(shape, size, *corner)


def left(_: jax.Array, shape: tuple[int, ...], size: int) -> jax.Array:
    """The left half is missing; rng and size are unused. As `centre`."""
    _check(shape, size)
    visible = jnp.arange(shape[2]) >= shape[2] // 2
    return jnp.broadcast_to(visible[None, None, :, None].astype(float), (*shape[:3], 1))


def pixels(rng: jax.Array, shape: tuple[int, ...], size: int) -> jax.Array:
    """size * size pixels are missing, drawn at random for each image; as `centre`."""
    _check(shape, size)
    n, height, width = shape[:3]
    order = jnp.argsort(jax.random.uniform(rng, (n, height * width)), axis=1)
    ranks = jnp.argsort(order, axis=1)
    return (ranks >= size * size).astype(float).reshape(n, height, width, 1)


def square(rng: jax.Array, shape: tuple[int, ...], size: int) -> jax.Array:
    """A square hole of `size` pixels a side, placed at random for each image; as `centre`."""
    _check(shape, size)
    n, height, width = shape[:3]
    rng_top, rng_start = jax.random.split(rng)
    top = jax.random.randint(rng_top, (n,), 0, height - size + 1)
    return _square(shape, size, top, jax.random.randint(rng_start, (n,), 0, width - size + 1))


def _square(shape: tuple[int, ...], size: int, top: jax.Array, start: jax.Array) -> jax.Array:
    """Masks with a square hole from row `top` [n] and column `start` [n] on."""
    row, column = jnp.arange(shape[1])[None], jnp.arange(shape[2])[None]
    rows = (row >= top[:, None]) & (row < top[:, None] + size)
    columns = (column >= start[:, None]) & (column < start[:, None] + size)
    return 1.0 - (rows[:, :, None] & columns[:, None, :])[..., None].astype(float)


def _check(shape: tuple[int, ...], size: int) -> None:
    if len(shape) != 4 or not 1 <= size <= min(shape[1:3]):
        raise ValueError(
            f"a hole of {size} pixels a side must be from 1 to the smaller side of images "
            f"[n, height, width, channel]; got shape {shape}"
        )


MASKS = {"centre": centre, "left": left, "pixels": pixels, "square": square}
