"""Games of a few parameters in closed form, to test schemes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import checks
from ganjax.games.closed_form import closed_form, numbers, starting_at, starting_with
from ganjax.types import Game

Matrix = Any  # an array or nested sequences of numbers


def bilinear(sigma: float = 1.0, dim: int = 1, start: tuple[float, float] = (1.0, 1.0)) -> Game:
    """V(x, y) = sigma * <x, y>: the generator x descends V, the discriminator y ascends it.

    Its equilibrium is the origin and its gradient flow an orbit around it, which conserves
    |x|^2 + |y|^2 (Goodfellow et al. 2014 onwards; Mescheder et al. 2017, arXiv:1705.10461).

    Args:
      sigma: strength of the interaction.
      dim: length of either player's vector, at least 1.
      start: first value of every coordinate of x and of y.

    Returns:
      Game without batch or randomness, as all of this file; params are `Players` of arrays [dim].

    Raises:
      ValueError: `dim` is less than 1, or a number is not finite.
    """
    checks.whole(1, dim=dim)
    numbers("sigma", sigma, ())

    def values(x, y):
        value = sigma * jnp.vdot(x, y)
        return value, -value

    return closed_form(starting_at(start, dim, dim), values)


def quadratic(
    gen_matrix: Matrix,
    disc_matrix: Matrix | None = None,
    gen_dim: int = 1,
    start: tuple[float, float] = (1.0, 1.0),
) -> Game:
    """L_gen = z^T M z / 2 and L_disc = z^T N z / 2 with z = (x, y): any linear gradient field.

    The rows of the game's Jacobian are those of M for x and those of N for y, so that every matrix
    whose diagonal blocks are symmetric is the Jacobian of such a game. The origin is stationary.

    Args:
      gen_matrix: M [dim, dim], symmetric.
      disc_matrix: N [dim, dim], symmetric; -M, a zero-sum game, if None.
      gen_dim: length of x, at least 1; the rest of z is y.
      start: as in `bilinear`.

    Returns:
      Game; params are `Players` of arrays [gen_dim], [dim - gen_dim].

    Raises:
      ValueError: a matrix is not square, not symmetric or not of the other's shape, or `gen_dim`
        leaves one player without coordinates.
    """
    m = numbers("gen_matrix", gen_matrix, (None, None))
    n = -m if disc_matrix is None else numbers("disc_matrix", disc_matrix, (None, None))
    for name, matrix in (("gen_matrix", m), ("disc_matrix", n)):
        if matrix.shape[0] != matrix.shape[1] or matrix.shape != m.shape:
            raise ValueError(
                f"{name} has shape {matrix.shape}; expected two square matrices of one size"
            )
        if not np.array_equal(matrix, matrix.T):
            raise ValueError(f"{name} must be symmetric, as second derivatives are")
    checks.whole(1, len(m) - 1, gen_dim=gen_dim, hint="both players need a part")

    def values(x, y):
        z = jnp.concatenate([x, y])
        return tuple(z @ jnp.asarray(matrix, z.dtype) @ z / 2 for matrix in (m, n))

    return closed_form(starting_at(start, gen_dim, len(m) - gen_dim), values)


def stackelberg(start: tuple[float, float] = (1.0, 1.0)) -> Game:
    """V(x, y) = -3 x^2 + 4 x y - y^2, x descends, y ascends (Wang et al. 2020, arXiv:1910.07512).

    The origin is a local minimax point, best for a leader x whose follower y answers y = 2 x with
    V(x, 2 x) = x^2, but no Nash point: against a fixed y, x gains by leaving. Simultaneous descent
    diverges from it, `follow_the_ridge` and long unrolling converge to it. `start` is (x, y).
    """
    return quadratic(((-6.0, 4.0), (4.0, -2.0)), start=start)


def matrix_game(
    payoff: Matrix,
    start: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
) -> Game:
    """V = p^T A q with p = softmax(x), q = softmax(y): x descends, y ascends (von Neumann 1928).

    The generator mixes rows, the discriminator columns. At an equilibrium neither gains by any
    other mixture; `dynamics.matrix_duality_gap` measures the distance of a pair from that.

    Args:
      payoff: A [rows, columns], the generator's loss and the discriminator's gain.
      start: logits of both players; all 0, the uniform mixtures, if None.

    Returns:
      Game; params are `Players` of logits [rows] and [columns].

    Raises:
      ValueError: the payoff is not a matrix of finite numbers, or the start does not fit it.
    """
    a = numbers("payoff", payoff, (None, None))
    start = (np.zeros(a.shape[0]), np.zeros(a.shape[1])) if start is None else start
    if not isinstance(start, tuple | list) or len(start) != 2:
        raise ValueError(f"start={start!r} must be a pair: logits of the rows, of the columns")
    start = [numbers("start", logits, (n,)) for logits, n in zip(start, a.shape, strict=True)]

    def values(x, y):
        value = jax.nn.softmax(x) @ jnp.asarray(a, x.dtype) @ jax.nn.softmax(y)
        return value, -value

    return closed_form(starting_with(*start), values)
