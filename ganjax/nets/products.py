"""Convolutions without padding as few matrix products, in the fastest of three forms.

`winograd.convolve` multiplies least. `by_neighbourhoods` gathers r^2 numbers per pixel and channel,
`by_shifts` adds up r^2 per pixel and feature: they win where there are few of either. Thresholds
were measured with `scripts/benchmarks/convolutions.py`.
"""

import math

import jax
import jax.numpy as jnp

from ganjax.nets import winograd
from ganjax.nets.layers import wide

# Minimal filtering takes at least this many pairs of a channel and a feature (with fewer it saves
# little and compiles longer), less than this many times as many features as channels, or channels
# as features, and at least this many tiles (with fewer, filtering the kernel costs more).
PAIRS, MORE_FEATURES, MORE_CHANNELS, TILES = 256, 5, 4, 64
FEWER = 0.75  # tiles of 4x4 pixels are taken if they need at most this share of the products of 2x2


def convolve(x: jax.Array, kernel: jax.Array, stride: int = 1) -> jax.Array:
    """Convolution without padding: [b, h, w, c], [r, r, c, f] -> [b, h', w', f].

    h' = (h - r) // stride + 1.
    """
    r, _, c, f = kernel.shape
    made = len(x), *(side - r + 1 for side in x.shape[1:3])
    outputs = _outputs((r, c, f), made, x.dtype) if stride == 1 else None
    if outputs:
        return winograd.convolve(x, kernel, outputs)
    if stride == 1 and f < c:
        return by_shifts(x, kernel)
    return by_neighbourhoods(x, kernel, stride)


def transpose(y: jax.Array, kernel: jax.Array) -> jax.Array:
    """The transpose of `convolve` in x: [b, h, w, f], [r, r, c, f] -> [b, h + r - 1, w + r - 1, c].

    Unfiltered it is the convolution of y, zeros around it, by the mirrored kernel.
    """
    r, _, c, f = kernel.shape
    if outputs := _outputs((r, f, c), y.shape[:3], y.dtype):
        return winograd.transpose(y, kernel, outputs)
    padded = jnp.pad(y, ((0, 0), (r - 1, r - 1), (r - 1, r - 1), (0, 0)))
    mirrored = kernel[::-1, ::-1].swapaxes(2, 3)
    return (by_shifts if c < f else by_neighbourhoods)(padded, mirrored)


def _outputs(
    kernel: tuple[int, int, int], made: tuple[int, int, int], dtype: jnp.dtype
) -> int | None:
    """The side of the tiles of minimal filtering; None where another form is faster.

    Args:
      kernel: (taps, channels, features).
      made: (images, height, width) that the tiles cover.
      dtype: below float32 tiles are small, as their factors before rounding are 1.
    """
    r, channels, features = kernel
    thin = channels * MORE_FEATURES <= features or features * MORE_CHANNELS <= channels
    if channels * features < PAIRS or thin or (2, r) not in winograd.FILTERINGS:
        return None
    count, *sides = made
    tiles = {m: count * math.prod(-(-side // m) for side in sides) for m in (2, 4)}
    products = {m: tiles[m] * (m + r - 1) ** 2 for m in (2, 4)}
    exact = jnp.finfo(dtype).bits >= 32
    large = exact and (4, r) in winograd.FILTERINGS and tiles[4] >= TILES
    if large and products[4] <= FEWER * products[2]:
        return 4
    return 2 if tiles[2] >= TILES else None


def _product(x: jax.Array, matrix: jax.Array) -> jax.Array:
    """x [..., c] @ matrix as one of two axes: with more, gradients of the matrix copy x."""
    return (x.reshape(-1, x.shape[-1]) @ matrix).reshape(*x.shape[:-1], -1)


def by_neighbourhoods(x: jax.Array, kernel: jax.Array, stride: int = 1) -> jax.Array:
    """`convolve` as one product over neighbourhoods of r x r pixels."""
    r, _, c, f = kernel.shape
    h, w = ((side - r) // stride + 1 for side in x.shape[1:3])
    rows = jnp.concatenate([x[:, i : i + stride * h : stride] for i in range(r)], -1)
    # [b, h', w', r r c]: a tap's column outermost, then its row, then the channel.
    pixels = jnp.concatenate([rows[:, :, j : j + stride * w : stride] for j in range(r)], -1)
    return _product(pixels, kernel.transpose(1, 0, 2, 3).reshape(r * r * c, f))


def by_shifts(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`convolve` with stride 1 as one product to r r f numbers per pixel, added up in float32."""
    r, _, c, f = kernel.shape
    h, w = (side - r + 1 for side in x.shape[1:3])
    # [b, h + r - 1, w + r - 1, r r f]: a tap's column outermost, then its row, then the feature.
    made = _product(x, kernel.transpose(2, 1, 0, 3).reshape(c, r * r * f))
    # Split: its transpose is one concatenation, that of slices a sum of as many padded arrays.
    columns = jax.lax.split(made, (r * f,) * r, axis=3)
    rows = sum(wide(part[:, :, j : j + w]) for j, part in enumerate(columns))
    rows = jax.lax.split(rows, (f,) * r, axis=3)
    return sum(part[:, i : i + h] for i, part in enumerate(rows)).astype(x.dtype)
