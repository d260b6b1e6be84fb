"""Anchored extragradient: a pull to the start that fades."""

import jax
import jax.numpy as jnp

from ganjax.schemes.field import field, finish, move_both, start
from ganjax.types import Game, Players, Scheme


def anchored(game: Game, tx: Players, *, axis_name: str | None = None) -> Scheme:
    """z_half = z + b (z_0 - z) - h F(z), z' = z + b (z_0 - z) - h F(z_half), b = 1 / (k + 2).

    EAG-C (Yoon and Ryu 2021, section 2.1, arXiv:2102.07922); k counts steps from 0, z_0 is the
    start. The optax transforms make both moves from z + b (z_0 - z), as in `extragradient`. On a
    smooth convex-concave game |F(z_k)|^2 falls as 1 / k^2 for the last iterate, the best possible
    order.

    On V = x y the map changes from step to step and has no spectral radius; |F|^2 (k + 2)^2
    stays bounded.

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      axis_name: mapped device axis over which gradients are averaged; None for none.

    Returns:
      Scheme; a step costs two gradients of each player, and the state holds one more copy of the
      parameters. Its metrics are those at z_half.
    """

    def init(rng, batch=None):
        state = start(game, tx, rng, batch)
        # A copy: a donated state must not hold one buffer twice.
        return state._replace(memory=jax.tree.map(jnp.copy, state.params))

    def step(state, batch, rng):
        at = field(game, state, batch, rng, axis_name)
        pull = 1 / (jnp.asarray(state.step, float) + 2)
        gradients, losses = at(state.params)
        params = jax.tree.map(
            lambda now, anchor: now + pull.astype(now.dtype) * (anchor - now),
            state.params,
            state.memory,
        )
        state = state._replace(params=params)
        half = move_both(tx, state, gradients, losses)
        gradients, losses = at(half.params)
        state = state._replace(opt_state=half.opt_state)
        return finish(tx, state, gradients, gradients, losses, evaluations=2)

    return Scheme(init=init, step=step)
