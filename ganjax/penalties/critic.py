"""Slopes of a critic, norms, and points between data and samples.

Slopes are taken in reverse mode and differentiated so again, the cheapest order by measurement
(`scripts/benchmarks/penalties.py`).
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from ganjax import checks

Critic = Callable[[jax.Array], jax.Array]
Penalty = Callable[[Critic, jax.Array, jax.Array, jax.Array], jax.Array]

check_weights = partial(checks.within, "[0, inf)", hint="e.g. 10.0")


def wide(x: jax.Array) -> jax.Array:
    """In float32 at least, so that a bfloat16 network is judged in full precision."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def squares(x: jax.Array) -> jax.Array:
    """|x|^2 of every row, [batch]."""
    return jnp.sum(jnp.square(wide(x).reshape(x.shape[0], -1)), axis=1)


def squared_slopes(critic: Critic, x: jax.Array) -> jax.Array:
    """|grad_x D(x)|^2 of every row, [batch].

    Logits are independent per row (up to batch statistics): the gradient of their sum holds each
    row's.
    """
    return squares(jax.grad(lambda x: jnp.sum(critic(x)))(x))


def root(squares: jax.Array) -> jax.Array:
    """Square root whose derivative at exactly 0 is taken as 0.

    `optax.safe_norm` has a least norm above 0, below which it is flat; here small norms are exact.
    """
    flat = squares == 0
    return jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, squares)))


def excess(norms: jax.Array, target: float, one_sided: bool) -> jax.Array:
    """Squared distance of norms from the target, of those above it alone if one-sided."""
    return jnp.square(jax.nn.relu(norms - target) if one_sided else norms - target)


def check_pairs(x_real: jax.Array, x_fake: jax.Array) -> None:
    """Raises ValueError for batches that cannot be paired by position."""
    if x_real.shape != x_fake.shape:
        raise ValueError(
            f"this penalty pairs data and samples one by one, got batches {x_real.shape} and "
            f"{x_fake.shape}; make them of one shape"
        )


def between(x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
    """Points drawn uniformly on the lines between pairs of a data point and a sample."""
    check_pairs(x_real, x_fake)
    shape = (x_real.shape[0], *(1,) * (x_real.ndim - 1))
    share = jax.random.uniform(rng, shape, x_real.dtype)
    return share * x_real + (1 - share) * x_fake
