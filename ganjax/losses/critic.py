"""Losses linear in a critic's values: Wasserstein and hinge."""

import jax
import jax.numpy as jnp

from ganjax.losses.pair import AdversarialLoss, Logits, wide


def wasserstein_disc_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """Critic loss -(E[f(x)] - E[f(G(z))]) (Arjovsky et al. 2017, equation 2, arXiv:1701.07875).

    At the best 1-Lipschitz critic it is minus the Wasserstein-1 distance; the constraint is left to
    the penalties, to the network or to clipping.

    Args:
      logits_real: critic outputs on data, [batch].
      logits_fake: the same on generated samples, [batch].

    Returns:
      Scalar difference of means over the batch, in units of the critic.
    """
    logits_real, logits_fake = wide(logits_real, logits_fake)
    return jnp.mean(logits_fake) - jnp.mean(logits_real)


def wasserstein_gen_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """Generator loss E[f(x)] - E[f(G(z))] (arXiv:1701.07875, equation 2), the critic's negative.

    The whole value, so that the game is exactly zero-sum, as in `minimax_gen_loss`.
    """
    return -wasserstein_disc_loss(logits_real, logits_fake)


def hinge_disc_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """Discriminator loss E[(1 - D(x))+] + E[(1 + D(G(z)))+] (arXiv:1705.02894).

    Lim and Ye 2017; SNGAN's loss (arXiv:1802.05957, section 4). 2 for an undecided discriminator.

    Args:
      logits_real: discriminator outputs on data, [batch].
      logits_fake: the same on generated samples, [batch].

    Returns:
      Scalar mean over the batch, in units of the logit.
    """
    logits_real, logits_fake = wide(logits_real, logits_fake)
    return jnp.mean(jax.nn.relu(1 - logits_real)) + jnp.mean(jax.nn.relu(1 + logits_fake))


def hinge_gen_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """Generator loss -E[D(G(z))] (arXiv:1802.05957, section 4), in units of the logit."""
    del logits_real
    (logits_fake,) = wide(logits_fake)
    return -jnp.mean(logits_fake)


wasserstein = AdversarialLoss(gen=wasserstein_gen_loss, disc=wasserstein_disc_loss)


hinge = AdversarialLoss(gen=hinge_gen_loss, disc=hinge_disc_loss)
