"""Penalties on the critic: factories of functions `(critic, x_real, x_fake, rng) -> scalar`.

`critic` is a function `x -> logits [batch]`; a penalty is added to the discriminator's loss and
knows neither the network nor the game.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

Critic = Callable[[jax.Array], jax.Array]
Penalty = Callable[[Critic, jax.Array, jax.Array, jax.Array], jax.Array]


def r1(gamma: float = 10.0) -> Penalty:
    """R1, gamma/2 * E_data |grad_x D(x)|^2 (Mescheder et al. 2018, equation 9, arXiv:1801.04406).

    The half is part of the definition. The square is taken without a root, so value and gradient
    are finite where the critic is flat.

    Args:
      gamma: weight, at least 0; with D(x) = psi*x the Dirac-GAN is critically damped at 1.

    Returns:
      Penalty; its cost is one more backward pass through the critic, differentiated once.

    Raises:
      ValueError: gamma is negative or not finite.
    """
    if not 0 <= gamma < math.inf:
        raise ValueError(f"gamma={gamma} must be a finite weight of at least 0, e.g. 10.0")

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        del x_fake, rng
        # The logits are independent per row (up to batch statistics), so the gradient of their sum
        # holds each row's own gradient.
        slopes = jax.grad(lambda x: jnp.sum(critic(x)))(x_real)
        return gamma / 2 * jnp.sum(jnp.square(slopes)) / x_real.shape[0]

    return penalty


def wgan_gp(weight: float = 10.0, target: float = 1.0) -> Penalty:
    """WGAN-GP, weight * E (|grad_x f(x)| - target)^2 (Gulrajani et al. 2017, arXiv:1704.00028).

    Its equation 3. The expectation is over points drawn uniformly on the lines between pairs of a
    data point and a generated sample. Where the gradient is exactly 0 the norm has no derivative;
    it is taken as 0 there, so that value and gradient stay finite.

    Args:
      weight: lambda, at least 0; the paper takes 10.
      target: norm the critic's gradient is drawn to, at least 0.

    Returns:
      Penalty; its cost is one more backward pass through the critic, differentiated once.

    Raises:
      ValueError: weight or target is negative or not finite.
    """
    for name, value in (("weight", weight), ("target", target)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}={value} must be finite and at least 0")

    def penalty(critic: Critic, x_real: jax.Array, x_fake: jax.Array, rng: jax.Array) -> jax.Array:
        pairs = (x_real.shape[0], *(1,) * (x_real.ndim - 1))
        share = jax.random.uniform(rng, pairs, x_real.dtype)
        x = share * x_real + (1 - share) * x_fake
        slopes = jax.grad(lambda x: jnp.sum(critic(x)))(x).reshape(x.shape[0], -1)
        squares = jnp.sum(jnp.square(slopes), axis=1)
        flat = squares == 0
        norms = jnp.where(flat, 0.0, jnp.sqrt(jnp.where(flat, 1.0, squares)))
        return weight * jnp.mean(jnp.square(norms - target))

    return penalty


PENALTIES = {
    "r1": r1,
    "wgan_gp": wgan_gp,
}
