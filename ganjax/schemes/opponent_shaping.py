"""Opponent shaping: each player descends against the other's anticipated step."""

import math
from functools import partial

import jax
import optax

from ganjax.schemes.field import device_mean, finish, losses_on_rows, own_gradient, start
from ganjax.types import Game, Players, Scheme

OTHER = {"gen": "disc", "disc": "gen"}


def opponent_shaping(
    game: Game,
    tx: Players,
    *,
    lookahead_lr: float,
    shaping: bool = True,
    axis_name: str | None = None,
) -> Scheme:
    """Each descends L_i(z_i, z_j - a grad_j L_j(z)), differentiated through z_j's step as well.

    LOLA (Foerster et al. 2018, section 4, without its Taylor expansion, arXiv:1709.04326), with
    a = `lookahead_lr`. Without `shaping` the anticipated step is held fixed: LookAhead of Zhang and
    Lesser 2010 (see Letcher et al. 2019, arXiv:1811.08469).

    On V = x y with both steps h and a = h the spectral radius is sqrt(1 - 3 h^2 + 4 h^4) with
    shaping and sqrt(1 - h^2 + h^4), that of `extragradient`, without: both converge for small h.

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      lookahead_lr: step a that each expects the other to make, at least 0.
      shaping: whether a player takes into account how its own move changes the other's step.
      axis_name: mapped device axis over which gradients are averaged; None for none.

    Returns:
      Scheme; a step costs two gradients of each player and, with shaping, two Jacobian products.
      Its metrics and model states are those at the anticipated points.

    Raises:
      ValueError: the step is negative or not finite.
    """
    if not 0 <= lookahead_lr < math.inf:
        raise ValueError(f"lookahead_lr={lookahead_lr} must be finite and at least 0")

    def step(state, batch, rng):
        def shaped(player):
            other = OTHER[player]

            def naive_step(params):
                gradient, _ = own_gradient(
                    game, other, params, state.model_state, batch, rng, axis_name
                )
                return optax.tree.add_scale(getattr(params, other), -lookahead_lr, gradient)

            fixed = None if shaping else naive_step(state.params)

            def value(own):
                params = state.params._replace(**{player: own})
                ahead = naive_step(params) if shaping else fixed
                params = params._replace(**{other: ahead})
                losses = losses_on_rows(game, params, state.model_state, batch, rng, axis_name)
                loss = getattr(losses, player)
                return loss.value, loss

            outcome = jax.grad(value, has_aux=True)(getattr(state.params, player))
            return device_mean(outcome, axis_name)

        gen, disc = shaped("gen"), shaped("disc")
        gradients, losses = Players(gen[0], disc[0]), Players(gen[1], disc[1])
        products = 2 if shaping else 0
        return finish(tx, state, gradients, gradients, losses, evaluations=2, products=products)

    return Scheme(init=partial(start, game, tx), step=step)
