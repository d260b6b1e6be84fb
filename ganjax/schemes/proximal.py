"""The proximal point method: an implicit step, found by fixed-point iteration."""

from functools import partial

import jax
import jax.numpy as jnp

from ganjax import checks
from ganjax.schemes.field import fields, finish, move_both, start
from ganjax.schemes.fresh_batches import with_batches
from ganjax.types import Game, Players, Scheme


def proximal(
    game: Game,
    tx: Players,
    *,
    iterations: int = 10,
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """z' = z - h F(z'), the implicit Euler step (Rockafellar 1976).

    The equation is solved by `iterations` of w <- z - h F(w) from w = z, each an optax move from z
    with the optimiser's state of z. One iteration is simultaneous play, two are extragradient
    (Mokhtari et al. 2020, arXiv:1901.08511). They settle if h times the Lipschitz constant of F is
    below 1, and the remainder shrinks by that factor each.

    On V = sigma x y, s = h sigma, the exact step has the spectral radius 1 / sqrt(1 + s^2) and
    converges for every h; the iterations settle for s < 1.

    Args:
      iterations: gradients of each player a step, at least 1.
      fresh_batches: as in `extragradient`, of `iterations` sub-batches.

    Returns:
      Scheme; its metrics are those at the last point but one.

    Raises:
      ValueError: fewer than one iteration.
    """
    checks.whole(1, iterations=iterations)

    def step(state, part, rng):
        at = fields(game, state, part, rng, axis_name, fresh=fresh_batches)

        def iterate(params, index):
            return move_both(tx, state, *at(params, index)).params, None

        params, _ = jax.lax.scan(iterate, state.params, jnp.arange(iterations - 1))
        gradients, losses = at(params, iterations - 1)
        return finish(tx, state, gradients, gradients, losses, evaluations=iterations)

    return with_batches(partial(start, game, tx), step, count=iterations, fresh=fresh_batches)
