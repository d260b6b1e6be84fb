"""Lookahead: slow weights of both players that follow the fast ones of any scheme."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from ganjax import checks
from ganjax.schemes.fresh_batches import with_batches
from ganjax.types import Game, Players, Scheme


def lookahead(
    game: Game,
    tx: Players,
    *,
    inner: Callable[..., Scheme],
    steps: int = 5,
    alpha: float = 0.5,
    fresh_batches: bool = False,
    axis_name: str | None = None,
) -> Scheme:
    """z' = z + alpha (w - z), w the point that `steps` steps of `inner` reach from z.

    Lookahead-minmax: the slow weights of both players move together (Chavdarova et al. 2021,
    algorithm 1, arXiv:2006.14567; Zhang et al. 2019, arXiv:1907.08610). One step is one move of the
    slow weights, so `state.step` grows by `steps`. Step i of the inner scheme draws from
    `jax.random.split(rng, steps)[i]`; its optimisers, model state and memory run on.

    On V = sigma x y, s = h sigma, over simultaneous play the spectral radius is
    |1 - alpha + alpha (1 - i s)^k|: for small s it converges if alpha < (k - 1) / k.

    Args:
      inner: factory `(game, tx, axis_name=...) -> Scheme`; bind options by `functools.partial`.
      steps: inner steps k a step, at least 1.
      alpha: greater than 0 and at most 1; 1 is k steps of `inner`.
      fresh_batches: if True every leaf of a batch has a leading axis of `steps` sub-batches, one
        for each inner step; if False the same batch serves all.

    Returns:
      Scheme; a step costs as much as its inner steps. Its metrics are those of the last of them,
      evaluations added up.

    Raises:
      ValueError: an option is out of range or, while tracing, a batch without the leading axis.
    """
    checks.whole(1, steps=steps)
    checks.within("(0, 1]", alpha=alpha, hint="e.g. 0.5")
    scheme = inner(game, tx, axis_name=axis_name)

    def step(state, part, rng):
        def inner_step(state, indexed):
            index, rng = indexed
            return scheme.step(state, part(index), rng)

        indexed = jnp.arange(steps), jax.random.split(rng, steps)
        fast, metrics = jax.lax.scan(inner_step, state, indexed)
        params = optax.incremental_update(fast.params, state.params, alpha)
        metrics = {
            key: value.sum(dtype=value.dtype) if key.startswith("evaluations/") else value[-1]
            for key, value in metrics.items()
        }
        return fast._replace(params=params), metrics

    slow = with_batches(scheme.init, step, count=steps, fresh=fresh_batches)
    return slow._replace(batches=slow.batches + scheme.batches, updates=steps * scheme.updates)
