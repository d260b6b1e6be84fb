"""Images in [-1, 1] as the input of the Inception network, resized as each code of the FID does.

All are functions [n, h, w, c] -> [n, side, side, c]. They round nothing to 8 bits.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp


def clean(x: jax.Array, side: int) -> jax.Array:
    """Antialiased bicubic resizing as Pillow's (Parmar et al. 2022, arXiv:2104.11222).

    Cubic convolution with a = -0.5; grey values outside 0 to 255 are clipped; 128 becomes 0.
    """
    resized = jax.image.resize(_bytes(x), _shape(x, side), "cubic", antialias=True)
    return _centred(resized.clip(0, 255))


def torch(x: jax.Array, side: int) -> jax.Array:
    """Bilinear interpolation between centres of pixels, not antialiased, as pytorch-fid's."""
    return jax.image.resize(x, _shape(x, side), "linear", antialias=False)


def tensorflow(x: jax.Array, side: int) -> jax.Array:
    """Bilinear interpolation between corners of pixels, as the first FID's (Heusel et al. 2017).

    Pixel i of the result is at i h / side, so that the image moves by up to half a pixel; 128
    becomes 0. torch-fidelity resizes likewise.
    """
    h, w = x.shape[1:3]
    scale = jnp.array([side / h, side / w])
    # The edge is repeated: the last pixels of the result lie beyond the centre of the last one.
    edged = jnp.pad(_bytes(x), ((0, 0), (0, 1), (0, 1), (0, 0)), mode="edge")
    shift = 0.5 - 0.5 * scale
    axes = (1, 2)
    resized = jax.image.scale_and_translate(
        edged, _shape(x, side), axes, scale, shift, "linear", antialias=False
    )
    return _centred(resized)


RESIZINGS: dict[str, Callable[[jax.Array, int], jax.Array]] = {
    "clean": clean,
    "torch": torch,
    "tensorflow": tensorflow,
}


def _shape(x: jax.Array, side: int) -> tuple[int, ...]:
    return (len(x), side, side, x.shape[-1])


def _bytes(x: jax.Array) -> jax.Array:
    return (x + 1) * 127.5


def _centred(x: jax.Array) -> jax.Array:
    return (x - 128) / 128
