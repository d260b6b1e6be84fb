"""Convolutions of stride 1 with few multiplications: Winograd's minimal filtering F(2x2, rxr).

Two neighbouring outputs of a filter of r taps take r + 1 products instead of 2r, in images
(r + 1)^2 instead of 4 r^2 (Lavin & Gray 2016, arXiv:1509.09308, section 4): 9 for 16 with r = 2,
16 for 36 with r = 3. A product is one of matrices, over all tiles of 2x2 outputs and all channels.
"""

import operator
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp


class Filtering(NamedTuple):
    """y = outputs [(taps g) * (data d)] for the inputs d of two outputs of one filter g.

    Attributes:
      data: B^T, [r + 1, r + 1].
      taps: G, [r + 1, r].
      outputs: A^T, [2, r + 1].
    """

    data: tuple[tuple[float, ...], ...]
    taps: tuple[tuple[float, ...], ...]
    outputs: tuple[tuple[float, ...], ...]


# By the number of taps. That of two has no factor but 1 and -1.
FILTERINGS = {
    2: Filtering(
        data=((1, -1, 0), (0, 1, 0), (0, 1, -1)),
        taps=((1, 0), (1, 1), (0, 1)),
        outputs=((1, 1, 0), (0, 1, -1)),
    ),
    3: Filtering(
        data=((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
        taps=((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
        outputs=((1, 1, 1, 0), (0, 1, -1, -1)),
    ),
}


Grid = list[list[jax.Array]]


def _sum(parts: Iterable[jax.Array]) -> jax.Array:
    return reduce(operator.add, parts)  # `sum` adds a zero first


def _combined(matrix: Sequence[Sequence[float]], parts: Sequence[jax.Array]) -> list[jax.Array]:
    """A small matrix M times a vector of arrays; every row's numbers are of one size."""

    def total(row):
        (size,) = {abs(factor) for factor in row if factor}
        more, less = (
            [part for factor, part in zip(row, parts, strict=True) if sign * factor > 0]
            for sign in (1, -1)
        )
        found = reduce(operator.sub, less, _sum(more)) if more else -_sum(less)
        return found if size == 1 else size * found

    return [total(row) for row in matrix]


def _transposed(grid: Sequence[Sequence]) -> list[tuple]:
    return list(zip(*grid, strict=True))


def _products(tiles: Grid, weights: Grid) -> Grid:
    """Matrix products over channels, entry by entry: [b, h, w, c], [c, f] -> [b, h, w, f]."""

    def product(tile, weight):
        rows = tile.reshape(-1, tile.shape[-1]) @ weight
        return rows.reshape(*tile.shape[:-1], -1)

    pairs = (zip(*rows, strict=True) for rows in zip(tiles, weights, strict=True))
    return [[product(*pair) for pair in row] for row in pairs]


def _evened(x: jax.Array, taps: int) -> jax.Array:
    """Zeros below and to the right, so that a filter has even numbers of outputs."""
    below, right = ((side - taps + 1) % 2 for side in x.shape[1:3])
    return jnp.pad(x, ((0, 0), (0, below), (0, right), (0, 0)))


def _tiles(matrix: Sequence[Sequence[float]], x: jax.Array) -> Grid:
    """M d M^T of the tiles d of [b, h, w, c], which begin at every second pixel, rows first."""
    count = len(matrix[0])

    def combined(x, axis):
        length = (x.shape[axis] - count) // 2 * 2 + 1
        taken = [jax.lax.slice_in_dim(x, i, i + length, 2, axis) for i in range(count)]
        return _combined(matrix, taken)

    return [combined(rows, 2) for rows in combined(x, 1)]


def _interleaved(parts: Sequence[jax.Array], axis: int) -> jax.Array:
    """Two arrays in turn along an axis, which becomes twice as long."""
    shape = list(parts[0].shape)
    shape[axis] *= 2
    return jnp.stack(parts, axis + 1).reshape(shape)


def _joined(matrix: Sequence[Sequence[float]], grid: Grid) -> jax.Array:
    """M g M^T of the numbers g of every tile, 2 x 2 pixels, as an image; columns first."""
    rows = [_interleaved(_combined(matrix, row), 2) for row in grid]
    return _interleaved(_combined(matrix, rows), 1)


def _put(matrix: Sequence[Sequence[float]], grid: Grid) -> jax.Array:
    """The transpose of `_tiles`: columns first, added up where they were taken from."""

    def spread(parts, axis):
        parts = _combined(_transposed(matrix), parts)

        def shifted(index):  # entry i of a tile lies in the tile i // 2 on
            wide = [(0, 0)] * 4
            wide[axis] = (index // 2, 1 - index // 2)
            return jnp.pad(parts[index], wide)

        sides = [_sum(map(shifted, range(p, len(parts), 2))) for p in (0, 1)]
        x = _interleaved(sides, axis)
        return jax.lax.slice_in_dim(x, 0, x.shape[axis] - len(parts) % 2, axis=axis)

    return spread([spread(row, 2) for row in grid], 1)


def _filters(matrix: Sequence[Sequence[float]], kernel: jax.Array) -> Grid:
    """M g M^T of a kernel g, [r, r, c, f]."""
    return [_combined(matrix, list(row)) for row in _combined(matrix, list(kernel))]


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolution without padding: [b, h + r - 1, w + r - 1, c], [r, r, c, f] -> [b, h, w, f].

    Args:
      x: images.
      kernel: of a number r of taps in `FILTERINGS`.
    """
    filtering, r = FILTERINGS[kernel.shape[0]], kernel.shape[0]
    tiles = _tiles(filtering.data, _evened(x, r))
    products = _products(tiles, _filters(filtering.taps, kernel))
    y = _joined(filtering.outputs, products)
    return y[:, : x.shape[1] - r + 1, : x.shape[2] - r + 1]


def transpose(y: jax.Array, kernel: jax.Array) -> jax.Array:
    """The transpose of `convolve` in x: [b, h, w, f], [r, r, c, f] -> [b, h + r - 1, w + r - 1, c].

    Args:
      y: images.
      kernel: of a number r of taps in `FILTERINGS`.
    """
    filtering, r = FILTERINGS[kernel.shape[0]], kernel.shape[0]
    tiles = _tiles(_transposed(filtering.outputs), _evened(y, 1))
    weights = _filters(filtering.taps, kernel.swapaxes(2, 3))
    x = _put(filtering.data, _products(tiles, weights))
    return x[:, : y.shape[1] + r - 1, : y.shape[2] + r - 1]
