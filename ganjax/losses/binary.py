"""The original GAN as logistic classification: minimax and non-saturating, label smoothing."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from ganjax import checks
from ganjax.losses.pair import Logits, above_zero, wide, with_options


def binary_disc_loss(
    logits_real: Logits, logits_fake: Logits, *, label_smoothing: float = 0.0
) -> jax.Array:
    """Discriminator loss -V = -E[log D(x)] - E[log(1 - D(G(z)))] (arXiv:1406.2661, equation 1).

    With D = sigmoid(logit) it is softplus(-logits_real) + softplus(logits_fake), finite for any
    float32 logit. At the optimal discriminator it equals log 4 - 2 JSD(p_data || p_gen).

    Args:
      logits_real: discriminator outputs on data before the sigmoid, [batch].
      logits_fake: the same on generated samples, [batch].
      label_smoothing: s, the target on data is 1 - s; on generated samples it stays 0 (one-sided,
        Salimans et al. 2016, section 3.4, arXiv:1606.03498). The optimum is then
        D = (1 - s) p_data / (p_data + p_gen).

    Returns:
      Scalar mean over the batch, in nats.
    """
    logits_real, logits_fake = wide(logits_real, logits_fake)
    # -(1 - s) log D - s log(1 - D) = softplus(-logit) + s logit.
    real = jnp.mean(jax.nn.softplus(-logits_real) + label_smoothing * logits_real)
    return real + jnp.mean(jax.nn.softplus(logits_fake))


def minimax_gen_loss(
    logits_real: Logits, logits_fake: Logits, *, label_smoothing: float = 0.0
) -> jax.Array:
    """Generator loss V = E[log D(x)] + E[log(1 - D(G(z)))] (arXiv:1406.2661, equation 1).

    The whole value, so that the game is exactly zero-sum. The term on data is constant for a
    generator against a fixed discriminator, but not for one that differentiates through the
    discriminator's updates (unrolled), so it is kept.

    Arguments as in `binary_disc_loss`. The gradient vanishes where D rejects with confidence.
    """
    return -binary_disc_loss(logits_real, logits_fake, label_smoothing=label_smoothing)


def non_saturating_gen_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """Generator loss -E[log D(G(z))] (Goodfellow et al. 2014, section 3, arXiv:1406.2661).

    Computed as softplus(-logits_fake), finite for any float32 logit. Arguments and units as in
    `binary_disc_loss`; `logits_real` is unused.
    """
    del logits_real
    (logits_fake,) = wide(logits_fake)
    return jnp.mean(jax.nn.softplus(-logits_fake))


_check_smoothing = partial(checks.within, "[0, 1)", hint="the target on data is 1 - it, e.g. 0.1")


@with_options
def minimax(label_smoothing: float = 0.0) -> tuple[Callable, Callable, Callable]:
    """The original GAN as a zero-sum game: `minimax_gen_loss`, `binary_disc_loss`.

    Args:
      label_smoothing: one-sided, at least 0 and below 1.

    Raises:
      ValueError: the smoothing is out of range.
    """
    _check_smoothing(label_smoothing=label_smoothing)
    gen = partial(minimax_gen_loss, label_smoothing=label_smoothing)
    disc = partial(binary_disc_loss, label_smoothing=label_smoothing)
    return gen, disc, above_zero


@with_options
def non_saturating(label_smoothing: float = 0.0) -> tuple[Callable, Callable, Callable]:
    """`non_saturating_gen_loss` against `binary_disc_loss`.

    Args:
      label_smoothing: one-sided, at least 0 and below 1; of the discriminator.

    Raises:
      ValueError: the smoothing is out of range.
    """
    _check_smoothing(label_smoothing=label_smoothing)
    disc = partial(binary_disc_loss, label_smoothing=label_smoothing)
    return non_saturating_gen_loss, disc, above_zero
