"""Lookahead: slow weights of both players that follow the fast ones of any scheme."""

from collections.abc import Callable
from functools import partial

import jax

from ganjax.schemes.field import check_sub_batches, sub_batch
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
      game: any game.
      tx: `Players` of optax transforms.
      inner: factory `(game, tx, axis_name=...) -> Scheme`; options go in by `functools.partial`.
      steps: inner steps k a step, at least 1.
      alpha: greater than 0 and at most 1; 1 is k steps of `inner`.
      fresh_batches: if True every leaf of a batch has a leading axis of `steps` sub-batches, one
        for each inner step; if False the same batch serves all.
      axis_name: mapped device axis, handed to `inner`.

    Returns:
      Scheme; a step costs what its inner steps cost. Its metrics are those of the last of them,
      evaluations added up.

    Raises:
      ValueError: an option is out of range or, while tracing, a batch without the leading axis.
    """
    if steps < 1:
        raise ValueError(f"steps={steps} must be at least 1")
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha={alpha} must be greater than 0 and at most 1, e.g. 0.5")
    scheme = inner(game, tx, axis_name=axis_name)
    check = partial(check_sub_batches, count=steps, fresh=fresh_batches)

    def init(rng, batch=None):
        check(batch)
        return scheme.init(rng, sub_batch(batch, 0, fresh=fresh_batches))

    def step(state, batch, rng):
        check(batch)

        def inner_step(state, turn):
            part, rng = turn if fresh_batches else (batch, turn)
            return scheme.step(state, part, rng)

        rngs = jax.random.split(rng, steps)
        fast, metrics = jax.lax.scan(inner_step, state, (batch, rngs) if fresh_batches else rngs)
        params = fast.params
        if alpha < 1:
            params = jax.tree.map(
                lambda slow, fast: slow + alpha * (fast - slow), state.params, fast.params
            )
        metrics = {
            key: value.sum(dtype=value.dtype) if key.startswith("evaluations/") else value[-1]
            for key, value in metrics.items()
        }
        return fast._replace(params=params), metrics

    batches = (steps,) if fresh_batches else ()
    return Scheme(init, step, batches=batches + scheme.batches, updates=steps * scheme.updates)
