"""Reflected gradients: taken at the extrapolation of the last step."""

from functools import partial

import jax

from ganjax.schemes.field import copies, field, finish, start
from ganjax.types import Game, Players, Scheme


def reflected(game: Game, tx: Players, *, axis_name: str | None = None) -> Scheme:
    """z' = z - h F(2 z - z_prev) (Malitsky 2015, arXiv:1502.04968).

    On V = x y, as on every linear field, its spectral radius is that of `optimistic`. Before the
    first step z_prev is z.

    Returns:
      Scheme; a step costs one gradient of each player, and the state holds one more copy of the
      parameters. Its metrics are those at 2 z - z_prev.
    """

    def step(state, batch, rng):
        ahead = jax.tree.map(lambda now, past: 2 * now - past, state.params, state.memory)
        gradients, losses = field(game, state, batch, rng, axis_name)(ahead)
        state = state._replace(memory=state.params)
        return finish(tx, state, gradients, gradients, losses, evaluations=1)

    return Scheme(init=partial(start, game, tx, memory=copies), step=step)
