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


PENALTIES = {
    "r1": r1,
}
