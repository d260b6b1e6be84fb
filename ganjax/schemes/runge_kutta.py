"""Runge-Kutta steps along the joint gradient flow."""

import math
from functools import partial

import jax
import optax

from ganjax.schemes.field import field, finish, start
from ganjax.types import Game, Players, Scheme

# order: (how far along the last slope each stage lies, in steps; weight of each stage's slope).
TABLEAUS = {
    2: ((0.0, 1.0), (1 / 2, 1 / 2)),
    4: ((0.0, 1 / 2, 1 / 2, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}


def runge_kutta(
    game: Game, tx: Players, *, lr: float, order: int = 4, axis_name: str | None = None
) -> Scheme:
    """One step of size `lr` along dz/dt = -F(z) (Qin et al. 2020, ODE-GAN, arXiv:2010.15040).

    Order 2 is Heun's method, z' = z - h (k_1 + k_2) / 2, k_1 = F(z), k_2 = F(z - h k_1); order 4 is
    the classical one. The stages follow the joint field, both players moving. The optax transform
    gets the mean slope: `optax.sgd(lr)` gives the method itself.

    On V = sigma x y, s = h sigma, the spectral radius is sqrt(1 + s^4 / 4) for order 2 and
    sqrt(1 - s^6 / 72 + s^8 / 576) for order 4: the flow is an orbit, which order 2 leaves outward
    and order 4 inward while s < 2 sqrt(2).

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      lr: step h of the stages, greater than 0.
      order: 2 or 4.
      axis_name: mapped device axis over which gradients are averaged; None for none.

    Returns:
      Scheme; a step costs `order` gradients of each player. Its metrics are those at z, the model
      state is that of the last stage.

    Raises:
      ValueError: another order, or a step that is not positive.
    """
    if order not in TABLEAUS:
        raise ValueError(f"order={order} must be 2 or 4")
    if not 0 < lr < math.inf:
        raise ValueError(f"lr={lr} must be finite and greater than 0")
    nodes, weights = TABLEAUS[order]

    def step(state, batch, rng):
        at = field(game, state, batch, rng, axis_name)
        slopes = []
        for node in nodes:
            point = optax.tree.add_scale(state.params, -lr * node, slopes[-1]) if slopes else None
            slope, losses = at(state.params if point is None else point)
            slopes.append(slope)
        direction = jax.tree.map(
            lambda *slope: sum(w * s for w, s in zip(weights, slope, strict=True)), *slopes
        )
        return finish(tx, state, direction, slopes[0], losses, evaluations=order)

    return Scheme(init=partial(start, game, tx), step=step)
