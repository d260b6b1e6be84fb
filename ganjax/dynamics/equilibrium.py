"""Distance from an equilibrium: gains of a best response, duality gaps, monitors.

`game`, `state`, `batch` and `rng` are as in `dynamics.field`; `tx` is a `Players` of optax
transforms. Options out of range raise a ValueError.

A monitor is a pure function `(state, batch, rng, means) -> metrics`, the means being those of the
steps' metrics since its last call. Training may stop when its `monitor/stop` is 1.0.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganjax.checks import whole, within
from ganjax.dynamics.field import player_value
from ganjax.types import Game, GanState, Players


def distance_to_equilibrium(params: Players, equilibrium: Players | None = None) -> jax.Array:
    """Euclidean distance over both players' parameters, in their units.

    Args:
      params: `Players` of pytrees.
      equilibrium: the same structure; the origin if None, the equilibrium of the toy games.
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
    """The decrease of each player's loss under its optimiser, the other player held fixed.

    The best of `steps` steps from the present point, so that a gain is never negative; losses that
    overflow on the way are left out. All steps have the same batch and draw; a rate that follows
    the run's steps stays at that of the state's step. A lower bound of the gain of a best response:
    0 at a Nash point, and wherever this optimiser cannot leave.

    Args:
      game, tx, state, batch, rng: as above.
      steps: optimiser steps of each player, at least 1.
      opt_state: initial states of the transforms; freshly initialised if None.

    Returns:
      `Players` of scalars, in units of the losses.
    """
    whole(1, steps=steps)

    def gain(player):
        transform = optax.with_extra_args_support(getattr(tx, player))
        loss = partial(player_value(game, state, batch, rng), player=player, params=state.params)

        def improve(carry, _):
            params, opt_state = carry
            value, gradient = jax.value_and_grad(loss)(params)
            updates, opt_state = transform.update(gradient, opt_state, params, step=state.step)
            return (optax.apply_updates(params, updates), opt_state), value

        params = getattr(state.params, player)
        begin = transform.init(params) if opt_state is None else getattr(opt_state, player)
        (params, _), values = jax.lax.scan(improve, (params, begin), length=steps)
        values = jnp.append(values, loss(params))
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

    Grnarova et al. 2019 (arXiv:1811.05512). The sum of `best_response_gains`, and so defined for
    any game; exact gaps are `box_duality_gap` and `matrix_duality_gap`. At a saddle the gradient is
    0 and the optimisers find no gain: start them beside it.
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
      game: with losses linear in their player's parameters, e.g. `bilinear`.
      state, batch, rng: as above, with parameters within the box.
      radius: half the side of the box, greater than 0.

    Returns:
      Scalar, at least 0 within the box.
    """
    within("(0, inf)", radius=radius)

    def gain(player):
        loss = partial(player_value(game, state, batch, rng), player=player, params=state.params)
        params = getattr(state.params, player)
        gradient = jax.grad(loss)(params)
        return optax.tree.vdot(gradient, params) + radius * optax.tree.norm(gradient, ord=1)

    return gain("gen") + gain("disc")


def matrix_duality_gap(payoff: Any, rows: jax.Array, columns: jax.Array) -> jax.Array:
    """max_j (p^T A)_j - min_i (A q)_i, the exact gap of two mixtures in a matrix game.

    Args:
      payoff: A [rows, columns], the row player's loss and the column player's gain.
      rows: p, probabilities [rows].
      columns: q, probabilities [columns].

    Returns:
      Scalar, at least 0, and 0 at an equilibrium alone.
    """
    payoff = jnp.asarray(np.asarray(payoff, float), jnp.result_type(rows))
    return jnp.max(rows @ payoff) - jnp.min(payoff @ columns)


def nash_monitor(game: Game, tx: Players, *, steps: int = 10, threshold: float = 0.0) -> Callable:
    """`best_response_gains`, and a stop when both are small.

    Args:
      game, tx, steps: as in `best_response_gains`. The transforms start from the state's optimiser
        states, and so at the present point of a schedule, if these are of the same transforms; else
        freshly initialised.
      threshold: training may stop when neither player gains more, at least 0; 0 for never.

    Returns:
      A monitor, which needs no means: `gain/gen`, `gain/disc` and `monitor/stop`.
    """
    whole(1, steps=steps)
    within("[0, inf)", threshold=threshold, hint="0 never stops")

    def monitor(
        state: GanState, batch: Any, rng: jax.Array, means: Mapping[str, jax.Array] | None = None
    ) -> dict[str, jax.Array]:
        del means
        fresh = jax.eval_shape(
            lambda params: Players(tx.gen.init(params.gen), tx.disc.init(params.disc)), state.params
        )
        same = _signature(fresh) == _signature(state.opt_state)
        opt_state = state.opt_state if same else None
        gains = best_response_gains(game, tx, state, batch, rng, steps=steps, opt_state=opt_state)
        settled = jnp.maximum(gains.gen, gains.disc) <= threshold
        return {
            "gain/gen": gains.gen,
            "gain/disc": gains.disc,
            "monitor/stop": jnp.asarray(settled & (threshold > 0), float),
        }

    return monitor


def _signature(tree: Any) -> tuple:
    """Structure, shapes and dtypes of a pytree."""
    leaves, structure = jax.tree.flatten(tree)
    return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]


def measure_monitor(*, metric: str, threshold: float) -> Callable:
    """A stop when the mean of a metric over the last steps is small.

    E.g. BEGAN's measure of convergence, `convergence/disc` (Berthelot et al. 2017,
    arXiv:1703.10717, section 3.4.1). The mean, as one batch is noisy: in a run over `log_every`
    steps, the number in its `metrics.jsonl`.

    Args:
      metric: name of a metric of the steps.
      threshold: training may stop when the mean is at or below it, finite.

    Returns:
      A monitor, which needs the means alone: `monitor/stop`. It raises a ValueError, while traced,
      if the steps have no such metric.
    """
    within("(-inf, inf)", threshold=threshold)

    def monitor(
        state: GanState, batch: Any, rng: jax.Array, means: Mapping[str, jax.Array]
    ) -> dict[str, jax.Array]:
        del state, batch, rng
        if metric not in means:
            raise ValueError(
                f"the steps report no metric {metric!r} for the monitor; they report "
                f"{', '.join(sorted(means))}"
            )
        return {"monitor/stop": jnp.asarray(means[metric] <= threshold, float)}

    return monitor
