"""The proximal point method: an implicit step, found by fixed-point iteration."""

from functools import partial

import jax

from ganjax.schemes.field import field, finish, move_both, start
from ganjax.types import Game, Players, Scheme


def proximal(
    game: Game, tx: Players, *, iterations: int = 10, axis_name: str | None = None
) -> Scheme:
    """z' = z - h F(z'), the implicit Euler step (Rockafellar 1976).

    The equation is solved by `iterations` of w <- z - h F(w) from w = z, each an optax move from z
    with the optimiser's state of z. One iteration is simultaneous play, two are extragradient
    (Mokhtari et al. 2020, arXiv:1901.08511). They settle if h times the Lipschitz constant of F is
    below 1, and the remainder shrinks by that factor each.

    On V = sigma x y, s = h sigma, the exact step has the spectral radius 1 / sqrt(1 + s^2) and
    converges for every h; the iterations settle for s < 1.

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      iterations: gradients of each player a step, at least 1.
      axis_name: mapped device axis over which gradients are averaged; None for none.

    Returns:
      Scheme; its metrics are those at the last point but one.

    Raises:
      ValueError: fewer than one iteration.
    """
    if iterations < 1:
        raise ValueError(f"iterations={iterations} must be at least 1")

    def step(state, batch, rng):
        at = field(game, state, batch, rng, axis_name)

        def iterate(params, _):
            return move_both(tx, state, *at(params)).params, None

        params, _ = jax.lax.scan(iterate, state.params, length=iterations - 1)
        gradients, losses = at(params)
        return finish(tx, state, gradients, gradients, losses, evaluations=iterations)

    return Scheme(init=partial(start, game, tx), step=step)
