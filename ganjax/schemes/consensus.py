"""Consensus optimisation: both players also lower the norm of the gradient field."""

from functools import partial

import jax
import optax

from ganjax import checks
from ganjax.schemes.field import device_mean, field, finish, start
from ganjax.types import Game, Players, Scheme


def consensus(
    game: Game, tx: Players, *, gamma: float = 1.0, axis_name: str | None = None
) -> Scheme:
    """z' = z - h (F + gamma J^T F)(z) (Mescheder et al. 2017, algorithm 2, arXiv:1705.10461).

    J^T F is the gradient of |F|^2 / 2. Paper: its F is the ascent direction, ours the descent
    direction, which changes the sign of both terms.

    On V = sigma x y with step h the spectral radius is sqrt((1 - h gamma sigma^2)^2 + h^2 sigma^2):
    it converges if h (1 + gamma^2 sigma^2) < 2 gamma. In general |F|^2 has stationary points that
    are not those of the game.

    Args:
      gamma: weight of |F|^2 / 2, at least 0; the paper takes 10 with steps of 1e-4.

    Returns:
      Scheme; a step costs one gradient of each player and two Jacobian products.

    Raises:
      ValueError: gamma is negative or not finite.
    """
    checks.within("[0, inf)", gamma=gamma)

    def step(state, batch, rng):
        at = field(game, state, batch, rng, axis_name)
        gradients, pull_back, losses = jax.vjp(at, state.params, has_aux=True)
        (pull,) = device_mean(pull_back(gradients), axis_name)
        direction = optax.tree.add_scale(gradients, gamma, pull)
        return finish(tx, state, direction, gradients, losses, evaluations=1, products=2)

    return Scheme(init=partial(start, game, tx), step=step)
