"""Search for the latents that minimise an objective, from many starts at once."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganjax import checks


class Found(NamedTuple):
    """Where a search ended.

    Attributes:
      z: of each example, the best of its ends [n, ...].
      value: the objective there [n].
      ends: of all restarts [restarts, n, ...].
      values: the objective at the ends [restarts, n]; infinite where it is not finite.
    """

    z: jax.Array
    value: jax.Array
    ends: jax.Array
    values: jax.Array


def search(
    objective: Callable[[jax.Array], jax.Array],
    z0: jax.Array,
    *,
    tx: optax.GradientTransformation,
    steps: int,
    keep: Callable[[jax.Array], jax.Array] = lambda z: z,
) -> Found:
    """Descends the objective of every example from every start, and keeps each one's best end.

    Pure: compile it as a whole. One scan takes all examples and restarts along. Their searches do
    not touch each other if `tx` works element by element, as Adam does and a clip by norm does not.

    Args:
      objective: latents [n, ...] -> value of each example [n], which depends on its latent alone.
      z0: starts [restarts, n, ...].
      tx: optax transform that moves the latents.
      steps: number of gradient steps, at least 1.
      keep: applied to the latents after each step, e.g. a clip to the range of the prior.

    Returns:
      `Found`.

    Raises:
      ValueError: starts without an axis of restarts, no steps, or an objective of another shape.
    """
    if z0.ndim < 2 or 0 in z0.shape:
        raise ValueError(f"z0 of shape {z0.shape} must be [restarts, n, ...], none of them 0")
    checks.whole(1, steps=steps)
    n = z0.shape[1]
    got = jax.eval_shape(objective, z0[0]).shape
    if got != (n,):
        raise ValueError(f"the objective has shape {got} for {n} latents; expected ({n},)")
    every = jax.vmap(objective)

    def step(carry, _):
        z, opt_state = carry
        gradient = jax.grad(lambda z: jnp.sum(every(z)))(z)
        updates, opt_state = tx.update(gradient, opt_state, z)
        return (keep(optax.apply_updates(z, updates)), opt_state), None

    (ends, _), _ = jax.lax.scan(step, (z0, tx.init(z0)), length=steps)
    values = every(ends)
    values = jnp.where(jnp.isfinite(values), values, jnp.inf)
    best = jnp.argmin(values, axis=0), jnp.arange(n)
    return Found(ends[best], values[best], ends, values)
