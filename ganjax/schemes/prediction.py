"""The prediction method: the discriminator meets the generator where it is heading."""

from functools import partial

import jax

from ganjax.schemes.field import move, own_gradient, start, summary
from ganjax.types import Game, Players, Scheme


def prediction(game: Game, tx: Players, *, axis_name: str | None = None) -> Scheme:
    """x' = x - h grad_x L_gen(x, y), then y' = y - h grad_y L_disc(2 x' - x, y).

    Yadav et al. 2018 (arXiv:1705.07364). Each player's gradient draws its own latents.

    On V = sigma x y, s = h sigma, the spectral radius is sqrt(1 - s^2) up to s = 1, where it is 0;
    it converges for s < 2 / sqrt(3).

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      axis_name: mapped device axis over which gradients are averaged; None for none.

    Returns:
      Scheme; a step costs one gradient of each player.
    """

    def step(state, batch, rng):
        rng_gen, rng_disc = jax.random.split(rng)
        before = state.params.gen
        gen = own_gradient(game, "gen", state.params, state.model_state, batch, rng_gen, axis_name)
        state = move(tx, "gen", state, *gen)
        predicted = jax.tree.map(lambda now, past: 2 * now - past, state.params.gen, before)
        disc = own_gradient(
            game,
            "disc",
            state.params._replace(gen=predicted),
            state.model_state,
            batch,
            rng_disc,
            axis_name,
        )
        state = move(tx, "disc", state, *disc)
        gradients, losses = Players(gen[0], disc[0]), Players(gen[1], disc[1])
        metrics = summary(gradients, losses, gen_evaluations=1, disc_evaluations=1)
        return state._replace(step=state.step + 1), metrics

    return Scheme(init=partial(start, game, tx), step=step)
