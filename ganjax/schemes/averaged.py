"""A moving average of the generator's iterates beside any scheme."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ganjax.types import Game, Players, Scheme


def averaged(
    game: Game,
    tx: Players,
    *,
    inner: Callable[..., Scheme],
    kind: str = "ema",
    decay: float = 0.999,
    axis_name: str | None = None,
) -> Scheme:
    """Averages the generator's iterates of `inner` into `state.average`; the iterates are its own.

    "ema": a' = decay a + (1 - decay) x', from the generator's first parameters (Karras et al. 2018,
    appendix A, arXiv:1710.10196; Yazici et al. 2019, arXiv:1806.04498). "uniform": the mean of all
    iterates after the start, a' = a + (x' - a) / t, t counting all updates of the generator, those
    of earlier stages too: it cannot take in layers that were not there from the start. On V = x y
    the uniform average of bounded iterates converges to the equilibrium where the last iterate does
    not.

    It belongs outside of `lookahead`: inside, it would average the fast iterates.

    Args:
      game: any game.
      tx: `Players` of optax transforms.
      inner: factory `(game, tx, axis_name=...) -> Scheme`; options go in by `functools.partial`.
      kind: "ema" or "uniform".
      decay: of the exponential average, at least 0 and less than 1; unused by "uniform".
      axis_name: mapped device axis, handed to `inner`.

    Returns:
      Scheme; no gradients beyond those of `inner`.

    Raises:
      ValueError: unknown kind, a decay out of range or, from `init`, an inner scheme that has an
        average already.
    """
    if kind not in ("ema", "uniform"):
        raise ValueError(f"kind={kind!r} must be 'ema' or 'uniform'")
    if not 0 <= decay < 1:
        raise ValueError(f"decay={decay} must be at least 0 and less than 1, e.g. 0.999")
    scheme = inner(game, tx, axis_name=axis_name)

    def init(rng, batch=None):
        state = scheme.init(rng, batch)
        if jax.tree.leaves(state.average):
            raise ValueError("the inner scheme averages already; average once, outermost")
        # A copy: a donated state must not hold one buffer twice.
        return state._replace(average=jax.tree.map(jnp.copy, state.params.gen))

    def step(state, batch, rng):
        before = state.step
        state, metrics = scheme.step(state, batch, rng)
        # An iterate of `lookahead` is several updates of the generator.
        weight = (state.step - before).astype(float) / state.step if kind == "uniform" else None

        def toward(average, iterate):
            share = 1 - decay if weight is None else weight.astype(average.dtype)
            return average + share * (iterate - average)

        average = jax.tree.map(toward, state.average, state.params.gen)
        return state._replace(average=average), metrics

    return scheme._replace(init=init, step=step, uniform=kind == "uniform")
