"""Penalties on the critic's values: differences between points, under changes, and their level."""

import jax
import jax.numpy as jnp

from ganjax import checks
from ganjax.augmentations import Augmentation, diff_augment
from ganjax.penalties.critic import (
    Penalty,
    check_pairs,
    check_weights,
    excess,
    squares,
    wide,
)
from ganjax.penalties.memory import WithMemory

FLIPS_AND_SHIFTS = diff_augment(("flip", "translate"))


def lipschitz_penalty(weight: float = 10.0, target: float = 1.0) -> Penalty:
    """weight * E ((|f(x) - f(y)| / |x - y| - target)+)^2 over pairs of data x and samples y.

    The Lipschitz condition itself on pairs of points, not its consequence for slopes (discussed
    beside WGAN-LP by Petzka et al. 2018, arXiv:1709.08894). No derivative by x is needed, so it
    costs no double backward pass; it is `wgan_gp(one_sided=True)` for a critic that is linear
    between the pairs. Pairs are made by position, at random for independent draws; a pair of equal
    points counts 0.

    Args:
      weight: at least 0.
      target: Lipschitz constant above which the quotient is penalised, at least 0.

    Raises:
      ValueError: a number is negative or not finite.
    """
    check_weights(weight=weight, target=target)

    def penalty(critic, x_real, x_fake, rng):
        del rng
        check_pairs(x_real, x_fake)
        apart = squares(x_real - x_fake)
        equal = apart == 0
        rise = jnp.abs(wide(critic(x_real)) - wide(critic(x_fake)))
        quotient = jnp.where(equal, 0.0, rise / jnp.sqrt(jnp.where(equal, 1.0, apart)))
        return weight * jnp.mean(excess(quotient, target, one_sided=True))

    return penalty


def approximate_r1(weight: float = 100.0, std: float = 0.1) -> Penalty:
    """weight * E_data (D(x) - D(x + std e))^2, e ~ N(0, I) (Lin et al. 2025, arXiv:2501.08316).

    R1 without a second backward pass. Where the critic is linear within `std` its expectation is
    that of `r1` with gamma = 2 weight std^2.

    Args:
      weight: lambda, at least 0; the paper takes 100.
      std: sigma, at least 0, in units of x; the paper takes 0.01 on images, 0.1 on videos.

    Raises:
      ValueError: a number is negative or not finite.
    """
    check_weights(weight=weight, std=std)

    def penalty(critic, x_real, x_fake, rng):
        del x_fake
        noise = jnp.asarray(std, x_real.dtype) * jax.random.normal(rng, x_real.shape, x_real.dtype)
        rise = wide(critic(x_real)) - wide(critic(x_real + noise))
        return weight * jnp.mean(jnp.square(rise))

    return penalty


def lecam(weight: float = 0.3, decay: float = 0.99) -> WithMemory:
    """LeCam, weight (E_data (D(x) - a_fake)^2 + E_gen (D(x) - a_real)^2), for few data.

    Tseng et al. 2021 (equations 4 to 6, arXiv:2104.03310): a_real and a_fake are moving averages of
    the critic's mean on data and on samples, 0 at first. No gradient passes through them.

    Args:
      weight: lambda, at least 0; the paper takes 0.3 with BigGAN, 0.01 with StyleGAN2.
      decay: of the averages, at least 0 and less than 1.

    Raises:
      ValueError: a number is out of range.
    """
    check_weights(weight=weight)
    checks.within("[0, 1)", decay=decay, hint="e.g. 0.99")

    def init(x_real):
        del x_real
        return {"real": jnp.zeros(()), "fake": jnp.zeros(())}

    def apply(memory, critic, x_real, x_fake, rng):
        del rng
        real, fake = wide(critic(x_real)), wide(critic(x_fake))
        value = jnp.mean(jnp.square(real - memory["fake"]))
        value += jnp.mean(jnp.square(fake - memory["real"]))
        means = {"real": jnp.mean(real), "fake": jnp.mean(fake)}
        following = {
            key: (decay * memory[key] + (1 - decay) * mean).astype(memory[key].dtype)
            for key, mean in means.items()
        }
        return weight * value, following

    return WithMemory(init, apply)


def consistency(
    weight: float = 10.0,
    fake_weight: float = 0.0,
    augment: Augmentation = FLIPS_AND_SHIFTS,
) -> Penalty:
    """CR-GAN, weight * E_data |D(x) - D(T(x))|^2 (Zhang et al. 2020, arXiv:1910.12027).

    With `fake_weight` the balanced form, the same on samples (bCR, Zhao et al. 2020,
    arXiv:2002.04724). The gradient goes through both terms of the difference. It costs a forward
    pass on T(x); that on x is shared with the loss by the compiler.

    Args:
      weight: on data, at least 0; the paper takes 10.
      fake_weight: on generated samples, at least 0.
      augment: T, `(x, rng) -> x`; by default flips and shifts, which need images. One that is
        annealed stays at its start here.

    Raises:
      ValueError: a weight is negative or not finite; while tracing, samples that T cannot change.
    """
    check_weights(weight=weight, fake_weight=fake_weight)

    def penalty(critic, x_real, x_fake, rng):
        rng_real, rng_fake = jax.random.split(rng)

        def apart(x, rng):
            return jnp.mean(jnp.square(wide(critic(x)) - wide(critic(augment(x, rng)))))

        value = weight * apart(x_real, rng_real)
        return value + fake_weight * apart(x_fake, rng_fake) if fake_weight else value

    return penalty


def drift(weight: float = 1e-3) -> Penalty:
    """weight * E_data D(x)^2, which keeps a critic's level from drifting (arXiv:1710.10196).

    Karras et al. 2018, appendix A.1, with a weight epsilon of 0.001: beside `wgan_gp`, whose loss
    does not see a constant added to the critic. Free, as the critic has been evaluated on the data.
    ValueError for a weight that is negative or not finite.
    """
    check_weights(weight=weight)

    def penalty(critic, x_real, x_fake, rng):
        del x_fake, rng
        return weight * jnp.mean(jnp.square(wide(critic(x_real))))

    return penalty
