"""Alternating-extrapolation play: each player answers an extrapolation of the other."""

from functools import partial
from typing import Any

import jax

from ganjax import checks
from ganjax.schemes.field import copies, finish_turns, move, own_gradient, start
from ganjax.schemes.fresh_batches import with_batches
from ganjax.types import Game, Players, Scheme


def alex(
    game: Game,
    tx: Players,
    *,
    gamma: float = 1.5,
    delta: float = 1.5,
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """x' = x - h grad_x L_gen(x, y~), then y' = y - h grad_y L_disc(x~', y).

    Alex-GDA (Lee, Cho and Yun 2024, arXiv:2402.10475): x~' = x + gamma (x' - x) and
    y~' = y + delta (y' - y); y~ is y at first. With any optax transforms the extrapolations scale
    their moves. (1, 1) is `alternating` with the generator first, (2, 1) is `prediction`, (1, 0)
    `simultaneous` from (x_1, y_0), the generator one move ahead. Each player's gradient draws new
    latents.

    On V = sigma x y, s = h sigma, the eigenvalues are those of
    [[1, 0, -s], [s, 1, -gamma s^2], [delta s, 1, -gamma delta s^2]]: with gamma = delta = 1.5 it
    converges where (1, 1) orbits, 0.994987 at s = 0.1.

    Args:
      gamma: length of the generator's extrapolation in its moves, at least 0.
      delta: length of the discriminator's.
      fresh_batches: as in `prediction`.

    Returns:
      Scheme; a step costs one gradient of each player, and the state holds one more copy of the
      discriminator's parameters.

    Raises:
      ValueError: a length is negative or not finite.
    """
    checks.within("[0, inf)", gamma=gamma, delta=delta)

    def step(state, part, rng):
        rng_gen, rng_disc = jax.random.split(rng)
        x, y = state.params
        at = state.params._replace(disc=state.memory), state.model_state, part(0), rng_gen
        gen = own_gradient(game, "gen", *at, axis_name)
        state = move(tx, "gen", state, *gen)
        ahead = state.params._replace(gen=_ahead(x, state.params.gen, gamma))
        disc = own_gradient(game, "disc", ahead, state.model_state, part(1), rng_disc, axis_name)
        state = move(tx, "disc", state, *disc)
        state = state._replace(memory=_ahead(y, state.params.disc, delta))
        return finish_turns(state, gen, disc)

    init = partial(start, game, tx, memory=lambda params: copies(params.disc))
    return with_batches(init, step, count=2, fresh=fresh_batches)


def _ahead(before: Any, now: Any, length: float) -> Any:
    return jax.tree.map(lambda past, new: past + length * (new - past), before, now)
