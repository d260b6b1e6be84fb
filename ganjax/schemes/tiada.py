"""TiAda: AdaGrad of two players whose time scales separate by themselves."""

from functools import partial

import jax.numpy as jnp
import optax

from ganjax import checks
from ganjax.schemes.field import field, finish, start
from ganjax.types import Game, Players, Scheme


def tiada(
    game: Game,
    tx: Players,
    *,
    alpha: float = 0.6,
    beta: float = 0.4,
    accumulator: float = 1e-8,
    axis_name: str | None = None,
) -> Scheme:
    """x' = x - h F_x / max(v_x', v_y')^alpha, y' = y - h F_y / v_y'^beta, v_i' = v_i + |F_i|^2.

    Algorithm 1 of Li, Yang and He 2023 (arXiv:2210.17478). The steps h are those of `tx`, which
    gets F_i over its power of v: `optax.sgd(h)` gives the method, and schedules and constraints
    stay where they are for every scheme. AdaGrad of each player by itself is `simultaneous` with
    `optax.adagrad`: it converges or not by the ratio of the steps, TiAda at any.

    The sums v only grow, so that the map changes from step to step and has no spectral radius.

    Args:
      alpha: greater than `beta`, less than 1.
      beta: greater than 0.
      accumulator: v at the start, greater than 0.

    Returns:
      Scheme; a step costs one gradient of each player, and the state holds two more numbers.

    Raises:
      ValueError: an option is out of range.
    """
    checks.within("(0, 1)", alpha=alpha, beta=beta)
    checks.within("(0, inf)", accumulator=accumulator)
    if not beta < alpha:
        raise ValueError(f"alpha={alpha!r} must be greater than beta={beta!r}, e.g. 0.6 and 0.4")

    def step(state, batch, rng):
        gradients, losses = field(game, state, batch, rng, axis_name)(state.params)
        squares = Players(*(optax.tree.norm(own, squared=True) for own in gradients))
        sums = optax.tree.cast_like(optax.tree.add(state.memory, squares), state.memory)
        direction = Players(
            gen=optax.tree.scale(jnp.maximum(*sums) ** -alpha, gradients.gen),
            disc=optax.tree.scale(sums.disc**-beta, gradients.disc),
        )
        direction = optax.tree.cast_like(direction, gradients)
        state = state._replace(memory=sums)
        return finish(tx, state, direction, gradients, losses, evaluations=1)

    def memory(params):
        del params
        return Players(*(jnp.full((), accumulator, float) for _ in range(2)))

    return Scheme(init=partial(start, game, tx, memory=memory), step=step)
