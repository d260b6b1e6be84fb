"""Losses with numbers to aim at: least squares (LSGAN) and energies with a margin (EBGAN)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ganjax import checks
from ganjax.losses.pair import wide, with_options


@with_options
def least_squares(
    a: float = -1.0, b: float = 1.0, c: float = 0.0
) -> tuple[Callable, Callable, Callable]:
    """LSGAN (Mao et al. 2017, equation 2, arXiv:1611.04076), its halves included.

    The discriminator descends E[(D(x) - b)^2] / 2 + E[(D(G(z)) - a)^2] / 2, the generator
    E[(D(G(z)) - c)^2] / 2. With b - c = 1 and b - a = 2, as by default, the generator's loss on
    samples and data together is half of the Pearson chi^2(p_data + p_gen || 2 p_gen) at the
    optimal discriminator. The paper's experiments have (a, b, c) = (0, 1, 1).

    Args:
      a: the discriminator's target on generated samples.
      b: its target on data; not a.
      c: the generator's target for it on generated samples.

    Raises:
      ValueError: a target is not finite, or a = b.
    """
    checks.within("(-inf, inf)", a=a, b=b, c=c)
    if a == b:
        raise ValueError(f"a={a} and b={b} must differ: they tell samples from data")

    def gen(logits_real, logits_fake):
        del logits_real
        (logits_fake,) = wide(logits_fake)
        return jnp.mean(jnp.square(logits_fake - c)) / 2

    def disc(logits_real, logits_fake):
        logits_real, logits_fake = wide(logits_real, logits_fake)
        real = jnp.mean(jnp.square(logits_real - b))
        return (real + jnp.mean(jnp.square(logits_fake - a))) / 2

    return gen, disc, lambda logits: (b - a) * (logits - (a + b) / 2)


@with_options
def energy_margin(margin: float = 10.0) -> tuple[Callable, Callable, Callable]:
    """EBGAN's losses on energies (Zhao et al. 2017, equations 1 and 2, arXiv:1609.03126).

    The discriminator descends E[D(x)] + E[(margin - D(G(z)))+], the generator E[D(G(z))]. Energies
    are low on data, and at least 0: the reconstruction error of an auto-encoder. That keeps the
    first term bounded; a discriminator of free logits needs a penalty such as `drift` here.

    Args:
      margin: m, above which the energy of samples is high enough, greater than 0.

    Raises:
      ValueError: the margin is out of range.
    """
    checks.within("(0, inf)", margin=margin)

    def gen(logits_real, logits_fake):
        del logits_real
        (logits_fake,) = wide(logits_fake)
        return jnp.mean(logits_fake)

    def disc(logits_real, logits_fake):
        logits_real, logits_fake = wide(logits_real, logits_fake)
        return jnp.mean(logits_real) + jnp.mean(jax.nn.relu(margin - logits_fake))

    return gen, disc, lambda logits: margin / 2 - logits
