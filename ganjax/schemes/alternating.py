"""Alternating gradient play, with any number of discriminator updates a step."""

from functools import partial

import jax
import jax.numpy as jnp

from ganjax.schemes.field import (
    check_sub_batches,
    move,
    own_gradient,
    start,
    sub_batch,
    summary,
)
from ganjax.types import Game, Players, Scheme


def alternating(
    game: Game,
    tx: Players,
    *,
    disc_updates: int = 1,
    first: str = "disc",
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """The players move in turn, each against the other's newest parameters.

    With the discriminator y first: y' = y - h grad_y L_disc(x, y), `disc_updates` times, then
    x' = x - h grad_x L_gen(x, y') (Goodfellow et al. 2014, algorithm 1, arXiv:1406.2661). Each
    update draws its own latents.

    On V = sigma x y with step h and n updates the iterates stay on an orbit: the spectral radius is
    1 for n (h sigma)^2 < 4 (Gidel et al. 2019, arXiv:1807.04740; Bailey et al. 2020).

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      disc_updates: updates of the discriminator in a step, at least 1.
      first: who moves first, "disc" or "gen".
      fresh_batches: if True every leaf of a batch has a leading axis of `disc_updates` sub-batches,
        one for each update of the discriminator, and the generator sees the one nearest to its
        turn: the last if it moves after the discriminator, else the first. If False the same batch
        serves every update.
      axis_name: mapped device axis over which gradients are averaged; None for none.

    Returns:
      Scheme; a step costs one gradient of the generator and `disc_updates` of the discriminator.
      Its metrics of the discriminator are those of its last update.

    Raises:
      ValueError: an option is out of range or, while tracing, a batch without the leading axis.
    """
    if disc_updates < 1:
        raise ValueError(f"disc_updates={disc_updates} must be at least 1")
    if first not in ("disc", "gen"):
        raise ValueError(f"first={first!r} must be 'disc' or 'gen'")

    part = partial(sub_batch, fresh=fresh_batches)
    check = partial(check_sub_batches, count=disc_updates, fresh=fresh_batches)

    def init(rng, batch=None):
        check(batch)
        return start(game, tx, rng, part(batch, 0))

    def gen_turn(state, batch, rng):
        gradient, loss = own_gradient(
            game, "gen", state.params, state.model_state, batch, rng, axis_name
        )
        return move(tx, "gen", state, gradient, loss), (gradient, loss)

    def disc_turn(state, batch, rng):
        def update(state, turn):
            index, rng = turn
            gradient, loss = own_gradient(
                game,
                "disc",
                state.params,
                state.model_state,
                part(batch, index),
                rng,
                axis_name,
            )
            return move(tx, "disc", state, gradient, loss), (gradient, loss)

        turns = (jnp.arange(disc_updates), jax.random.split(rng, disc_updates))
        state, outcomes = jax.lax.scan(update, state, turns)
        return state, jax.tree.map(lambda leaf: leaf[-1], outcomes)

    def step(state, batch, rng):
        check(batch)
        rng_gen, rng_disc = jax.random.split(rng)
        if first == "disc":
            state, (disc_gradient, disc_loss) = disc_turn(state, batch, rng_disc)
            state, (gen_gradient, gen_loss) = gen_turn(state, part(batch, -1), rng_gen)
        else:
            state, (gen_gradient, gen_loss) = gen_turn(state, part(batch, 0), rng_gen)
            state, (disc_gradient, disc_loss) = disc_turn(state, batch, rng_disc)
        metrics = summary(
            Players(gen=gen_gradient, disc=disc_gradient),
            Players(gen=gen_loss, disc=disc_loss),
            gen_evaluations=1,
            disc_evaluations=disc_updates,
        )
        return state._replace(step=state.step + 1), metrics

    return Scheme(init, step, batches=(disc_updates,) if fresh_batches else ())
