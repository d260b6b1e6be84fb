"""Distributions with known modes: in the plane ring, grid and swiss roll, on the line a mixture.

All are sampled in closed form; nothing is stored.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

from ganjax.data.resident import Data


def _positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{name}={value} must be finite and greater than 0")


def _mixture(centres: jax.Array, std: float) -> Data:
    """Equal mixture of isotropic Gaussians at `centres` [modes, dim]."""

    def sample(train, rng, batch_size):
        del train
        rng_mode, rng_noise = jax.random.split(rng)
        y = jax.random.randint(rng_mode, (batch_size,), 0, centres.shape[0])
        x = centres[y] + std * jax.random.normal(rng_noise, (batch_size, centres.shape[1]))
        return {"x": x, "y": y}

    return Data(
        shape=centres.shape[1:],
        train={},
        test={},
        sample=sample,
        num_classes=centres.shape[0],
        centres=centres,
        std=std,
    )


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
    if modes < 1:
        raise ValueError(f"modes={modes} must be at least 1")
    _positive("radius", radius)
    _positive("std", std)
    angles = 2 * jnp.pi * jnp.arange(modes) / modes
    return _mixture(radius * jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=-1), std)


def grid(side: int = 5, spacing: float = 2.0, std: float = 0.05) -> Data:
    """side^2 Gaussians on a square grid around 0 (PacGAN's 25 modes, arXiv:1712.04086, section 4).

    Args:
      side: modes along one side, at least 1.
      spacing: distance between neighbours, greater than 0.
      std: standard deviation of each mode, greater than 0.

    Returns:
      Data with `x` [batch, 2] and the mode `y` [batch].

    Raises:
      ValueError: an argument is out of range.
    """
    if side < 1:
        raise ValueError(f"side={side} must be at least 1")
    _positive("spacing", spacing)
    _positive("std", std)
    ticks = spacing * (jnp.arange(side) - (side - 1) / 2)
    centres = jnp.stack(jnp.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    return _mixture(centres, std)


def swiss_roll(noise: float = 0.25, scale: float = 7.5) -> Data:
    """The swiss roll in the plane, as in the WGAN-GP toys (arXiv:1704.00028, released code).

    With t uniform on [1.5 pi, 4.5 pi]: x = (t cos t, t sin t) + noise * N(0, I), over `scale`.

    Args:
      noise: standard deviation before scaling, at least 0.
      scale: divisor of the coordinates, greater than 0.

    Returns:
      Data with `x` [batch, 2].

    Raises:
      ValueError: an argument is out of range.
    """
    if not 0 <= noise < math.inf:
        raise ValueError(f"noise={noise} must be finite and at least 0")
    _positive("scale", scale)

    def sample(train, rng, batch_size):
        del train
        rng_angle, rng_noise = jax.random.split(rng)
        t = 1.5 * jnp.pi * (1 + 2 * jax.random.uniform(rng_angle, (batch_size,)))
        curve = t[:, None] * jnp.stack([jnp.cos(t), jnp.sin(t)], axis=-1)
        return {"x": (curve + noise * jax.random.normal(rng_noise, (batch_size, 2))) / scale}

    return Data(shape=(2,), train={}, test={}, sample=sample)


def gaussian_mixture(
    weights: Sequence[float] = (0.75, 0.25),
    means: Sequence[float] = (-0.5, 1.5),
    stds: Sequence[float] = (0.6, 1.2),
) -> Data:
    """Gaussians on the line, sum of weights_k N(means_k, stds_k^2), with its density.

    By default a narrow component and a third as much of a wide one, chosen so that the Gaussians
    nearest to it under different f-divergences are far apart and each the only minimum. For f-GAN's
    univariate example (Nowozin et al. 2016, arXiv:1606.00709).

    Args:
      weights: of two components or more, each greater than 0, of sum 1.
      means: of the components, finite.
      stds: their standard deviations, greater than 0.

    Returns:
      Data with `x` [batch, 1] and the component `y` [batch]; `density` is that of `x`.

    Raises:
      ValueError: an argument is out of range, or they are not of one length.
    """
    if len(weights) < 2 or not len(weights) == len(means) == len(stds):
        raise ValueError(
            f"weights={weights}, means={means} and stds={stds} must be of one length, at least 2"
        )
    for weight in weights:
        _positive("weights", weight)
    for std in stds:
        _positive("stds", std)
    if not math.isclose(sum(weights), 1, abs_tol=1e-6):
        raise ValueError(f"weights={weights} must have the sum 1, not {sum(weights)}")
    if not all(map(math.isfinite, means)):
        raise ValueError(f"means={means} must be finite")

    def sample(train, rng, batch_size):
        del train
        rng_mode, rng_noise = jax.random.split(rng)
        y = jax.random.categorical(rng_mode, jnp.log(jnp.array(weights)), shape=(batch_size,))
        noise = jax.random.normal(rng_noise, (batch_size,))
        x = jnp.array(means, float)[y] + jnp.array(stds, float)[y] * noise
        return {"x": x[:, None], "y": y}

    def density(x):
        components = zip(weights, means, stds, strict=True)
        return sum(weight * norm.pdf(x, mean, std) for weight, mean, std in components)

    return Data(
        shape=(1,),
        train={},
        test={},
        sample=sample,
        num_classes=len(weights),
        density=density,
    )
