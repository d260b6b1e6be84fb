"""Optimistic gradients: the gradient plus its last change."""

from functools import partial

import jax
import optax

from ganjax.schemes.field import field, finish, start
from ganjax.types import Game, Players, Scheme


def optimistic(game: Game, tx: Players, *, axis_name: str | None = None) -> Scheme:
    """z' = z - h (2 F(z) - F(z_prev)) (Daskalakis et al. 2018, arXiv:1711.00141).

    The optax transform gets 2 F(z) - F(z_prev). Before the first step F(z_prev) is 0, as in the
    paper, so that the first move is twice as long.

    On V = sigma x y, s = h sigma, the spectral radius is sqrt((1 + sqrt(1 - 4 s^2)) / 2) up to
    s = 1/2 and sqrt(1 + (2 s + sqrt(4 s^2 - 1))^2) / 2 beyond: it converges for s < 1/sqrt(3),
    fastest at s = 1/2 (Mokhtari et al. 2020, arXiv:1901.08511).

    Returns:
      Scheme; a step costs one gradient of each player, and the state holds one more.
    """

    def step(state, batch, rng):
        gradients, losses = field(game, state, batch, rng, axis_name)(state.params)
        direction = jax.tree.map(lambda now, past: 2 * now - past, gradients, state.memory)
        state = state._replace(memory=gradients)
        return finish(tx, state, direction, gradients, losses, evaluations=1)

    return Scheme(init=partial(start, game, tx, memory=optax.tree.zeros_like), step=step)
