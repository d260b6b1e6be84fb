"""Relativistic losses: data more realistic than samples, in pairs or on average."""

import jax
import jax.numpy as jnp

from ganjax import spread
from ganjax.losses.pair import AdversarialLoss, Logits, wide


def relativistic_disc_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """Relativistic loss -E[log sigmoid(C(x) - C(G(z)))] (Jolicoeur-Martineau 2018, 1807.00734).

    RSGAN: the chance that a data point is more realistic than the sample it is paired with. The
    generator's loss is the same with the two exchanged.

    Args:
      logits_real: critic outputs on data, [batch].
      logits_fake: the same on as many generated samples, paired by position, [batch].

    Returns:
      Scalar mean over the pairs, in nats; log 2 for an undecided critic.

    Raises:
      ValueError: the two have different shapes.
    """
    if logits_real.shape != logits_fake.shape:
        raise ValueError(
            f"relativistic pairs data and samples one by one, got {logits_real.shape} and "
            f"{logits_fake.shape} logits; use relativistic_average, or batches of one size"
        )
    logits_real, logits_fake = wide(logits_real, logits_fake)
    return jnp.mean(jax.nn.softplus(logits_fake - logits_real))


def relativistic_gen_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """Relativistic loss -E[log sigmoid(C(G(z)) - C(x))]; all else as `relativistic_disc_loss`."""
    return relativistic_disc_loss(logits_fake, logits_real)


def relativistic_average_disc_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """RaSGAN: -E[log sigmoid(C(x) - E C(G(z)))] - E[log(1 - sigmoid(C(G(z)) - E C(x)))].

    Jolicoeur-Martineau 2018 (arXiv:1807.00734), without the half that some code puts in front. The
    generator's loss is the same with the two exchanged.

    Args:
      logits_real: critic outputs on data, [batch].
      logits_fake: the same on generated samples, [batch].

    Returns:
      Scalar mean over the batch, in nats; log 4 for an undecided critic.
    """
    logits_real, logits_fake = wide(logits_real, logits_fake)
    mean_real, mean_fake = spread.mean(logits_real.ravel()), spread.mean(logits_fake.ravel())
    real = jnp.mean(jax.nn.softplus(mean_fake - logits_real))
    return real + jnp.mean(jax.nn.softplus(logits_fake - mean_real))


def relativistic_average_gen_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """RaSGAN's generator; all else as `relativistic_average_disc_loss`, with the two exchanged."""
    return relativistic_average_disc_loss(logits_fake, logits_real)


relativistic = AdversarialLoss(gen=relativistic_gen_loss, disc=relativistic_disc_loss)


relativistic_average = AdversarialLoss(
    gen=relativistic_average_gen_loss, disc=relativistic_average_disc_loss
)
