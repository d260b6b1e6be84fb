"""Runge-Kutta steps along the joint gradient flow."""

from functools import partial

import jax
import optax

from ganjax import checks
from ganjax.schemes.field import fields, finish, start
from ganjax.schemes.fresh_batches import with_batches
from ganjax.types import Game, Players, Scheme

# order: (how far along the last slope each stage lies, in steps; weight of each stage's slope).
TABLEAUS = {
    2: ((0.0, 1.0), (1 / 2, 1 / 2)),
    4: ((0.0, 1 / 2, 1 / 2, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}


def runge_kutta(
    game: Game,
    tx: Players,
    *,
    lr: float,
    order: int = 4,
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """One step of size `lr` along dz/dt = -F(z) (Qin et al. 2020, ODE-GAN, arXiv:2010.15040).

    Order 2 is Heun's method, z' = z - h (k_1 + k_2) / 2, k_1 = F(z), k_2 = F(z - h k_1); order 4 is
    the classical one. The stages follow the joint field, both players moving. The optax transform
    gets the mean slope: `optax.sgd(lr)` gives the method itself.

    On V = sigma x y, s = h sigma, the spectral radius is sqrt(1 + s^4 / 4) for order 2 and
    sqrt(1 - s^6 / 72 + s^8 / 576) for order 4: the flow is an orbit, which order 2 leaves outward
    and order 4 inward while s < 2 sqrt(2).

    Args:
      lr: step h of the stages, greater than 0.
      order: 2 or 4.
      fresh_batches: as in `extragradient`, of `order` sub-batches.

    Returns:
      Scheme; a step costs `order` gradients of each player. Its metrics are those at z, the model
      state is that of the last stage.

    Raises:
      ValueError: another order, or a step that is not positive.
    """
    checks.one_of(TABLEAUS, order=order)
    checks.within("(0, inf)", lr=lr)
    nodes, weights = TABLEAUS[order]

    def step(state, part, rng):
        at = fields(game, state, part, rng, axis_name, fresh=fresh_batches)
        slope, losses = at(state.params, 0)
        slopes = [slope]
        for index, node in enumerate(nodes[1:], 1):
            slope, losses = at(optax.tree.add_scale(state.params, -lr * node, slope), index)
            slopes.append(slope)
        direction = jax.tree.map(
            lambda *slope: sum(w * s for w, s in zip(weights, slope, strict=True)), *slopes
        )
        return finish(tx, state, direction, slopes[0], losses, evaluations=order)

    return with_batches(partial(start, game, tx), step, count=order, fresh=fresh_batches)
