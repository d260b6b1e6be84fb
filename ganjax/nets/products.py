"""Convolutions as matrix products: over neighbourhoods, added up, or few by minimal filtering.

Minimal filtering saves products and pays in sums of neighbours before and after them, and in
programs three times as long to compile: not worth it between few channels.
"""

import jax
import jax.numpy as jnp

from ganjax.nets import winograd

WIDE = 128  # pairs of channels from which on minimal filtering is the faster


def _filtered(kernel: jax.Array) -> bool:
    """Whether a kernel [r, r, c, f] is of a size that is filtered, and between many channels."""
    r, _, c, f = kernel.shape
    return r in winograd.FILTERINGS and c * f >= WIDE


def _product(x: jax.Array, matrix: jax.Array) -> jax.Array:
    """x [..., c] @ matrix as one of two axes: with more, gradients of the matrix copy x."""
    return (x.reshape(-1, x.shape[-1]) @ matrix).reshape(*x.shape[:-1], -1)


def over_neighbourhoods(x: jax.Array, kernel: jax.Array, stride: int = 1) -> jax.Array:
    """`convolve`, of any stride, as one product over neighbourhoods of r x r pixels."""
    r, _, c, f = kernel.shape
    h, w = ((side - r) // stride + 1 for side in x.shape[1:3])
    rows = jnp.concatenate([x[:, i : i + stride * h : stride] for i in range(r)], -1)
    # [b, h, w, r r c]: a tap's column outermost, then its row, then the channel.
    pixels = jnp.concatenate([rows[:, :, j : j + stride * w : stride] for j in range(r)], -1)
    return _product(pixels, kernel.transpose(1, 0, 2, 3).reshape(r * r * c, f))


def added_up(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`convolve` as one product to every tap's part of the outputs, shifted and added up."""
    r, _, c, f = kernel.shape
    h, w = (side - r + 1 for side in x.shape[1:3])
    # [b, h + r - 1, w + r - 1, r r f]: a tap's column outermost, then its row, then the feature.
    made = _product(x, kernel.transpose(2, 1, 0, 3).reshape(c, r * r * f))
    # Split, whose transpose is one concatenation; that of slices is a sum of as many arrays.
    columns = jax.lax.split(made, (r * f,) * r, axis=3)
    rows = sum(part[:, :, j : j + w] for j, part in enumerate(columns))
    rows = jax.lax.split(rows, (f,) * r, axis=3)
    return sum(part[:, i : i + h] for i, part in enumerate(rows))


def _unfiltered(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`convolve` by what has fewer columns."""
    c, f = kernel.shape[2:]
    return (added_up if f < c else over_neighbourhoods)(x, kernel)


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolution without padding: [b, h + r - 1, w + r - 1, c], [r, r, c, f] -> [b, h, w, f]."""
    return (winograd.convolve if _filtered(kernel) else _unfiltered)(x, kernel)


def transpose(y: jax.Array, kernel: jax.Array) -> jax.Array:
    """The transpose of `convolve` in x: [b, h, w, f], [r, r, c, f] -> [b, h + r - 1, w + r - 1, c].

    Unfiltered it is the convolution of y, zeros around it, by the mirrored kernel.
    """
    if _filtered(kernel):
        return winograd.transpose(y, kernel)
    around = (kernel.shape[0] - 1,) * 2
    mirrored = kernel[::-1, ::-1].swapaxes(2, 3)
    return _unfiltered(jnp.pad(y, ((0, 0), around, around, (0, 0))), mirrored)
