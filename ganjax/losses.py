"""Adversarial losses: pairs of functions `(logits_real, logits_fake) -> scalar`.

Each player descends its own. A loss knows logits alone: not which network made them, nor who moves
first. Gradient penalties live in `penalties.py`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp


class AdversarialLoss(NamedTuple):
    """Both players' losses, each `(logits_real [batch], logits_fake [batch]) -> scalar`."""

    gen: Callable[[jax.Array, jax.Array], jax.Array]
    disc: Callable[[jax.Array, jax.Array], jax.Array]


def binary_disc_loss(logits_real: jax.Array, logits_fake: jax.Array) -> jax.Array:
    """Discriminator loss -V = -E[log D(x)] - E[log(1 - D(G(z)))] (arXiv:1406.2661, equation 1).

    With D = sigmoid(logit) it is softplus(-logits_real) + softplus(logits_fake), finite for any
    float32 logit. At the optimal discriminator it equals log 4 - 2 JSD(p_data || p_gen).

    Args:
      logits_real: discriminator outputs on data before the sigmoid, [batch].
      logits_fake: the same on generated samples, [batch].

    Returns:
      Scalar mean over the batch, in nats.
    """
    return jnp.mean(jax.nn.softplus(-logits_real)) + jnp.mean(jax.nn.softplus(logits_fake))


def minimax_gen_loss(logits_real: jax.Array, logits_fake: jax.Array) -> jax.Array:
    """Generator loss V = E[log D(x)] + E[log(1 - D(G(z)))] (arXiv:1406.2661, equation 1).

    The whole value, so that the game is exactly zero-sum. The term on data is constant for a
    generator that meets a fixed discriminator; it is not for one that looks ahead through the
    discriminator's updates (unrolled play), which is why it is kept.

    Args:
      logits_real: discriminator outputs on data before the sigmoid, [batch].
      logits_fake: the same on generated samples, [batch].

    Returns:
      Scalar mean over the batch, in nats; its gradient vanishes where D rejects with confidence.
    """
    return -binary_disc_loss(logits_real, logits_fake)


def non_saturating_gen_loss(logits_real: jax.Array, logits_fake: jax.Array) -> jax.Array:
    """Generator loss -E[log D(G(z))] (Goodfellow et al. 2014, section 3, arXiv:1406.2661).

    Computed as softplus(-logits_fake), finite for any float32 logit.

    Args:
      logits_real: unused; part of the shelf's signature, [batch].
      logits_fake: discriminator outputs on generated samples before the sigmoid, [batch].

    Returns:
      Scalar mean over the batch, in nats.
    """
    del logits_real
    return jnp.mean(jax.nn.softplus(-logits_fake))


def wasserstein_disc_loss(logits_real: jax.Array, logits_fake: jax.Array) -> jax.Array:
    """Critic loss -(E[f(x)] - E[f(G(z))]) (Arjovsky et al. 2017, equation 2, arXiv:1701.07875).

    At the best 1-Lipschitz critic it is minus the Wasserstein-1 distance; the constraint is left to
    the penalties or to the network.

    Args:
      logits_real: critic outputs on data, [batch].
      logits_fake: the same on generated samples, [batch].

    Returns:
      Scalar difference of means over the batch, in units of the critic.
    """
    return jnp.mean(logits_fake) - jnp.mean(logits_real)


def wasserstein_gen_loss(logits_real: jax.Array, logits_fake: jax.Array) -> jax.Array:
    """Generator loss E[f(x)] - E[f(G(z))] (arXiv:1701.07875, equation 2), the critic's negative.

    The whole value, so that the game is exactly zero-sum, as in `minimax_gen_loss`.

    Args:
      logits_real: critic outputs on data, [batch].
      logits_fake: the same on generated samples, [batch].

    Returns:
      Scalar difference of means over the batch, in units of the critic.
    """
    return -wasserstein_disc_loss(logits_real, logits_fake)


minimax = AdversarialLoss(gen=minimax_gen_loss, disc=binary_disc_loss)
non_saturating = AdversarialLoss(gen=non_saturating_gen_loss, disc=binary_disc_loss)
wasserstein = AdversarialLoss(gen=wasserstein_gen_loss, disc=wasserstein_disc_loss)

LOSSES = {
    "minimax": minimax,
    "non_saturating": non_saturating,
    "wasserstein": wasserstein,
}
