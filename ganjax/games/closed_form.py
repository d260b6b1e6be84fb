"""Shared by games in closed form: a start, and losses of the two players' arrays alone."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.types import Game, Loss, Needs, Players


def numbers(name: str, value: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    """An argument as a float array of the given shape, None standing for any length of at least 1.

    Raises:
      ValueError: it is no such array of finite numbers.
    """
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError):
        array = np.full((), np.nan)
    fits = array.ndim == len(shape) and all(
        have >= 1 if want is None else have == want
        for have, want in zip(array.shape, shape, strict=False)
    )
    if not fits or not np.isfinite(array).all():
        wanted = " x ".join("n" if want is None else str(want) for want in shape)
        wanted = f"{wanted} finite numbers" if shape else "a finite number"
        raise ValueError(f"{name}={value!r} must be {wanted}")
    return array


def starting_at(start: tuple[float, float], gen_dim: int, disc_dim: int) -> Callable:
    """An `init` that puts the players, arrays [gen_dim] and [disc_dim], at fixed coordinates.

    Raises:
      ValueError: the start is not two finite numbers.
    """
    gen, disc = numbers("start", start, (2,))
    return starting_with(np.full(gen_dim, gen), np.full(disc_dim, disc))


def starting_with(gen: Any, disc: Any) -> Callable:
    """An `init` that gives the players these coordinates."""

    def init(rng, batch=None):
        del rng, batch
        params = Players(gen=jnp.asarray(gen, float), disc=jnp.asarray(disc, float))
        return params, Players(gen=(), disc=())

    return init


NO_PACKING = "its losses are in closed form, without samples that could be joined"


def closed_form(
    init: Callable, values: Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]
) -> Game:
    """The game of `(gen, disc) -> (gen value, disc value)`: no batch, randomness or model state."""

    def game_losses(params, model_state, batch, rng):
        del batch, rng
        gen, disc = values(params.gen, params.disc)
        return Players(gen=Loss(gen, model_state.gen, {}), disc=Loss(disc, model_state.disc, {}))

    return Game(init, game_losses, needs=Needs(no_packing=NO_PACKING))


def zero_sum(value: Callable[[Any, Any], jax.Array], start: tuple[Any, Any]) -> Game:
    """The game of any V(x, y) of pytrees: the generator x descends it, the discriminator y ascends.

    Args:
      value: V, a function of both players' parameters, scalar.
      start: (x, y) at the start, pytrees of arrays or numbers.

    Returns:
      Game without batch or randomness; params are `Players` of float arrays in these pytrees.

    Raises:
      ValueError: the start is not a pair.
    """
    if not isinstance(start, tuple | list) or len(start) != 2:
        raise ValueError(f"start={start!r} must be a pair: parameters of x, of y")

    def init(rng, batch=None):
        del rng, batch
        # New buffers, as a state is donated.
        params = jax.tree.map(lambda leaf: jnp.array(leaf, jnp.result_type(leaf, float)), start)
        return Players(*params), Players(gen=(), disc=())

    def values(x, y):
        outcome = value(x, y)
        return outcome, -outcome

    return closed_form(init, values)
