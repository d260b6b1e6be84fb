"""Adversarial losses: pairs of functions `(logits_real, logits_fake) -> scalar`.

Each player descends its own. A loss knows logits alone: not which network made them, nor who moves
first. Gradient penalties live in `penalties.py`. A loss with options is used as it is, or called
for another variant: `least_squares`, `least_squares(a=0.0, b=1.0, c=1.0)`.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganjax import divergences

Logits = jax.Array


class AdversarialLoss(NamedTuple):
    """Both players' losses, each `(logits_real [batch], logits_fake [batch]) -> scalar`."""

    gen: Callable[[Logits, Logits], jax.Array]
    disc: Callable[[Logits, Logits], jax.Array]

    def realness(self, logits: Logits) -> jax.Array:
        """Above 0 where the discriminator calls a sample real, for its accuracy: the logits."""
        return logits


class LossWithOptions(AdversarialLoss):
    """A loss that is one of several.

    Attributes:
      realness: as in `AdversarialLoss`.
      variant: makes the same loss with other options.
    """

    realness: Callable[[Logits], jax.Array]
    variant: Callable[..., AdversarialLoss]

    def __call__(self, *arguments: Any, **options: Any) -> AdversarialLoss:
        """The same loss with other options, e.g. `f_gan("kl")`, `energy_margin(margin=5.0)`.

        Raises:
          TypeError: an unknown option.
          ValueError: an option is out of range.
        """
        return self.variant(*arguments, **options)


def _with_options(factory: Callable[..., tuple]) -> LossWithOptions:
    """The loss of a factory of (gen, disc, realness), with its default options."""

    @functools.wraps(factory)
    def variant(*arguments, **options):
        gen, disc, realness = factory(*arguments, **options)
        loss = LossWithOptions(gen, disc)
        loss.realness, loss.variant = realness, variant
        return loss

    return variant()


def _logits(logits: Logits) -> jax.Array:
    """Realness where a logit of 0 is undecided."""
    return logits


def _wide(*logits: Logits) -> tuple[Logits, ...]:
    """Logits in float32 at least, so that a bfloat16 network is judged in full precision."""
    return tuple(x.astype(jnp.promote_types(x.dtype, jnp.float32)) for x in logits)


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
    logits_real, logits_fake = _wide(logits_real, logits_fake)
    # -(1 - s) log D - s log(1 - D) = softplus(-logit) + s logit.
    real = jnp.mean(jax.nn.softplus(-logits_real) + label_smoothing * logits_real)
    return real + jnp.mean(jax.nn.softplus(logits_fake))


def minimax_gen_loss(
    logits_real: Logits, logits_fake: Logits, *, label_smoothing: float = 0.0
) -> jax.Array:
    """Generator loss V = E[log D(x)] + E[log(1 - D(G(z)))] (arXiv:1406.2661, equation 1).

    The whole value, so that the game is exactly zero-sum. The term on data is constant for a
    generator that meets a fixed discriminator; it is not for one that looks ahead through the
    discriminator's updates (unrolled play), which is why it is kept.

    Args:
      logits_real: discriminator outputs on data before the sigmoid, [batch].
      logits_fake: the same on generated samples, [batch].
      label_smoothing: as in `binary_disc_loss`.

    Returns:
      Scalar mean over the batch, in nats; its gradient vanishes where D rejects with confidence.
    """
    return -binary_disc_loss(logits_real, logits_fake, label_smoothing=label_smoothing)


def non_saturating_gen_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """Generator loss -E[log D(G(z))] (Goodfellow et al. 2014, section 3, arXiv:1406.2661).

    Computed as softplus(-logits_fake), finite for any float32 logit.

    Args:
      logits_real: unused; part of the shelf's signature, [batch].
      logits_fake: discriminator outputs on generated samples before the sigmoid, [batch].

    Returns:
      Scalar mean over the batch, in nats.
    """
    del logits_real
    (logits_fake,) = _wide(logits_fake)
    return jnp.mean(jax.nn.softplus(-logits_fake))


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
    logits_real, logits_fake = _wide(logits_real, logits_fake)
    return jnp.mean(logits_fake) - jnp.mean(logits_real)


def wasserstein_gen_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """Generator loss E[f(x)] - E[f(G(z))] (arXiv:1701.07875, equation 2), the critic's negative.

    The whole value, so that the game is exactly zero-sum, as in `minimax_gen_loss`.

    Args:
      logits_real: critic outputs on data, [batch].
      logits_fake: the same on generated samples, [batch].

    Returns:
      Scalar difference of means over the batch, in units of the critic.
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
    logits_real, logits_fake = _wide(logits_real, logits_fake)
    return jnp.mean(jax.nn.relu(1 - logits_real)) + jnp.mean(jax.nn.relu(1 + logits_fake))


def hinge_gen_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """Generator loss -E[D(G(z))] (arXiv:1802.05957, section 4).

    Args:
      logits_real: unused; part of the shelf's signature, [batch].
      logits_fake: discriminator outputs on generated samples, [batch].

    Returns:
      Scalar mean over the batch, in units of the logit.
    """
    del logits_real
    (logits_fake,) = _wide(logits_fake)
    return -jnp.mean(logits_fake)


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
    logits_real, logits_fake = _wide(logits_real, logits_fake)
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
    logits_real, logits_fake = _wide(logits_real, logits_fake)
    mean_real, mean_fake = jnp.mean(logits_real), jnp.mean(logits_fake)
    real = jnp.mean(jax.nn.softplus(mean_fake - logits_real))
    return real + jnp.mean(jax.nn.softplus(logits_fake - mean_real))


def relativistic_average_gen_loss(logits_real: Logits, logits_fake: Logits) -> jax.Array:
    """RaSGAN's generator; all else as `relativistic_average_disc_loss`, with the two exchanged."""
    return relativistic_average_disc_loss(logits_fake, logits_real)


def _finite(**values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{name}={value} must be finite")


def _smoothing(label_smoothing: float) -> None:
    if not 0 <= label_smoothing < 1:
        raise ValueError(
            f"label_smoothing={label_smoothing} must be at least 0 and below 1; the target on data "
            "is 1 - label_smoothing, e.g. 0.1"
        )


@_with_options
def minimax(label_smoothing: float = 0.0) -> tuple[Callable, Callable, Callable]:
    """The original GAN as a zero-sum game: `minimax_gen_loss`, `binary_disc_loss`.

    Args:
      label_smoothing: one-sided, at least 0 and below 1.

    Raises:
      ValueError: the smoothing is out of range.
    """
    _smoothing(label_smoothing)
    gen = functools.partial(minimax_gen_loss, label_smoothing=label_smoothing)
    disc = functools.partial(binary_disc_loss, label_smoothing=label_smoothing)
    return gen, disc, _logits


@_with_options
def non_saturating(label_smoothing: float = 0.0) -> tuple[Callable, Callable, Callable]:
    """`non_saturating_gen_loss` against `binary_disc_loss`.

    Args:
      label_smoothing: one-sided, at least 0 and below 1; of the discriminator.

    Raises:
      ValueError: the smoothing is out of range.
    """
    _smoothing(label_smoothing)
    disc = functools.partial(binary_disc_loss, label_smoothing=label_smoothing)
    return non_saturating_gen_loss, disc, _logits


@_with_options
def least_squares(
    a: float = -1.0, b: float = 1.0, c: float = 0.0
) -> tuple[Callable, Callable, Callable]:
    """LSGAN (Mao et al. 2017, equation 2, arXiv:1611.04076), its halves included.

    The discriminator descends E[(D(x) - b)^2] / 2 + E[(D(G(z)) - a)^2] / 2, the generator
    E[(D(G(z)) - c)^2] / 2. With b - c = 1 and b - a = 2, as by default, the generator's loss on
    samples and data together is half of the Pearson chi^2(p_data + p_gen || 2 p_gen) at the
    optimal discriminator. The paper's experiments have (a, b, c) = (0, 1, 1).

    Args:
      a: what the discriminator should say of generated samples.
      b: what it should say of data; not a.
      c: what the generator wants it to say of generated samples.

    Raises:
      ValueError: a target is not finite, or a = b.
    """
    _finite(a=a, b=b, c=c)
    if a == b:
        raise ValueError(f"a={a} and b={b} must differ: they are what tells samples from data")

    def gen(logits_real, logits_fake):
        del logits_real
        (logits_fake,) = _wide(logits_fake)
        return jnp.mean(jnp.square(logits_fake - c)) / 2

    def disc(logits_real, logits_fake):
        logits_real, logits_fake = _wide(logits_real, logits_fake)
        real = jnp.mean(jnp.square(logits_real - b))
        return (real + jnp.mean(jnp.square(logits_fake - a))) / 2

    return gen, disc, lambda logits: (b - a) * (logits - (a + b) / 2)


@_with_options
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
    if not 0 < margin < math.inf:
        raise ValueError(f"margin={margin} must be finite and greater than 0")

    def gen(logits_real, logits_fake):
        del logits_real
        (logits_fake,) = _wide(logits_fake)
        return jnp.mean(logits_fake)

    def disc(logits_real, logits_fake):
        logits_real, logits_fake = _wide(logits_real, logits_fake)
        return jnp.mean(logits_real) + jnp.mean(jax.nn.relu(margin - logits_fake))

    return gen, disc, lambda logits: margin / 2 - logits


@_with_options
def f_gan(
    divergence: str | divergences.Divergence = "jensen_shannon", gen: str = "minimise"
) -> tuple[Callable, Callable, Callable]:
    """f-GAN: F = E[g_f(V(x))] - E[f*(g_f(V(G(z))))] (Nowozin et al. 2016, arXiv:1606.00709).

    Its equation 6. The discriminator ascends F, which at its optimum is D_f(P_data || P_gen). It
    calls a sample real where g_f(V) is above the threshold f'(1).

    Args:
      divergence: a row of `divergences.DIVERGENCES` or its name.
      gen: what the generator descends. "minimise": F itself, the whole value, so that the game is
        zero-sum. "trick": -E[g_f(V(G(z)))], the paper's section 3.2, which keeps its slope where
        the critic rejects with confidence; with the divergence "gan" it is the non-saturating loss.

    Raises:
      ValueError: unknown divergence or `gen`.
    """
    row = divergences.named(divergence)
    if gen not in ("minimise", "trick"):
        raise ValueError(f"gen={gen!r} must be 'minimise' or 'trick'")

    def value(logits_real, logits_fake):
        logits_real, logits_fake = _wide(logits_real, logits_fake)
        real = jnp.mean(row.output_activation(logits_real))
        return real - jnp.mean(row.conjugate_of_output(logits_fake))

    def trick(logits_real, logits_fake):
        del logits_real
        (logits_fake,) = _wide(logits_fake)
        return -jnp.mean(row.output_activation(logits_fake))

    def disc(logits_real, logits_fake):
        return -value(logits_real, logits_fake)

    def realness(logits):
        return row.output_activation(logits) - row.threshold

    return value if gen == "minimise" else trick, disc, realness


wasserstein = AdversarialLoss(gen=wasserstein_gen_loss, disc=wasserstein_disc_loss)
hinge = AdversarialLoss(gen=hinge_gen_loss, disc=hinge_disc_loss)
relativistic = AdversarialLoss(gen=relativistic_gen_loss, disc=relativistic_disc_loss)
relativistic_average = AdversarialLoss(
    gen=relativistic_average_gen_loss, disc=relativistic_average_disc_loss
)

LOSSES = {
    "energy_margin": energy_margin,
    "f_gan": f_gan,
    "hinge": hinge,
    "least_squares": least_squares,
    "minimax": minimax,
    "non_saturating": non_saturating,
    "relativistic": relativistic,
    "relativistic_average": relativistic_average,
    "wasserstein": wasserstein,
}
