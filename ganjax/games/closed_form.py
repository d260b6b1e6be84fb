"""What games in closed form share: a start, and losses of the two players' arrays alone."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.types import Game, Loss, Players


def starting_at(start: tuple[float, float], gen_dim: int, disc_dim: int) -> Callable:
    """An `init` that puts the players, arrays [gen_dim] and [disc_dim], at fixed coordinates.

    Raises:
      ValueError: the start is not two numbers.
    """
    if len(start) != 2:
        raise ValueError(f"start={start} must be two numbers, one for each player")
    return starting_with(np.full(gen_dim, float(start[0])), np.full(disc_dim, float(start[1])))


def starting_with(gen: Any, disc: Any) -> Callable:
    """An `init` that gives the players these coordinates."""

    def init(rng, batch=None):
        del rng, batch
        params = Players(gen=jnp.asarray(gen, float), disc=jnp.asarray(disc, float))
        return params, Players(gen=(), disc=())

    return init


def closed_form(
    init: Callable, values: Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]
) -> Game:
    """The game of `(gen, disc) -> (gen value, disc value)`: no batch, randomness or model state."""

    def game_losses(params, model_state, batch, rng):
        del batch, rng
        gen, disc = values(params.gen, params.disc)
        return Players(gen=Loss(gen, model_state.gen, {}), disc=Loss(disc, model_state.disc, {}))

    return Game(init=init, losses=game_losses)
