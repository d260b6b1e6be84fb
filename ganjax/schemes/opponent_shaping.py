"""Opponent shaping: each player descends against the other's anticipated step."""

from functools import partial

import jax
import optax

from ganjax import checks
from ganjax.schemes.field import finish, own_gradient, paired, start
from ganjax.schemes.fresh_batches import with_batches
from ganjax.types import Game, Players, Scheme

OTHER = {"gen": "disc", "disc": "gen"}


def opponent_shaping(
    game: Game,
    tx: Players,
    *,
    lookahead_lr: float,
    shaping: bool = True,
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """Each descends L_i(z_i, z_j - a grad_j L_j(z)), differentiated through z_j's step as well.

    LOLA (Foerster et al. 2018, section 4, without its Taylor expansion, arXiv:1709.04326), with
    a = `lookahead_lr`. Without `shaping` the anticipated step is held fixed: LookAhead of Zhang and
    Lesser 2010 (see Letcher et al. 2019, arXiv:1811.08469).

    On V = x y with both steps h and a = h the spectral radius is sqrt(1 - 3 h^2 + 4 h^4) with
    shaping and sqrt(1 - h^2 + h^4), that of `extragradient`, without: both converge for small h.

    Args:
      lookahead_lr: step a that each expects the other to make, at least 0.
      shaping: whether a player takes into account how its own move changes the other's step.
      fresh_batches: as in `extragradient`; the first of 2 sub-batches is that of the anticipated
        steps.

    Returns:
      Scheme; a step costs two gradients of each player and, with shaping, two Jacobian products.
      Its metrics and model states are those at the anticipated points.

    Raises:
      ValueError: the step is negative or not finite.
    """
    checks.within("[0, inf)", lookahead_lr=lookahead_lr)

    def step(state, part, rng):
        rng_step, rng_loss = jax.random.split(rng) if fresh_batches else (rng, rng)

        def shaped(player):
            other = OTHER[player]

            def anticipated(params):
                at = params, state.model_state, part(0), rng_step, axis_name
                gradient, _ = own_gradient(game, other, *at)
                moved = optax.tree.add_scale(getattr(params, other), -lookahead_lr, gradient)
                return params._replace(**{other: moved}), state.model_state

            through = anticipated if shaping else None
            at = (state.params, state.model_state) if shaping else anticipated(state.params)
            return own_gradient(game, player, *at, part(1), rng_loss, axis_name, through=through)

        gradients, losses = paired(shaped("gen"), shaped("disc"))
        products = 2 if shaping else 0
        return finish(tx, state, gradients, gradients, losses, evaluations=2, products=products)

    return with_batches(partial(start, game, tx), step, count=2, fresh=fresh_batches)
