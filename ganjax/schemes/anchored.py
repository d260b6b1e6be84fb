"""Anchored extragradient: a pull to the start that fades."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganjax.schemes.field import copies, fields, finish, move_both, start
from ganjax.schemes.fresh_batches import with_batches
from ganjax.types import Game, Players, Scheme


class Anchor(NamedTuple):
    """The start, to which the players are pulled, and the steps made from there (int32 scalar).

    The state's step will not do: it goes on where a stage grows, which is a new start.
    """

    params: Players
    steps: jax.Array


def anchored(
    game: Game, tx: Players, *, fresh_batches: bool = False, axis_name: str | None = None
) -> Scheme:
    """z_half = z + b (z_0 - z) - h F(z), z' = z + b (z_0 - z) - h F(z_half), b = 1 / (k + 2).

    EAG-C (Yoon and Ryu 2021, section 2.1, arXiv:2102.07922); k counts steps from 0 and z_0 is the
    start, both of the present stage. The optax transforms make both moves from
    z + b (z_0 - z), as in `extragradient`. On a smooth convex-concave game |F(z_k)|^2 falls as
    1 / k^2 for the last iterate, the best possible order.

    On V = x y the map changes from step to step and has no spectral radius; |F|^2 (k + 2)^2
    stays bounded.

    Args:
      fresh_batches: as in `extragradient`.

    Returns:
      Scheme; a step costs two gradients of each player, and the state holds one more copy of the
      parameters. Its metrics are those at z_half.
    """

    def step(state, part, rng):
        at = fields(game, state, part, rng, axis_name, fresh=fresh_batches)
        gradients, losses = at(state.params, 0)
        anchor, pull = state.memory.params, 1 / (state.memory.steps.astype(float) + 2)
        pulled = optax.incremental_update(anchor, state.params, pull)
        state = state._replace(
            params=optax.tree.cast_like(pulled, state.params),
            memory=Anchor(anchor, state.memory.steps + 1),
        )
        half = move_both(tx, state, gradients, losses)
        gradients, losses = at(half.params, 1)
        state = state._replace(opt_state=half.opt_state)
        return finish(tx, state, gradients, gradients, losses, evaluations=2)

    def anchor(params):
        return Anchor(copies(params), jnp.zeros((), jnp.int32))

    return with_batches(partial(start, game, tx, memory=anchor), step, count=2, fresh=fresh_batches)
