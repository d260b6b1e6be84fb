"""Whether a transform goes downhill: a trial on a few gradients, before anything is trained."""

from functools import partial
from typing import Any

import jax
import numpy as np
import optax

from ganjax.errors import ConfigError

UPDATES = 3  # of each trial; a few optimisers only look at the first gradient
SIZE = 100.0  # of a gradient's entries, so that noise does not decide
ROUNDING = 1e-6
LAYER = {"layer": {"kernel": np.zeros((16, 8), np.float32), "bias": np.zeros(8, np.float32)}}


def check_descent(
    where: str,
    name: str,
    tx: optax.GradientTransformation,
    like: Any = LAYER,
    *,
    still: bool = False,
) -> None:
    """Refuses a transform that does not lower a linear loss by its first move.

    Tried from parameters of 0 on three gradients g: all entries alike, positive and negative, and
    normal ones. No array may move along its gradient, and one must move against it.

    Args:
      where: name of the section, for the message.
      name: that of the transform.
      tx: the transform, at a rate greater than 0.
      like: parameters, arrays or their shapes.
      still: whether it may also leave all as it is.

    Raises:
      ConfigError: an inner product of update and gradient is positive, or all are 0.
    """
    params = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), like)
    rng, tx = np.random.default_rng(0), optax.with_extra_args_support(tx)
    cosines = []
    for draw in (np.ones, lambda shape: -np.ones(shape), rng.standard_normal):
        slope = jax.tree.map(partial(_slope, draw), params)
        cosines += _first_move(tx, slope, params)
    climbs = any(cosine > ROUNDING for cosine in cosines)
    if climbs or not (cosines or still or not jax.tree.leaves(params)):
        raise ConfigError(
            f"{where} {name!r} is no optimiser: it {'climbs' if climbs else 'stands still'} where "
            "it should descend the loss. What changes a gradient stands in a chain before an "
            f"optimiser, e.g. dict(name='chain', transforms=[dict(name={_example(name)!r}, ...), "
            "dict(name='adam', learning_rate=1e-3)])"
        )


def _slope(draw, leaf):
    return np.asarray(SIZE * draw(leaf.shape), leaf.dtype)


def _example(name: str) -> str:
    return "clip_by_global_norm" if name == "chain" else name


def _first_move(tx: optax.GradientTransformationExtraArgs, slope: Any, params: Any) -> list[float]:
    """The cosine of the first update that is not 0 and the gradient, of each array that moves."""
    with jax.ensure_compile_time_eval():
        state = tx.init(params)
        for step in range(UPDATES):
            updates, state = tx.update(slope, state, params, step=step)
            pairs = zip(jax.tree.leaves(updates), jax.tree.leaves(slope), strict=True)
            pairs = [(np.asarray(u, np.float64), np.asarray(g, np.float64)) for u, g in pairs]
            cosines = [
                float(np.vdot(u, g) / np.linalg.norm(u) / np.linalg.norm(g))
                for u, g in pairs
                if u.any() and g.any()
            ]
            if cosines:
                return cosines
    return []
