"""How far from an equilibrium: what each player could still gain, gaps, distances, monitors.

A monitor is a pure function `(state, batch, rng, means) -> metrics`, the means being those of the
steps' metrics since it looked last. Where its `monitor/stop` is 1.0, play may stop.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganjax.dynamics.field import own_value
from ganjax.types import Game, GanState, Players


def distance_to_equilibrium(params: Players, equilibrium: Players | None = None) -> jax.Array:
    """Euclidean distance over both players' parameters.

    Args:
      params: `Players` of pytrees.
      equilibrium: the same structure; the origin if None, where the toy games have theirs.

    Returns:
      Scalar, in units of the parameters.
    """
    return optax.tree.norm(params if equilibrium is None else optax.tree.sub(params, equilibrium))


def best_response_gains(
    game: Game,
    tx: Players,
    state: GanState,
    batch: Any = None,
    rng: jax.Array | None = None,
    *,
    steps: int = 10,
    opt_state: Players | None = None,
) -> Players:
    """How much each player lowers its loss by its own optimiser, the other one held fixed.

    The best of `steps` steps from the present point, so that a gain is never negative. All of them
    see the same batch and draw; losses that overflow on the way are left out. It bounds the gain of
    a best response from below: 0 at a Nash point, and wherever this optimiser cannot leave.
    A rate that follows the run's steps stays at that of the state's step.

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      state: parameters and model state at the point.
      batch: what the losses get; None for toys.
      rng: key for the losses; `jax.random.key(0)` if None.
      steps: optimiser steps of each player, at least 1.
      opt_state: where the transforms start from; freshly initialised if None.

    Returns:
      `Players` of scalars, in units of the losses.

    Raises:
      ValueError: fewer than one step.
    """
    if steps < 1:
        raise ValueError(f"steps={steps} must be at least 1")
    rng = jax.random.key(0) if rng is None else rng

    def gain(player):
        transform = optax.with_extra_args_support(getattr(tx, player))
        loss = partial(own_value(game, state, batch, rng), player=player, params=state.params)

        def improve(carry, _):
            own, opt_state = carry
            value, gradient = jax.value_and_grad(loss)(own)
            updates, opt_state = transform.update(gradient, opt_state, own, step=state.step)
            return (optax.apply_updates(own, updates), opt_state), value

        own = getattr(state.params, player)
        begin = transform.init(own) if opt_state is None else getattr(opt_state, player)
        (own, _), values = jax.lax.scan(improve, (own, begin), length=steps)
        values = jnp.append(values, loss(own))
        return values[0] - jnp.where(jnp.isfinite(values), values, jnp.inf).min()

    return Players(gen=gain("gen"), disc=gain("disc"))


def duality_gap(
    game: Game,
    tx: Players,
    state: GanState,
    batch: Any = None,
    rng: jax.Array | None = None,
    *,
    steps: int = 10,
) -> jax.Array:
    """max_y' V(x, y') - min_x' V(x', y), both found by `steps` optimiser steps from (x, y).

    Grnarova et al. 2019 (arXiv:1811.05512). It is the sum of `best_response_gains`, and
    so defined for any game; exact gaps are `box_duality_gap` and `matrix_duality_gap`. At a saddle
    the gradient is 0 and the optimisers do not find what there may be to gain: start them beside
    it.

    Args, returns and raises as `best_response_gains`, but the sum.
    """
    gains = best_response_gains(game, tx, state, batch, rng, steps=steps)
    return gains.gen + gains.disc


def box_duality_gap(
    game: Game,
    state: GanState,
    batch: Any = None,
    rng: jax.Array | None = None,
    *,
    radius: float = 1.0,
) -> jax.Array:
    """The exact duality gap on the box [-radius, radius]^n of a game linear in each player.

    A linear loss is smallest in the corner against its gradient g: a player at z gains
    <g, z> + radius |g|_1. On V = x y it is radius (|x| + |y|).

    Args:
      game: a game whose losses are linear in their own player's parameters, e.g. `bilinear`.
      state: parameters within the box, and model state.
      batch: what the losses get; None for toys.
      rng: key for the losses; `jax.random.key(0)` if None.
      radius: half the side of the box, greater than 0.

    Returns:
      Scalar, at least 0 within the box.

    Raises:
      ValueError: the radius is not positive.
    """
    if not radius > 0:
        raise ValueError(f"radius={radius} must be greater than 0")
    rng = jax.random.key(0) if rng is None else rng

    def gain(player):
        loss = partial(own_value(game, state, batch, rng), player=player, params=state.params)
        own = getattr(state.params, player)
        gradient = jax.grad(loss)(own)
        corner = optax.tree.sum(jax.tree.map(jnp.abs, gradient))
        return optax.tree.vdot(gradient, own) + radius * corner

    return gain("gen") + gain("disc")


def matrix_duality_gap(payoff: Any, rows: jax.Array, columns: jax.Array) -> jax.Array:
    """max_j (p^T A)_j - min_i (A q)_i, the exact gap of two mixtures in a matrix game.

    Args:
      payoff: A [rows, columns], what the row player loses and the column player gains.
      rows: p, probabilities [rows].
      columns: q, probabilities [columns].

    Returns:
      Scalar, at least 0, and 0 at an equilibrium alone.
    """
    payoff = jnp.asarray(np.asarray(payoff, float), jnp.result_type(rows))
    return jnp.max(rows @ payoff) - jnp.min(payoff @ columns)


def nash_monitor(game: Game, tx: Players, *, steps: int = 10, threshold: float = 0.0) -> Callable:
    """What each player could still gain, and whether that is so little that play may stop.

    Args:
      game: any game.
      tx: `Players` of optax transforms with which the players try. They start from the state's own
        optimiser states, and so at the present point of a schedule, if these are of the same
        transforms; else freshly initialised.
      steps: optimiser steps of each player's attempt, at least 1.
      threshold: play may stop when neither gains more than this, at least 0; 0 for never.

    Returns:
      A monitor, which needs no means: `gain/gen`, `gain/disc` and `monitor/stop`.

    Raises:
      ValueError: an option is out of range.
    """
    if steps < 1:
        raise ValueError(f"steps={steps} must be at least 1")
    if not threshold >= 0:
        raise ValueError(f"threshold={threshold} must be at least 0; 0 for never stopping")

    def monitor(
        state: GanState, batch: Any, rng: jax.Array, means: Mapping[str, jax.Array] | None = None
    ) -> dict[str, jax.Array]:
        del means
        fresh = jax.eval_shape(lambda p: Players(*map(_init, tx, p)), state.params)
        own = state.opt_state if _alike(fresh, state.opt_state) else None
        gains = best_response_gains(game, tx, state, batch, rng, steps=steps, opt_state=own)
        settled = jnp.maximum(gains.gen, gains.disc) <= threshold
        return {
            "gain/gen": gains.gen,
            "gain/disc": gains.disc,
            "monitor/stop": jnp.asarray(settled & (threshold > 0), float),
        }

    return monitor


def measure_monitor(*, metric: str, threshold: float) -> Callable:
    """Lets play stop when a metric of the game's, in the mean over the last steps, is small.

    E.g. BEGAN's measure of convergence, `convergence/disc` (Berthelot et al. 2017,
    arXiv:1703.10717, section 3.4.1). One batch is noisy, therefore the mean: a run's is over
    `log_every` steps, and is the number in its `metrics.jsonl`.

    Args:
      metric: name of a metric that the steps report.
      threshold: play may stop when the mean is at or below it, finite.

    Returns:
      A monitor, which looks at the means alone: `monitor/stop`.

    Raises:
      ValueError: the threshold is not finite or, while tracing, the steps report no such metric.
    """
    if not math.isfinite(threshold):
        raise ValueError(f"threshold={threshold} must be finite")

    def monitor(
        state: GanState, batch: Any, rng: jax.Array, means: Mapping[str, jax.Array]
    ) -> dict[str, jax.Array]:
        del state, batch, rng
        if metric not in means:
            raise ValueError(
                f"the steps report no metric {metric!r} for the monitor to watch; they report "
                f"{', '.join(sorted(means))}"
            )
        return {"monitor/stop": jnp.asarray(means[metric] <= threshold, float)}

    return monitor


def _init(transform, params):
    return transform.init(params)


def _alike(a: Any, b: Any) -> bool:
    """Whether two pytrees have the same structure, shapes and dtypes."""

    def signature(tree):
        leaves, structure = jax.tree.flatten(tree)
        return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]

    return signature(a) == signature(b)
