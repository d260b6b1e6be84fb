"""A trial of a transform on a few gradients: does it go downhill?"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganjax.errors import ConfigError

UPDATES = 3  # of each trial; the first update of a few optimisers is 0
SIZE = 100.0  # of a gradient's entries, so that noise does not decide
SMALL = 1e-3  # of a gradient's entries, so that weight decay decides
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
    """Refuses a transform whose first update does not lower a linear loss.

    Tried from parameters p of 0 on three gradients g (all entries equal, positive and negative, and
    normal ones), and from normal p. With u(g, p) the first update that is not 0, no array may have
    u(g, 0) . g > 0 or (u(g, p) - u(-g, p)) . g > 0, and one must have it below 0. With a small g,
    (u(g, p) - u(g, -p)) . p, the mean growth of the weights, is at most 0. The differences cancel
    noise and the clipping of weights.

    Args:
      where: name of the section, for the message.
      name: of the transform, for the message.
      tx: the transform, at a rate greater than 0.
      like: parameters, arrays or their shapes.
      still: whether updates of 0 are allowed too.

    Raises:
      ConfigError: the transform climbs or stands still, lets the weights grow, or gives an update
        that is not finite.
    """
    rng, move = np.random.default_rng(0), partial(_first_move, optax.with_extra_args_support(tx))
    ones, g, p = (_filled(draw, like) for draw in (np.ones, *(rng.standard_normal,) * 2))
    big, small = _scaled(SIZE, g), _scaled(SMALL, g)
    origin = _scaled(0, p)
    trials = [
        (move(slope, origin), slope) for slope in (_scaled(SIZE, ones), _scaled(-SIZE, ones), big)
    ]
    trials += [(optax.tree.sub(move(big, p), move(_scaled(-1, big), p)), big)]
    growth = optax.tree.sub(move(small, p), move(small, _scaled(-1, p)))
    cosines = [cosine for updates, slope in trials for cosine in _cosines(updates, slope)]
    finite = all(np.isfinite(leaf).all() for leaf in jax.tree.leaves([growth, trials]))
    rates = jax.tree.map(
        lambda u, w: float(np.vdot(u, w)) > 2 * ROUNDING * np.vdot(w, w), growth, p
    )
    if not finite:
        fault = (
            "gives an update that is not finite, of parameters and a gradient that are. Guard its "
            "divisions and roots at 0"
        )
    elif any(cosine > ROUNDING for cosine in cosines):
        fault = f"climbs where it should descend the loss. {_advice(name)}"
    elif not (cosines or still or not jax.tree.leaves(p)):
        fault = f"stands still where it should descend the loss. {_advice(name)}"
    elif any(jax.tree.leaves(rates)):
        fault = (
            "lets the weights grow where the gradient is small. Weight decay is at least 0, and in "
            "a chain add_decayed_weights stands before the optimiser, e.g. dict(name='chain',"
            " transforms=[dict(name='add_decayed_weights', weight_decay=1e-4), dict(name='adam', "
            "learning_rate=1e-3)])"
        )
    else:
        return
    raise ConfigError(f"{where} {name!r} is no optimiser: it {fault}")


def _advice(name: str) -> str:
    example = "clip_by_global_norm" if name == "chain" else name
    return (
        "A transform of gradients stands in a chain before an optimiser, e.g. dict(name='chain', "
        f"transforms=[dict(name={example!r}, ...), dict(name='adam', learning_rate=1e-3)])"
    )


def _filled(draw, like: Any) -> Any:
    return jax.tree.map(lambda leaf: np.asarray(draw(leaf.shape), leaf.dtype), like)


def _scaled(factor: float, tree: Any) -> Any:
    return jax.tree.map(lambda leaf: np.asarray(factor * leaf, leaf.dtype), tree)


def _cosines(updates: Any, slope: Any) -> list[float]:
    """The cosine of update and gradient for each array that moves."""
    pairs = zip(jax.tree.leaves(updates), jax.tree.leaves(slope), strict=True)
    return [
        float(np.vdot(u, g) / np.linalg.norm(u) / np.linalg.norm(g))
        for u, g in pairs
        if u.any() and g.any()
    ]


def _first_move(tx: optax.GradientTransformationExtraArgs, slope: Any, params: Any) -> Any:
    """The first update that is not 0, in float64, or the last of `UPDATES`."""
    with jax.ensure_compile_time_eval():
        slope, params = jax.tree.map(jnp.asarray, (slope, params))
        state = tx.init(params)
        for step in range(UPDATES):
            updates, state = tx.update(slope, state, params, step=step)
            updates = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), updates)
            if any(leaf.any() for leaf in jax.tree.leaves(updates)):
                break
    return updates
