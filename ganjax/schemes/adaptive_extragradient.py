"""Extragradient of weak Minty games: the second move, or both, adapt to the field."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from ganjax import checks
from ganjax.schemes.field import device_mean, field, finish, start
from ganjax.types import Game, Players, Scheme

KINDS = ("adaptive", "curvature")


def adaptive_extragradient(
    game: Game,
    tx: Players,
    *,
    lr: float = 0.1,
    kind: str = "adaptive",
    margin: float = 0.99,
    iterations: int = 10,
    project: Callable[[Players], Players] | None = None,
    axis_name: str | None = None,
) -> Scheme:
    """z_bar = P(z - g F(z)), z' = z + a d, d = (z_bar - z) - g (F(z_bar) - F(z)).

    Pethick et al. 2022, algorithms 1 and 2 (ICLR 2022, arXiv:2302.09831), with the weight
    a = <z_bar - z, d> / |d|^2 - margin lr / (2 g):

    * "adaptive", AdaptiveEG+: g = lr, which is 1 / L, L a Lipschitz constant of F.
    * "curvature", CurvatureEG+: g = margin / |J(z)| by power iteration, halved until
      g |F(z_bar) - F(z)| <= margin |z_bar - z|; longer where the field turns slowly.

    The optax transforms get -a d / lr: `optax.sgd(lr)` gives the method, another rate its
    relaxation.

    On V = sigma x y, s = lr sigma, kind "adaptive" shrinks |z| by sqrt((1 - a s^2)^2 + (a s)^2)
    every step, a = 1 / (1 + s^2) - margin / 2. The step has no derivative at the equilibrium.

    Args:
      lr: greater than 0.
      kind: "adaptive" or "curvature".
      margin: greater than 0 and less than 1.
      iterations: of the power iteration, at least 1.
      project: P, onto the constraints of both players' parameters, which z itself may leave; None
        for no constraint.

    Returns:
      Scheme; a step costs two gradients of each player, with "curvature" one more for each halving
      and four Jacobian products an iteration. Its metrics are those at z_bar.

    Raises:
      ValueError: an option is out of range.
    """
    checks.within("(0, inf)", lr=lr)
    checks.within("(0, 1)", margin=margin)
    checks.one_of(KINDS, kind=kind)
    checks.whole(1, iterations=iterations)
    onto = project or (lambda params: params)

    def step(state, batch, rng):
        at = field(game, state, batch, rng, axis_name)
        slope, pull_back, _ = jax.vjp(at, state.params, has_aux=True)

        def tried(size, evaluations):
            bar = onto(optax.tree.add_scale(state.params, -size, slope))
            gradients, losses = at(bar)
            gap, turn = optax.tree.sub(bar, state.params), optax.tree.sub(gradients, slope)
            return size, evaluations, gap, turn, gradients, losses

        def too_far(outcome):
            size, _, gap, turn, *_ = outcome
            return size * optax.tree.norm(turn) > margin * optax.tree.norm(gap)

        if kind == "adaptive":
            outcome = tried(lr, 2)
        else:
            norm = _norm(at, pull_back, state.params, slope, iterations, axis_name)
            size = jnp.where(norm > 0, margin / jnp.where(norm > 0, norm, 1.0), lr)
            outcome = jax.lax.while_loop(
                too_far, lambda last: tried(last[0] / 2, last[1] + 1), tried(size, jnp.int32(2))
            )
        size, evaluations, gap, turn, gradients, losses = outcome
        d = optax.tree.add_scale(gap, -size, turn)
        square = optax.tree.norm(d, squared=True)
        weight = optax.tree.vdot(gap, d) / jnp.where(square > 0, square, 1.0)
        weight -= margin * lr / (2 * size)
        direction = optax.tree.cast_like(optax.tree.scale(-weight / lr, d), slope)
        products = 4 * iterations if kind == "curvature" else 0
        return finish(
            tx, state, direction, gradients, losses, evaluations=evaluations, products=products
        )

    return Scheme(init=partial(start, game, tx), step=step)


def _norm(
    at: Callable, pull_back: Callable, params: Players, first: Any, iterations: int, axis_name: Any
) -> jax.Array:
    """|J|, the largest singular value of the field's Jacobian, by power iteration on J^T J."""

    def body(vector, _):
        norm = optax.tree.norm(vector)
        unit = optax.tree.scale(1 / jnp.where(norm > 0, norm, 1.0), vector)
        unit = optax.tree.cast_like(unit, vector)
        image = jax.jvp(lambda p: at(p)[0], (params,), (unit,))[1]
        return device_mean(pull_back(image)[0], axis_name), optax.tree.norm(image)

    return jax.lax.scan(body, first, length=iterations)[1][-1]
