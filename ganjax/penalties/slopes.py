"""Gradient penalties: on the slope of the critic at data, at samples, between and around them."""

import jax
import jax.numpy as jnp

from ganjax.penalties.critic import (
    Penalty,
    between,
    check_weights,
    excess,
    root,
    squared_slopes,
)
from ganjax.spread import everyone


def r1(gamma: float = 10.0) -> Penalty:
    """R1, gamma/2 * E_data |grad_x D(x)|^2 (Mescheder et al. 2018, equation 9, arXiv:1801.04406).

    The half is part of the definition. The square is taken without a root, so value and gradient
    are finite where the critic is flat. It costs one more backward pass through the critic,
    differentiated once, as do all penalties of this file.

    Args:
      gamma: weight, at least 0; with D(x) = psi*x the Dirac-GAN is critically damped at 1.

    Raises:
      ValueError: a number is negative or not finite.
    """
    check_weights(gamma=gamma)

    def penalty(critic, x_real, x_fake, rng):
        del x_fake, rng
        return gamma / 2 * jnp.mean(squared_slopes(critic, x_real))

    return penalty


def r2(gamma: float = 10.0) -> Penalty:
    """R2, gamma/2 * E_gen |grad_x D(x)|^2 (Mescheder et al. 2018, section 4, arXiv:1801.04406).

    `r1` on generated samples. Penalties belong to the discriminator alone: the dependence of this
    one on the generator, through its samples, has no effect on the generator.
    """
    on_data = r1(gamma)

    def penalty(critic, x_real, x_fake, rng):
        return on_data(critic, x_fake, x_real, rng)

    return penalty


def zero_centred_gp(gamma: float = 10.0) -> Penalty:
    """0-GP, gamma * E |grad_x D(x)|^2 between data and samples (Thanh-Tung et al. 2019).

    arXiv:1902.03984, on the lines of `wgan_gp`. No half here, unlike `r1` and `r2`; gamma is at
    least 0, else ValueError.
    """
    check_weights(gamma=gamma)

    def penalty(critic, x_real, x_fake, rng):
        return gamma * jnp.mean(squared_slopes(critic, between(x_real, x_fake, rng)))

    return penalty


def wgan_gp(weight: float = 10.0, target: float = 1.0, one_sided: bool = False) -> Penalty:
    """WGAN-GP, weight * E (|grad_x f(x)| - target)^2 (Gulrajani et al. 2017, arXiv:1704.00028).

    Its equation 3, over points drawn uniformly on the lines between pairs of a data point and a
    generated sample. Where the gradient is exactly 0 the norm has no derivative; it is taken as 0
    there, so that value and gradient stay finite. A critic with batch normalisation has no slope of
    one sample alone; the paper leaves it out.

    Args:
      weight: lambda, at least 0; the paper takes 10.
      target: norm the critic's gradient is drawn to, at least 0.
      one_sided: only norms above the target are penalised, ((|grad| - target)+)^2: WGAN-LP (Petzka
        et al. 2018, arXiv:1709.08894).

    Raises:
      ValueError: a number is negative or not finite.
    """
    check_weights(weight=weight, target=target)

    def penalty(critic, x_real, x_fake, rng):
        norms = root(squared_slopes(critic, between(x_real, x_fake, rng)))
        return weight * jnp.mean(excess(norms, target, one_sided))

    return penalty


def dragan(
    weight: float = 10.0, target: float = 1.0, spread: float = 0.5, one_sided: bool = False
) -> Penalty:
    """DRAGAN, weight * E (|grad_x D(x + d)| - target)^2 around the data (arXiv:1705.07215).

    Kodali et al. 2017. x + d lies uniformly on the line from a data point x to
    x + spread * std * u, with u uniform on [0, 1) in every coordinate and std the standard
    deviation of all numbers of the batch, as in the authors' released notebook.

    Args:
      weight: as in `wgan_gp`, as `target` and `one_sided`.
      target: at least 0.
      spread: c, at least 0.
      one_sided: only norms above the target are penalised.

    Raises:
      ValueError: a number is negative or not finite.
    """
    check_weights(weight=weight, target=target, spread=spread)

    def penalty(critic, x_real, x_fake, rng):
        del x_fake
        rng_far, rng_between = jax.random.split(rng)
        far = jax.random.uniform(rng_far, x_real.shape, x_real.dtype)
        x = between(x_real, x_real + spread * jnp.std(everyone(x_real)) * far, rng_between)
        return weight * jnp.mean(excess(root(squared_slopes(critic, x)), target, one_sided))

    return penalty
