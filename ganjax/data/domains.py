"""Two domains without pairs: points related by a known affine map, crops of two photographs."""

import math

import jax
import jax.numpy as jnp

from ganjax.data.crops import photographs, raster, sample_crops
from ganjax.data.resident import Data

HELD_OUT = 1000  # pairs of points kept for scores


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
      Data with unpaired `a` and `b` [batch, dim]. The 1,000 held-out examples are pairs: their b is
      what their a should be translated to.

    Raises:
      ValueError: an argument is out of range.
    """
    if slope == 0 or not math.isfinite(slope) or not math.isfinite(offset):
        raise ValueError(f"slope={slope} and offset={offset} must be finite, and slope not 0")
    if not 0 < concentration < math.inf:
        raise ValueError(f"concentration={concentration} must be finite and greater than 0")
    if dim < 1:
        raise ValueError(f"dim={dim} must be at least 1")

    def draw(rng, n):
        skewed = jax.random.gamma(rng, concentration, (n, dim))
        return (skewed - concentration) / math.sqrt(concentration)

    def sample(train, rng, batch_size):
        del train
        rng_a, rng_b = jax.random.split(rng)
        return {"a": draw(rng_a, batch_size), "b": slope * draw(rng_b, batch_size) + offset}

    a = draw(jax.random.key(0), HELD_OUT)
    return Data(shape=(dim,), train={}, test={"a": a, "b": slope * a + offset}, sample=sample)


def photograph_domains(size: int = 32, shrink: int = 2) -> Data:
    """Crops of two real photographs, one domain each: a pagoda by a lake and a dahlia.

    See `crops.photographs`. No training crop has a pixel of the held-out part.

    Args:
      size: side of a crop, at least 4.
      shrink: whole factor by which the photographs, 427x640, are made smaller first.

    Returns:
      Data with unpaired `a` (the pagoda) and `b` (the dahlia) [batch, size, size, 3] in [-1, 1],
      each crop from a place of its own; the held-out examples are crops half their size apart.

    Raises:
      ValueError: an argument is out of range.
    """
    left, right, held_out = photographs(size, shrink)
    train = {}
    for which, domain in enumerate("ab"):
        train[f"{domain}_left"] = jnp.asarray(left[which : which + 1])
        train[f"{domain}_right"] = jnp.asarray(right[which : which + 1])

    def sample(train, rng, batch_size):
        return {
            domain: sample_crops(
                train[f"{domain}_left"], train[f"{domain}_right"], rng, batch_size, size
            )
            for domain, rng in zip("ab", jax.random.split(rng), strict=True)
        }

    test = {
        domain: jnp.asarray(raster([held_out[which : which + 1]], size, stride=size // 2))
        for which, domain in enumerate("ab")
    }
    return Data(shape=(size, size, 3), train=train, test=test, sample=sample)
