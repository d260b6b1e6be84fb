"""A moving average of the generator's iterates beside any scheme."""

from collections.abc import Callable

import jax
import optax

from ganjax import checks
from ganjax.schemes.field import copies
from ganjax.types import Game, Players, Scheme


def averaged(
    game: Game,
    tx: Players,
    *,
    inner: Callable[..., Scheme],
    kind: str = "ema",
    decay: float | Callable[[jax.Array], jax.Array] = 0.999,
    axis_name: str | None = None,
) -> Scheme:
    """Averages the generator's iterates of `inner`, which do not change, into `state.average`.

    "ema": a' = decay a + (1 - decay) x', from the generator's first parameters (Karras et al. 2018,
    appendix A, arXiv:1710.10196; Yazici et al. 2019, arXiv:1806.04498). "uniform": the mean of all
    iterates after the start, a' = a + (x' - a) / t, t counting all updates of the generator, those
    of earlier stages too: layers added later cannot join it. On V = x y the uniform average of
    bounded iterates converges to the equilibrium where the last iterate does not.

    Put it outside of `lookahead`: inside, it would average the fast iterates.

    Args:
      inner: factory `(game, tx, axis_name=...) -> Scheme`; bind options by `functools.partial`.
      kind: "ema" or "uniform".
      decay: of the exponential average, at least 0 and less than 1, or a schedule of it,
        `(updates of the generator) -> decay`; unused by "uniform". A half-life of h samples, by
        which others name it, is 0.5 ** (batch / h).

    Returns:
      Scheme; no gradients beyond those of `inner`.

    Raises:
      ValueError: unknown kind, a decay out of range or, from `init`, an inner scheme that has an
        average already.
    """
    checks.one_of(("ema", "uniform"), kind=kind)
    if not callable(decay):
        checks.within("[0, 1)", decay=decay, hint="e.g. 0.999")
    scheme = inner(game, tx, axis_name=axis_name)

    def init(rng, batch=None):
        state = scheme.init(rng, batch)
        if jax.tree.leaves(state.average):
            raise ValueError("the inner scheme averages already; average once, outermost")
        return state._replace(average=copies(state.params.gen))

    def step(state, batch, rng):
        before, average = state.step, state.average
        state, metrics = scheme.step(state, batch, rng)
        # An iterate of `lookahead` is several updates of the generator.
        if kind == "ema":
            share = 1 - (decay(state.step) if callable(decay) else decay)
        else:
            share = (state.step - before).astype(float) / state.step
        # Not a sum of a and x' by weights: those, rounded apart, would not add up to 1.
        ahead = optax.tree.sub(state.params.gen, average)
        average = optax.tree.cast_like(optax.tree.add_scale(average, share, ahead), average)
        return state._replace(average=average), metrics

    return scheme._replace(init=init, step=step, uniform=kind == "uniform")
