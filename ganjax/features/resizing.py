"""Images in [-1, 1] as the input of the Inception network, resized as each code of the FID does.

All are functions [n, h, w, c] -> [n, side, side, c]: a matrix for the rows of pixels and one for
the columns, in float64 before they are applied. They round nothing to 8 bits.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np


def clean(x: jax.Array, side: int) -> jax.Array:
    """Antialiased bicubic resizing as Pillow's (Parmar et al. 2022, arXiv:2104.11222).

    Keys' cubic kernel with a = -1/2; grey values outside 0 to 255 are clipped; 128 becomes 0.
    """
    return _centred(_resized(_grey(x), side, _bicubic).clip(0, 255))


def torch(x: jax.Array, side: int) -> jax.Array:
    """Bilinear interpolation that aligns the borders of images, not antialiased: pytorch-fid's."""
    return _resized(x, side, lambda length, side: _linear(length, _centres(length, side)))


def tensorflow(x: jax.Array, side: int) -> jax.Array:
    """Bilinear interpolation of the first FID (Heusel et al. 2017) and of torch-fidelity.

    It aligns the centres of the first pixels, so that images move by up to half a pixel; 128
    becomes 0.
    """
    return _centred(
        _resized(_grey(x), side, lambda n, side: _linear(n, np.arange(side) * (n / side)))
    )


RESIZINGS: dict[str, Callable[[jax.Array, int], jax.Array]] = {
    "clean": clean,
    "torch": torch,
    "tensorflow": tensorflow,
}


def _resized(x: jax.Array, side: int, matrix: Callable[[int, int], np.ndarray]) -> jax.Array:
    rows, columns = (jnp.asarray(matrix(length, side), jnp.float32) for length in x.shape[1:3])
    return jnp.einsum("ih,nhwc,jw->nijc", rows, x, columns, precision=jax.lax.Precision.HIGHEST)


def _centres(length: int, side: int) -> np.ndarray:
    """The centres of `side` pixels on a line of `length` pixels, the first of them at 0."""
    return (np.arange(side) + 0.5) * (length / side) - 0.5


def _linear(length: int, at: np.ndarray) -> np.ndarray:
    """Weights [len(at), length] of linear interpolation; beyond the ends the line is constant."""
    distances = np.arange(length) - at.clip(0, length - 1)[:, None]
    return (1 - np.abs(distances)).clip(0)


def _bicubic(length: int, side: int) -> np.ndarray:
    """Weights [side, length] of Keys' kernel (1981, equation 4), stretched when it shrinks."""
    distances = np.arange(length) - _centres(length, side)[:, None]
    d = np.abs(distances) / max(1, length / side)
    near = (1.5 * d - 2.5) * d**2 + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    weights = np.where(d < 1, near, np.where(d < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


def _grey(x: jax.Array) -> jax.Array:
    """-1 to 1 as 0 to 255."""
    return (x + 1) * 127.5


def _centred(x: jax.Array) -> jax.Array:
    return (x - 128) / 128
