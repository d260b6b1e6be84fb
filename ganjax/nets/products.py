"""Convolutions of stride 1 as matrix products: over neighbourhoods, or few by minimal filtering.

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


def over_neighbourhoods(x: jax.Array, kernel: jax.Array, stride: int = 1) -> jax.Array:
    """`convolve`, of any stride, as one product over neighbourhoods of r x r pixels."""
    r, _, c, f = kernel.shape
    h, w = ((side - r) // stride + 1 for side in x.shape[1:3])
    rows = jnp.concatenate([x[:, i : i + stride * h : stride] for i in range(r)], -1)
    # [b, h, w, r r c]: a tap's column outermost, then its row, then the channel.
    pixels = jnp.concatenate([rows[:, :, j : j + stride * w : stride] for j in range(r)], -1)
    return pixels @ kernel.transpose(1, 0, 2, 3).reshape(r * r * c, f)


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolution without padding: [b, h + r - 1, w + r - 1, c], [r, r, c, f] -> [b, h, w, f]."""
    return (winograd.convolve if _filtered(kernel) else over_neighbourhoods)(x, kernel)


def transpose(y: jax.Array, kernel: jax.Array) -> jax.Array:
    """The transpose of `convolve` in x: [b, h, w, f], [r, r, c, f] -> [b, h + r - 1, w + r - 1, c].

    Over neighbourhoods it is the convolution of y, zeros around it, by the mirrored kernel.
    """
    if _filtered(kernel):
        return winograd.transpose(y, kernel)
    around = (kernel.shape[0] - 1,) * 2
    mirrored = kernel[::-1, ::-1].swapaxes(2, 3)
    return over_neighbourhoods(jnp.pad(y, ((0, 0), around, around, (0, 0))), mirrored)
