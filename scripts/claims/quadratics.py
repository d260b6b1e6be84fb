"""Quadratic games of claims; of that about Alex-GDA the schemes with their grids, and the counts.

Its A, B and C share their bases, so that all games are played in these, where the matrices are
diagonal.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from claims.playing import both, each_done, first_done, squared
from ganjax import games, schemes
from ganjax.swept import Swept
from ganjax.types import Game, Scheme

MOST = 1000  # steps of a run, but for simultaneous play
POOL = 225  # random settings


class Grid(NamedTuple):
    """A scheme and the settings it is tuned over.

    Attributes:
      settings: array [chunks, n, numbers].
      make: `(game, setting) -> Scheme`.
      cost: gradients a step.
      most: steps of a run.
    """

    settings: np.ndarray
    make: Callable[[Game, jax.Array], Scheme]
    cost: int = 1
    most: int = MOST


def instances(mu: float, mu_xy: float, top: float, top_xy: float) -> tuple[np.ndarray, ...]:
    """Starts and diagonals (x0, y0, A, B, C), each [30, 100]."""
    rows = []
    for start in range(3):
        for of_game in range(10):
            draws = np.random.RandomState(start)
            x, y = (2 * draws.normal(size=100) for _ in "xy")
            draws = np.random.RandomState(of_game)
            u, v = (np.linalg.qr(draws.normal(size=(100, 100)))[0] for _ in "uv")
            a, c = (np.r_[mu, top, draws.uniform(mu, top, 98)] for _ in "ac")
            b = np.r_[top_xy, top_xy, draws.uniform(mu_xy, top_xy, 98)]
            rows.append((u.T @ x, v.T @ y, a, b, c))
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def grids(mu: float, mu_xy: float, top: float, top_xy: float) -> dict[str, Grid]:
    """The schemes by their published names; `Sim` is Alex-GDA with ratios 1 and 0, as published."""
    del mu_xy
    factors = np.arange(1, 16) / 10
    slow, rates = factors * min(mu / top**2, mu / top_xy**2), factors * min(1 / top, 1 / top_xy)
    pairs = np.array([(a, b) for a in rates for b in rates])
    unequal = pairs[pairs[:, 0] != pairs[:, 1]]
    ratios = np.arange(5, 31) / 10
    shapes = [(c, d) for c in ratios for d in ratios if (c, d) != (1, 1)]
    triples = np.array([[(rate, *shape) for shape in shapes] for rate in rates[::-1]])

    def alex(game, row):
        gamma, delta = (Swept(ratio, (0.0, *ratios)) for ratio in row[1:])
        return schemes.alex(game, both(optax.sgd(row[0])), gamma=gamma, delta=delta)

    def extragradient(game, row):
        return schemes.extragradient(game, both(optax.sgd(row[1])), reach=optax.sgd(row[0]))

    in_turn = partial(schemes.alternating, first="gen")
    return {
        "Sim": Grid(np.array([[(rate, 1, 0)] for rate in slow[::-1]]), alex, most=10**6),
        "Alt": Grid(rates[None, :, None], lambda game, row: in_turn(game, both(optax.sgd(row[0])))),
        "EG": Grid(pairs[None], extragradient, cost=2),
        "OGD": Grid(unequal[None], lambda g, row: schemes.simultaneous(g, both(past(*row)))),
        "AltOGD": Grid(unequal[None], lambda game, row: in_turn(game, both(past(*row)))),
        "Alex": Grid(triples, alex),
    }


def matrices(draws: np.random.Generator, samples: int, dim: int, low: float) -> np.ndarray:
    """Symmetric matrices [samples, dim, dim]: eigenvalues stretched to [low, 1], random bases.

    The bases are Q of QR decompositions, and left singular vectors where low is 0.
    """
    given = draws.uniform(size=(samples, dim, dim))
    basis = np.linalg.qr(given)[0] if low else np.linalg.svd(given)[0]
    values = draws.uniform(size=(samples, dim))
    values = low + (1 - low) * (values - values.min()) / np.ptp(values)
    return basis * values[:, None] @ basis.transpose(0, 2, 1)


def bilinear(draws: np.random.Generator, dim: int) -> tuple[np.ndarray, ...]:
    """Singular values, uniform in [1, 2], of a random matrix, and e_1 in its two bases."""
    first = (np.linalg.qr(draws.normal(size=(dim, dim)))[0][0] for _ in "xy")
    return draws.uniform(1, 2, dim), *first


def past(rate: float, weight: float) -> optax.GradientTransformation:
    """OGD with two rates: u = weight g_previous - rate g, g_previous 0 at first."""

    def update(gradient, last, params=None):
        del params
        moves = jax.tree.map(lambda now, old: weight * old - rate * now, gradient, last)
        return moves, gradient

    return optax.GradientTransformation(optax.tree.zeros_like, update)


def fewest(grid: Grid, cases: tuple[np.ndarray, ...], eps: float) -> np.ndarray:
    """Gradients to |x|^2 + |y|^2 < eps at the best setting for each game [30]; the start counts."""

    def of(game, done):
        return first_done(partial(grid.make, game), jnp.asarray(grid.settings), done, grid.most)

    return grid.cost * (_counted(of, cases, eps) + 1.0)


def drawn(grid: Grid, cases: tuple[np.ndarray, ...], eps: float) -> np.ndarray:
    """Gradients at 225 random settings of the grid, [30, 225]; those of 1,000 steps at least."""
    settings = grid.settings.reshape(-1, grid.settings.shape[-1])
    rows = jnp.asarray(settings[np.random.default_rng(0).integers(len(settings), size=POOL)])

    def of(game, done):
        return each_done(partial(grid.make, game), rows, done, MOST)

    return grid.cost * (_counted(of, cases, eps) + 1.0)


def _counted(of: Callable, cases: tuple[np.ndarray, ...], eps: float) -> np.ndarray:
    def one(instance):
        x, y, a, b, c = instance

        def value(x, y):
            return x @ (a * x) / 2 + x @ (b * y) - y @ (c * y) / 2

        game = games.zero_sum(value, (x, y))
        return of(game, lambda z: squared(z) < eps)

    return np.asarray(jax.jit(partial(jax.lax.map, one))(cases))
