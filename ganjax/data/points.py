"""Points known in closed form: mixtures and a spiral in the plane, a mixture on the line, domains.

They are drawn for every batch; nothing is stored but held-out pairs of domains.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

from ganjax.checks import whole, within
from ganjax.data.resident import Data

HELD_OUT = 1000  # pairs of points of two domains


def _mixture(centres: jax.Array, std: float) -> Data:
    """Equal mixture of isotropic Gaussians at `centres` [modes, dim]."""

    def sample(_, rng, batch_size):
        rng_mode, rng_noise = jax.random.split(rng)
        y = jax.random.randint(rng_mode, (batch_size,), 0, centres.shape[0])
        x = centres[y] + std * jax.random.normal(rng_noise, (batch_size, centres.shape[1]))
        return {"x": x, "y": y}

    modes, dim = centres.shape
    return Data((dim,), {}, {}, sample, num_classes=modes, centres=centres, std=std)


def ring(modes: int = 8, radius: float = 2.0, std: float = 0.02) -> Data:
    """Gaussians on a circle, at the angles 2 pi k / modes (Metz et al. 2017, arXiv:1611.02163).

    Paper: the original demo spaces the angles by `linspace(0, 2 pi, 8)`, both ends included, and so
    has 7 distinct modes, one of double weight. Here all `modes` are distinct.

    Args:
      modes: number of modes, at least 1.
      radius: of the circle, greater than 0.
      std: standard deviation of each mode, greater than 0.

    Returns:
      Data with `x` [batch, 2] and the mode `y` [batch].

    Raises:
      ValueError: an argument is out of range.
    """
    whole(1, modes=modes)
    within("(0, inf)", radius=radius, std=std)
    angles = 2 * jnp.pi * jnp.arange(modes) / modes
    return _mixture(radius * jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=-1), std)


def grid(side: int = 5, spacing: float = 2.0, std: float = 0.05) -> Data:
    """side^2 Gaussians on a square grid around 0 (PacGAN's 25 modes, arXiv:1712.04086, section 4).

    Args:
      side: modes along one side, at least 1.
      spacing: distance between neighbours, greater than 0.
      std: standard deviation of each mode, greater than 0.

    Returns, Raises: as `ring`.
    """
    whole(1, side=side)
    within("(0, inf)", spacing=spacing, std=std)
    ticks = spacing * (jnp.arange(side) - (side - 1) / 2)
    centres = jnp.stack(jnp.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    return _mixture(centres, std)


def swiss_roll(noise: float = 0.25, scale: float = 7.5) -> Data:
    """The swiss roll in the plane, as in the WGAN-GP toys (arXiv:1704.00028, released code).

    With t uniform on [1.5 pi, 4.5 pi]: x = (t cos t, t sin t) + noise * N(0, I), over `scale`.

    Args:
      noise: standard deviation before scaling, at least 0.
      scale: divisor of the coordinates, greater than 0.

    Returns: data with `x` [batch, 2].
    Raises: as `ring`.
    """
    within("[0, inf)", noise=noise)
    within("(0, inf)", scale=scale)

    def sample(_, rng, batch_size):
        rng_angle, rng_noise = jax.random.split(rng)
        t = 1.5 * jnp.pi * (1 + 2 * jax.random.uniform(rng_angle, (batch_size,)))
        curve = t[:, None] * jnp.stack([jnp.cos(t), jnp.sin(t)], axis=-1)
        return {"x": (curve + noise * jax.random.normal(rng_noise, (batch_size, 2))) / scale}

    return Data((2,), {}, {}, sample)


def gaussian_mixture(
    weights: Sequence[float] = (0.75, 0.25),
    means: Sequence[float] = (-0.5, 1.5),
    stds: Sequence[float] = (0.6, 1.2),
) -> Data:
    """Gaussians on the line, sum of weights_k N(means_k, stds_k^2), with its density.

    For f-GAN's univariate example (Nowozin et al. 2016, arXiv:1606.00709). With the default narrow
    component and a third as much of a wide one, the best Gaussians under different f-divergences
    are far apart, and each is the only minimum.

    Args:
      weights: of two components or more, each greater than 0, of sum 1.
      means: of the components, finite.
      stds: their standard deviations, greater than 0.

    Returns:
      Data with `x` [batch, 1] and the component `y` [batch]; `density` is that of `x`.

    Raises:
      ValueError: an argument is out of range, or the lengths differ.
    """
    if len(weights) < 2 or not len(weights) == len(means) == len(stds):
        raise ValueError(
            f"weights={weights}, means={means} and stds={stds} must be of one length, at least 2"
        )
    for weight, mean, std in zip(weights, means, stds, strict=True):
        within("(0, inf)", weights=weight, stds=std)
        within("(-inf, inf)", means=mean, hint="give finite means")
    if not math.isclose(sum(weights), 1, abs_tol=1e-6):
        raise ValueError(f"weights={weights} must have the sum 1, not {sum(weights)}")

    def sample(_, rng, batch_size):
        rng_mode, rng_noise = jax.random.split(rng)
        y = jax.random.categorical(rng_mode, jnp.log(jnp.array(weights)), shape=(batch_size,))
        noise = jax.random.normal(rng_noise, (batch_size,))
        x = jnp.array(means, float)[y] + jnp.array(stds, float)[y] * noise
        return {"x": x[:, None], "y": y}

    def density(x):
        components = zip(weights, means, stds, strict=True)
        return sum(weight * norm.pdf(x, mean, std) for weight, mean, std in components)

    return Data((1,), {}, {}, sample, num_classes=len(weights), density=density)


def affine_domains(
    slope: float = 1.5, offset: float = -1.0, concentration: float = 2.0, dim: int = 1
) -> Data:
    """Skewed points a, and points b distributed as slope * a + offset, drawn independently.

    The coordinates of a are independent, (g - k) / sqrt(k) with g ~ Gamma(k): mean 0, variance 1
    and skewness 2 / sqrt(k). On the line no other affine map carries one distribution to the other.

    Args:
      slope: not 0.
      offset: finite.
      concentration: k, greater than 0.
      dim: number of coordinates, at least 1.

    Returns:
      Data with unpaired `a` and `b` [batch, dim]; the 1,000 held-out examples are pairs, b being
      the translation of a.

    Raises:
      ValueError: an argument is out of range.
    """
    if slope == 0:
        raise ValueError("slope=0 maps every point to one; give another slope")
    within("(-inf, inf)", slope=slope, offset=offset)
    within("(0, inf)", concentration=concentration)
    whole(1, dim=dim)

    def draw(rng, n):
        skewed = jax.random.gamma(rng, concentration, (n, dim))
        return (skewed - concentration) / math.sqrt(concentration)

    def sample(_, rng, batch_size):
        rng_a, rng_b = jax.random.split(rng)
        return {"a": draw(rng_a, batch_size), "b": slope * draw(rng_b, batch_size) + offset}

    a = draw(jax.random.key(0), HELD_OUT)
    return Data((dim,), {}, {"a": a, "b": slope * a + offset}, sample, pairs_held_out=True)
