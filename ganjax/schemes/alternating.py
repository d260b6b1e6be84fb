"""Alternating gradient play, with any number of discriminator updates a step."""

from functools import partial

import jax
import jax.numpy as jnp

from ganjax import checks
from ganjax.schemes.field import finish_turns, start, turn
from ganjax.schemes.fresh_batches import with_batches
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
    update draws new latents.

    On V = sigma x y with step h and n updates the iterates stay on an orbit: the spectral radius is
    1 for n (h sigma)^2 < 4 (Gidel et al. 2019, arXiv:1807.04740; Bailey et al. 2020).

    Args:
      disc_updates: updates of the discriminator in a step, at least 1.
      first: the player that moves first, "disc" or "gen".
      fresh_batches: if True every leaf of a batch has a leading axis of `disc_updates` sub-batches,
        one for each update of the discriminator, and the generator sees the one nearest to its
        turn: the last if it moves after the discriminator, else the first. If False the same batch
        serves every update.

    Returns:
      Scheme; a step costs one gradient of the generator and `disc_updates` of the discriminator,
      whose metrics are those of its last update.

    Raises:
      ValueError: an option is out of range or, while tracing, a batch without the leading axis.
    """
    checks.whole(1, disc_updates=disc_updates)
    checks.one_of(("disc", "gen"), first=first)
    order = ("disc", "gen") if first == "disc" else ("gen", "disc")

    def step(state, part, rng):
        rng_gen, rng_disc = jax.random.split(rng)

        def gen_turn(state):
            nearest = part(-1 if first == "disc" else 0)
            return turn(game, tx, "gen", state, nearest, rng_gen, axis_name)

        def disc_turn(state):
            def update(state, indexed):
                index, rng = indexed
                return turn(game, tx, "disc", state, part(index), rng, axis_name)

            indexed = jnp.arange(disc_updates), jax.random.split(rng_disc, disc_updates)
            state, outcomes = jax.lax.scan(update, state, indexed)
            return state, jax.tree.map(lambda leaf: leaf[-1], outcomes)

        turns, outcomes = {"gen": gen_turn, "disc": disc_turn}, {}
        for player in order:
            state, outcomes[player] = turns[player](state)
        return finish_turns(state, **outcomes, disc_evaluations=disc_updates)

    init = partial(start, game, tx)
    return with_batches(init, step, count=disc_updates, fresh=fresh_batches)
