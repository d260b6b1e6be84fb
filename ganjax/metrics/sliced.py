"""The sliced Wasserstein distance of two sets of features."""

import numpy as np
from scipy.stats import wasserstein_distance

from ganjax.checks import whole
from ganjax.metrics.finite import compared

BLOCK = 32  # directions projected at once


def sliced_wasserstein(
    *, real: np.ndarray, generated: np.ndarray, projections: int = 512, seed: int = 0
) -> float:
    """Mean 1-Wasserstein distance of projections onto random unit directions (Rabin et al. 2012).

    Karras et al. 2018 (arXiv:1710.10196, section 5) take the same distance of 7x7 patches of a
    Laplacian pyramid, normalised by channel, times 1,000; this is the plain distance of any
    features. Others take the root of the mean squared 2-Wasserstein distance.

    Args:
      real: [samples, dim], finite.
      generated: [samples, dim]; the numbers of samples may differ.
      projections: number of directions.
      seed: of the directions.

    Returns:
      The distance, at least 0, in the units of the features.

    Raises:
      ValueError: a set is not [samples, dim] or not finite, by name, or the dims differ.
    """
    real, generated = compared(real, generated)
    whole(1, projections=projections)
    directions = np.random.default_rng(seed).standard_normal((projections, real.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    values = []
    for i in range(0, projections, BLOCK):
        block = directions[i : i + BLOCK].T
        pairs = zip((real @ block).T, (generated @ block).T, strict=True)
        values += [wasserstein_distance(x, y) for x, y in pairs]
    return float(np.mean(values))
