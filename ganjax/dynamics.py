"""Local dynamics of a scheme: the linearised update map and its eigenvalues.

It looks at a step from outside and knows nothing of how the step was made.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganjax.types import GanState


def update_map_jacobian(
    step: Callable, state: GanState, batch: Any = None, rng: jax.Array | None = None
) -> jax.Array:
    """d step(state) / d state over every float leaf that the play depends on.

    Parameters, optimiser moments, float model state and the scheme's memory are included; counters
    and random keys are held fixed; `state.average` is left out, as nothing depends on it.

    Args:
      step: a scheme's step, `(state, batch, rng) -> (state, metrics)`.
      state: the point of linearisation.
      batch: what the step gets; None for toys.
      rng: key for the step; `jax.random.key(0)` if None.

    Returns:
      Dense matrix [n, n], n the number of floats in the state; column j is the derivative in the
      j-th float, in the order of `jax.tree.leaves(state)`.
    """
    rng = jax.random.key(0) if rng is None else rng
    leaves, treedef = jax.tree.flatten(state._replace(average=()))
    moves = [jnp.issubdtype(leaf.dtype, jnp.inexact) for leaf in leaves]

    def floats(leaves):
        return [leaf for leaf, float_leaf in zip(leaves, moves, strict=True) if float_leaf]

    flat, unravel = ravel_pytree(floats(leaves))

    def update(flat):
        given = iter(unravel(flat))
        point = jax.tree.unflatten(
            treedef,
            [next(given) if m else leaf for leaf, m in zip(leaves, moves, strict=True)],
        )
        following, _ = step(point._replace(average=state.average), batch, rng)
        return ravel_pytree(floats(jax.tree.leaves(following._replace(average=()))))[0]

    return jax.jacfwd(update)(flat)


def update_map_spectrum(
    step: Callable, state: GanState, batch: Any = None, rng: jax.Array | None = None
) -> np.ndarray:
    """Eigenvalues of the linearised update map (Mescheder et al. 2017, section 3, 1705.10461).

    A fixed point is locally attracting if all moduli are below 1, repelling if one is above.

    Args:
      step: a scheme's step, `(state, batch, rng) -> (state, metrics)`.
      state: the point of linearisation.
      batch: what the step gets; None for toys.
      rng: key for the step; `jax.random.key(0)` if None.

    Returns:
      Complex array [n] by falling modulus; the first modulus is the spectral radius.
    """
    eigenvalues = np.linalg.eigvals(np.asarray(update_map_jacobian(step, state, batch, rng)))
    return eigenvalues[np.argsort(-np.abs(eigenvalues), kind="stable")].astype(complex)
