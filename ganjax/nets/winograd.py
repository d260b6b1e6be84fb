"""Convolutions of stride 1 with few multiplications: Winograd's minimal filtering F(2x2, rxr).

Two neighbouring outputs of a filter of r taps take r + 1 products instead of 2r, in images
(r + 1)^2 instead of 4 r^2 (Lavin & Gray 2016, arXiv:1509.09308, section 4): 9 for 16 with r = 2,
16 for 36 with r = 3. A product is one of matrices, over all tiles of 2x2 outputs and all channels.
"""

from collections.abc import Sequence
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


def _combined(matrix: Sequence[Sequence[float]], parts: Sequence[jax.Array]) -> list[jax.Array]:
    """A small matrix M times a vector of arrays."""

    def total(row):
        terms = [(factor, part) for factor, part in zip(row, parts, strict=True) if factor]
        (factor, part), *rest = terms
        found = part if factor == 1 else factor * part
        for factor, part in rest:
            term = part if abs(factor) == 1 else abs(factor) * part
            found = found + term if factor > 0 else found - term
        return found

    return [total(row) for row in matrix]


def _transposed(grid: Sequence[Sequence]) -> list[tuple]:
    return list(zip(*grid, strict=True))


def _on_both_sides(matrix: Sequence[Sequence[float]], grid: Sequence) -> Grid:
    """M g M^T of a small grid g of arrays."""
    rows = _transposed([_combined(matrix, column) for column in _transposed(grid)])
    return [_combined(matrix, row) for row in rows]


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


def _taken(x: jax.Array, count: int) -> Grid:
    """Every second pixel of [b, h, w, c], from each of the first `count` rows and columns on."""
    h, w = ((side - count) // 2 * 2 + 1 for side in x.shape[1:3])
    return [[x[:, i : i + h : 2, j : j + w : 2] for j in range(count)] for i in range(count)]


def _joined(grid: Grid) -> jax.Array:
    """2 x 2 arrays [b, h, w, c] as one [b, 2h, 2w, c], interleaved."""
    b, h, w, c = grid[0][0].shape
    return jnp.stack([jnp.stack(row, 3) for row in grid], 2).reshape(b, 2 * h, 2 * w, c)


def _put(grid: Grid) -> jax.Array:
    """The transpose of `_taken`: arrays added up where they were taken from."""
    count = len(grid)

    def shifted(part, i, j):  # entry (i, j) of a tile lies in the tile (i // 2, j // 2) on
        return jnp.pad(part, ((0, 0), (i // 2, 1 - i // 2), (j // 2, 1 - j // 2), (0, 0)))

    sides = [
        [
            sum(shifted(grid[i][j], i, j) for i in range(p, count, 2) for j in range(q, count, 2))
            for q in (0, 1)
        ]
        for p in (0, 1)
    ]
    x = _joined(sides)
    return x[:, : x.shape[1] - count % 2, : x.shape[2] - count % 2]


def convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolution without padding: [b, h + r - 1, w + r - 1, c], [r, r, c, f] -> [b, h, w, f].

    Args:
      x: images.
      kernel: of a number r of taps in `FILTERINGS`.
    """
    filtering, r = FILTERINGS[kernel.shape[0]], kernel.shape[0]
    tiles = _on_both_sides(filtering.data, _taken(_evened(x, r), r + 1))
    products = _products(tiles, _on_both_sides(filtering.taps, kernel))
    y = _joined(_on_both_sides(filtering.outputs, products))
    return y[:, : x.shape[1] - r + 1, : x.shape[2] - r + 1]


def transpose(y: jax.Array, kernel: jax.Array) -> jax.Array:
    """The transpose of `convolve` in x: [b, h, w, f], [r, r, c, f] -> [b, h + r - 1, w + r - 1, c].

    Args:
      y: images.
      kernel: of a number r of taps in `FILTERINGS`.
    """
    filtering, r = FILTERINGS[kernel.shape[0]], kernel.shape[0]
    tiles = _on_both_sides(_transposed(filtering.outputs), _taken(_evened(y, 1), 2))
    weights = _on_both_sides(filtering.taps, kernel.swapaxes(2, 3))
    x = _put(_on_both_sides(_transposed(filtering.data), _products(tiles, weights)))
    return x[:, : y.shape[1] + r - 1, : y.shape[2] + r - 1]
