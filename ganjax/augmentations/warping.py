"""Affine maps of the plane, one an image, and images warped by them.

A map is [batch, 3, 3] on (row, column, 1) in pixels from the image's middle.
"""

from functools import reduce

import jax
import jax.numpy as jnp


def _map(first: tuple, second: tuple) -> jax.Array:
    """The maps of two rows of numbers or arrays [batch]."""
    rows = max(jnp.size(entry) for entry in (*first, *second))
    entries = [jnp.broadcast_to(jnp.asarray(entry, float), (rows,)) for entry in (*first, *second)]
    last = [jnp.zeros(rows), jnp.zeros(rows), jnp.ones(rows)]
    return jnp.stack([*entries, *last], axis=1).reshape(rows, 3, 3)


def scaling(rows: jax.Array, columns: jax.Array) -> jax.Array:
    """Rows and columns times a factor [batch] each."""
    return _map((rows, 0.0, 0.0), (0.0, columns, 0.0))


def rotation(cosine: jax.Array, sine: jax.Array) -> jax.Array:
    """A turn by the angle of a cosine and a sine, [batch] each."""
    return _map((cosine, -sine, 0.0), (sine, cosine, 0.0))


def translation(shift: jax.Array) -> jax.Array:
    """A shift [batch, 2] in pixels."""
    return _map((1.0, 0.0, shift[:, 0]), (0.0, 1.0, shift[:, 1]))


def product(*maps: jax.Array) -> jax.Array:
    """One map after another, the last one first."""

    def times(a, b):  # sums in full precision on every backend, exact for a map that is neutral
        return jnp.sum(a[:, :, :, None] * b[:, None], axis=2)

    return reduce(times, maps)


def _mirrored(index: jax.Array, side: int) -> jax.Array:
    """Indices of an image that goes on as its mirror image without end, edges not repeated."""
    period = max(2 * (side - 1), 1)
    index = index % period
    return jnp.minimum(index, period - index)


def warped(x: jax.Array, maps: jax.Array) -> jax.Array:
    """Each image at the places that its map gives: [batch, h, w, channel] -> the same.

    Bilinear between pixels, the image mirrored without end around. Exactly x where a map is the
    identity.
    """
    h, w = x.shape[1:3]
    middle = (h - 1) / 2, (w - 1) / 2
    grid = jnp.meshgrid(jnp.arange(h) - middle[0], jnp.arange(w) - middle[1], indexing="ij")
    places = [  # [batch, h, w]: the row, then the column
        maps[:, axis, 0, None, None] * grid[0][None]
        + maps[:, axis, 1, None, None] * grid[1][None]
        + (maps[:, axis, 2, None, None] + middle[axis])
        for axis in (0, 1)
    ]
    floors = [jnp.floor(place) for place in places]
    shares = [place - floor for place, floor in zip(places, floors, strict=True)]
    total = jnp.zeros_like(x)
    take = jax.vmap(lambda image, row, column: image[row, column])
    for i in (0, 1):
        row = _mirrored(floors[0].astype(jnp.int32) + i, h)
        for j in (0, 1):
            column = _mirrored(floors[1].astype(jnp.int32) + j, w)
            weight = (shares[0] if i else 1 - shares[0]) * (shares[1] if j else 1 - shares[1])
            total += weight[..., None].astype(x.dtype) * take(x, row, column)
    return total
