"""Anchored extragradient: a pull to the start that fades."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ganjax.schemes.field import field, finish, move_both, start
from ganjax.types import Game, Players, Scheme


class Anchor(NamedTuple):
    """The start that play is pulled to, and the steps made from there (int32 scalar).

    The state's own count will not do: it goes on where a stage grows, which is a start anew.
    """

    params: Players
    steps: jax.Array


def anchored(game: Game, tx: Players, *, axis_name: str | None = None) -> Scheme:
    """z_half = z + b (z_0 - z) - h F(z), z' = z + b (z_0 - z) - h F(z_half), b = 1 / (k + 2).

    EAG-C (Yoon and Ryu 2021, section 2.1, arXiv:2102.07922); k counts steps from 0, z_0 is the
    start; where play has stages, those of the stage. The optax transforms make both moves from
    z + b (z_0 - z), as in `extragradient`. On a smooth convex-concave game |F(z_k)|^2 falls as
    1 / k^2 for the last iterate, the best possible order.

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
        anchor = jax.tree.map(jnp.copy, state.params)
        return state._replace(memory=Anchor(anchor, jnp.zeros((), jnp.int32)))

    def step(state, batch, rng):
        at = field(game, state, batch, rng, axis_name)
        pull = 1 / (jnp.asarray(state.memory.steps, float) + 2)
        gradients, losses = at(state.params)
        params = jax.tree.map(
            lambda now, anchor: now + pull.astype(now.dtype) * (anchor - now),
            state.params,
            state.memory.params,
        )
        memory = state.memory._replace(steps=state.memory.steps + 1)
        state = state._replace(params=params, memory=memory)
        half = move_both(tx, state, gradients, losses)
        gradients, losses = at(half.params)
        state = state._replace(opt_state=half.opt_state)
        return finish(tx, state, gradients, gradients, losses, evaluations=2)

    return Scheme(init=init, step=step)
