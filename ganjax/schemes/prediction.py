"""The prediction method: the discriminator steps against the extrapolated generator."""

from functools import partial

import jax

from ganjax.schemes.field import finish_turns, move, own_gradient, start, turn
from ganjax.schemes.fresh_batches import with_batches
from ganjax.types import Game, Players, Scheme


def prediction(
    game: Game, tx: Players, *, fresh_batches: bool = False, axis_name: str | None = None
) -> Scheme:
    """x' = x - h grad_x L_gen(x, y), then y' = y - h grad_y L_disc(2 x' - x, y).

    Yadav et al. 2018 (arXiv:1705.07364). Each player's gradient draws new latents.

    On V = sigma x y, s = h sigma, the spectral radius is sqrt(1 - s^2) up to s = 1, where it is 0;
    it converges for s < 2 / sqrt(3).

    Args:
      fresh_batches: as in `extragradient`, of 2 sub-batches: the generator's, the discriminator's.

    Returns:
      Scheme; a step costs one gradient of each player.
    """

    def step(state, part, rng):
        rng_gen, rng_disc = jax.random.split(rng)
        before = state.params.gen
        state, gen = turn(game, tx, "gen", state, part(0), rng_gen, axis_name)
        ahead = jax.tree.map(lambda now, past: 2 * now - past, state.params.gen, before)
        at = state.params._replace(gen=ahead), state.model_state, part(1), rng_disc, axis_name
        disc = own_gradient(game, "disc", *at)
        return finish_turns(move(tx, "disc", state, *disc), gen, disc)

    return with_batches(partial(start, game, tx), step, count=2, fresh=fresh_batches)
