"""Convolutions of stride 1 with few multiplications: Winograd's minimal filtering F(mxm, rxr).

m neighbouring outputs of a filter of r taps take m + r - 1 products instead of m r, in images
(m + r - 1)^2 instead of (m r)^2 (Lavin & Gray 2016, arXiv:1509.09308, section 4): with r = 3, 16
for 36 with m = 2 and 36 for 144 with m = 4. The products are of matrices, over all tiles of m x m
outputs and all channels. m = 4 also moves fewer numbers, with rounding errors three times as large.
"""

import operator
from collections.abc import Iterable, Sequence
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Matrix = Sequence[Sequence[float]]


class Filtering(NamedTuple):
    """y = outputs [(taps g) * (data d)] for the inputs d of m outputs of one filter g of r taps.

    Attributes:
      data: B^T, [m + r - 1, m + r - 1].
      taps: G, [m + r - 1, r].
      outputs: A^T, [m, m + r - 1].
    """

    data: Matrix
    taps: Matrix
    outputs: Matrix


# By (m, r). Factors of m = 2 are nearly all 1 and -1. (4, 3) is Toom and Cook's through the points
# 0, 2/3, -2/3, 3/2, -3/2, infinity; with 1 and 2, as is common, rounding errors are twice as large.
FILTERINGS = {
    (2, 2): Filtering(
        data=((1, -1, 0), (0, 1, 0), (0, 1, -1)),
        taps=((1, 0), (1, 1), (0, 1)),
        outputs=((1, 1, 0), (0, 1, -1)),
    ),
    (2, 3): Filtering(
        data=((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
        taps=((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
        outputs=((1, 1, 1, 0), (0, 1, -1, -1)),
    ),
    (4, 3): Filtering(
        data=(
            (1, 0, -97 / 36, 0, 1, 0),
            (0, -3 / 2, -9 / 4, 2 / 3, 1, 0),
            (0, 3 / 2, -9 / 4, -2 / 3, 1, 0),
            (0, -2 / 3, -4 / 9, 3 / 2, 1, 0),
            (0, 2 / 3, -4 / 9, -3 / 2, 1, 0),
            (0, 1, 0, -97 / 36, 0, 1),
        ),
        taps=(
            (1, 0, 0),
            (-81 / 130, -27 / 65, -18 / 65),
            (-81 / 130, 27 / 65, -18 / 65),
            (8 / 65, 12 / 65, 18 / 65),
            (8 / 65, -12 / 65, 18 / 65),
            (0, 0, 1),
        ),
        outputs=(
            (1, 1, 1, 1, 1, 0),
            (0, 2 / 3, -2 / 3, 3 / 2, -3 / 2, 0),
            (0, 4 / 9, 4 / 9, 9 / 4, 9 / 4, 0),
            (0, 8 / 27, -8 / 27, 27 / 8, -27 / 8, 1),
        ),
    ),
}


def convolve(x: jax.Array, kernel: jax.Array, outputs: int = 2) -> jax.Array:
    """Convolution without padding: [b, h + r - 1, w + r - 1, c], [r, r, c, f] -> [b, h, w, f].

    (outputs, r) = (m, r) is in `FILTERINGS`.
    """
    data, taps, joined = FILTERINGS[outputs, len(kernel)]
    y = _filtered(x, _weights(taps, kernel), outputs, data, joined)
    return y[:, : x.shape[1] - len(kernel) + 1, : x.shape[2] - len(kernel) + 1]


def transpose(y: jax.Array, kernel: jax.Array, outputs: int = 2) -> jax.Array:
    """The transpose of `convolve` in x: [b, h, w, f], [r, r, c, f] -> [b, h + r - 1, w + r - 1, c].

    By the transposed matrices in reverse order.
    """
    data, taps, joined = FILTERINGS[outputs, len(kernel)]
    before, after = (tuple(zip(*matrix, strict=True)) for matrix in (joined, data))
    x = _filtered(y, _weights(taps, kernel.swapaxes(2, 3)), outputs, before, after)
    return x[:, : y.shape[1] + len(kernel) - 1, : y.shape[2] + len(kernel) - 1]


@partial(jax.jit, static_argnums=(2, 3, 4))
def _filtered(
    x: jax.Array, weights: Sequence[jax.Array], outputs: int, before: Matrix, after: Matrix
) -> jax.Array:
    """Every tile combined by `before`, multiplied, combined by `after`: rows, then columns.

    The columns of a row are one array, for one batched product: separate ones take twice as long to
    compile. Under `jit`, equal layers are traced and differentiated once.

    Args:
      x: images [b, h, w, c].
      weights: of every row, [m + r - 1, c, f].
      outputs: m.
      before: [m + r - 1, entries of an input tile].
      after: [entries of an output tile, m + r - 1].
    """

    def row(x, weights):
        columns = jnp.stack(_combined(before, _entries(x, 2, outputs, len(before[0]))))
        count, *tiles, channels = columns.shape
        made = columns.reshape(count, -1, channels) @ weights
        made = _apart(made.reshape(count, *tiles, -1), 0)
        return _assembled(_combined(after, made), 2, outputs)

    rows = _combined(before, _entries(x, 1, outputs, len(before[0])))
    return _assembled(_combined(after, list(map(row, rows, weights))), 1, outputs)


def _weights(taps: Matrix, kernel: jax.Array) -> list[jax.Array]:
    """G g G^T of a kernel g [r, r, c, f]: for every row its columns, [m + r - 1, c, f]."""
    both, count = np.kron(taps, taps), len(taps)
    made = jnp.asarray(both, kernel.dtype) @ kernel.reshape(both.shape[1], -1)
    return _apart(made.reshape(count, count, *kernel.shape[2:]), 0)


def _sum(parts: Iterable[jax.Array]) -> jax.Array:
    return reduce(operator.add, parts)  # `sum` adds a zero first


def _combined(matrix: Matrix, parts: Sequence[jax.Array]) -> list[jax.Array]:
    """A small matrix times a vector of arrays; parts with one factor are added up first."""

    def scaled(row, size):
        more, less = (
            [part for factor, part in zip(row, parts, strict=True) if factor == sign * size]
            for sign in (1, -1)
        )
        found = reduce(operator.sub, less, _sum(more)) if more else -_sum(less)
        return found if size == 1 else size * found

    return [
        _sum(scaled(row, size) for size in sorted({abs(f) for f in row if f})) for row in matrix
    ]


def _apart(x: jax.Array, axis: int) -> list[jax.Array]:
    """The arrays along an axis; its transpose is one concatenation, that of slices a sum."""
    return [x.squeeze(axis) for x in jax.lax.split(x, (1,) * x.shape[axis], axis)]


def _entries(x: jax.Array, axis: int, outputs: int, count: int) -> list[jax.Array]:
    """The first to `count`-th entries of all tiles, which begin at every m-th pixel.

    Zeros at the end fill the last tile.
    """
    tiles = -(-(x.shape[axis] - count) // outputs) + 1
    further = (count - 1) // outputs
    sides = [(0, 0)] * x.ndim
    sides[axis] = (0, (tiles + further) * outputs - x.shape[axis])
    shape = (*x.shape[:axis], -1, outputs, *x.shape[axis + 1 :])
    phases = _apart(jnp.pad(x, sides).reshape(shape), axis + 1)
    return [
        jax.lax.slice_in_dim(phases[i % outputs], i // outputs, i // outputs + tiles, axis=axis)
        for i in range(count)
    ]


def _assembled(parts: Sequence[jax.Array], axis: int, outputs: int) -> jax.Array:
    """The transpose of `_entries`: entries of tiles are added up at their pixels."""
    further = (len(parts) - 1) // outputs

    def shifted(i):  # entry i of a tile lies i // m tiles further on
        sides = [(0, 0)] * parts[i].ndim
        sides[axis] = (i // outputs, further - i // outputs)
        return jnp.pad(parts[i], sides)

    phases = [_sum(map(shifted, range(p, len(parts), outputs))) for p in range(outputs)]
    shape = list(phases[0].shape)
    shape[axis] *= outputs
    x = jnp.stack(phases, axis + 1).reshape(shape)
    beyond = (further + 1) * outputs - len(parts)
    return jax.lax.slice_in_dim(x, 0, x.shape[axis] - beyond, axis=axis)
