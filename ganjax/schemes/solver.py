"""Linear systems without a matrix, for schemes whose step solves one."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.scipy.sparse.linalg import cg


def conjugate_gradients(
    operator: Callable[[Any], Any], right: Any, *, tolerance: float, iterations: int
) -> Any:
    """x with operator(x) = right, for a symmetric positive (semi-)definite operator.

    The right-hand side is scaled to norm 1 and the tolerance kept above what its dtype resolves:
    otherwise small right-hand sides underflow, and a tolerance out of reach drives the iteration on
    until its quotients are 0 / 0. Differentiated implicitly, by another solve, so that a step
    can be linearised where the right-hand side is 0.

    Args:
      operator: linear, from pytrees like `right` to pytrees like `right`.
      right: pytree of arrays.
      tolerance: largest residual, relative to `right`.
      iterations: most iterations.

    Returns:
      Pytree like `right`; 0 if `right` is 0.
    """
    if not jax.tree.leaves(right):  # a player with nothing to learn
        return right
    resolution = max(float(jnp.finfo(leaf.dtype).eps) for leaf in jax.tree.leaves(right))

    def solve(operator, right):
        norm = optax.tree.norm(right)
        scale = jnp.where(norm > 0, norm, 1.0)
        scaled = jax.tree.map(lambda leaf: leaf / scale.astype(leaf.dtype), right)
        found, _ = cg(operator, scaled, tol=max(tolerance, resolution), maxiter=iterations)
        return jax.tree.map(lambda leaf: leaf * scale.astype(leaf.dtype), found)

    return jax.lax.custom_linear_solve(operator, right, solve, symmetric=True)
