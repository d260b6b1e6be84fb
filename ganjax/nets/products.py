"""Convolutions without padding as few matrix products, in the cheapest of three forms.

Minimal filtering (`winograd`); patches of the image, gathered to be multiplied; products of every
pixel with every tap, shifted and added up. The second has k^2 numbers a pixel and channel, the
third k^2 a pixel and feature, so where there are few of either they beat the first.
"""

import jax
import jax.numpy as jnp

from ganjax.nets import winograd
from ganjax.nets.layers import wide

# So many times as many features as channels, or the reverse, make the other forms faster where
# there is a filtering: on CPU, 3x3 and 64 of the one, at 8 and 16 of the other.
MORE_FEATURES, MORE_CHANNELS = 8, 4


def convolve(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Convolution without padding: [b, h, w, c], [k, k, c, f] -> [b, h', w', f]."""
    k, _, c, f = kernel.shape
    filtered = stride == 1 and k in winograd.FILTERINGS
    if stride == 1 and f < c and (not filtered or MORE_CHANNELS * f <= c):
        return by_shifts(x, kernel)
    if filtered and MORE_FEATURES * c > f:
        return winograd.convolve(x, kernel)
    return by_patches(x, kernel, stride)


def _product(x: jax.Array, matrix: jax.Array) -> jax.Array:
    """x [..., c] @ matrix, of two axes: with more, gradients of the matrix copy x."""
    return (x.reshape(-1, x.shape[-1]) @ matrix).reshape(*x.shape[:-1], -1)


def by_patches(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """`convolve` by patches of k k c numbers."""
    k, _, c, f = kernel.shape
    h, w = ((size - k) // stride + 1 for size in x.shape[1:3])
    rows = jnp.concatenate([x[:, i : i + stride * h : stride] for i in range(k)], -1)
    # [b, h', w', k k c]: a tap's column outermost, then its row, then the channel.
    patches = jnp.concatenate([rows[:, :, j : j + stride * w : stride] for j in range(k)], -1)
    return _product(patches, kernel.transpose(1, 0, 2, 3).reshape(k * k * c, f))


def by_shifts(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`convolve` with stride 1 by k k f products a pixel, added up in float32 at least."""
    k, _, c, f = kernel.shape
    h, w = (size - k + 1 for size in x.shape[1:3])
    # [b, h + k - 1, w + k - 1, k k f]: a tap's column outermost, then its row, then the feature.
    made = _product(x, kernel.transpose(2, 1, 0, 3).reshape(c, k * k * f))
    # Split: its transpose is one concatenation, that of slices a sum of as many padded arrays.
    columns = jax.lax.split(made, (k * f,) * k, axis=3)
    rows = sum(wide(part[:, :, j : j + w]) for j, part in enumerate(columns))
    rows = jax.lax.split(rows, (f,) * k, axis=3)
    return sum(part[:, i : i + h] for i, part in enumerate(rows)).astype(x.dtype)
