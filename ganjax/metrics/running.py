"""Mean and covariance of features that arrive in batches, on one device or on many."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ganjax.metrics.finite import finite, rows, same_dim


class Moments(NamedTuple):
    """The first two moments of a set of features: all that `frechet_distance` needs of it.

    Attributes:
      n: number of samples.
      mean: [dim].
      scatter: sum over samples of (x - mean) (x - mean)^T, [dim, dim].
    """

    n: int
    mean: np.ndarray
    scatter: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        """Over n - 1, [dim, dim]."""
        return self.scatter / (self.n - 1)


def moments(features: ArrayLike) -> Moments:
    """Moments of one batch.

    Args:
      features: [samples >= 1, dim], finite.

    Raises:
      ValueError: another shape, or not finite.
    """
    features = rows("features", features)
    mean = features.mean(0)
    centred = features - mean
    return Moments(len(features), mean, centred.T @ centred)


def joined(a: Moments, b: Moments) -> Moments:
    """Moments of the union of two sets (Chan, Golub & LeVeque 1979).

    Associative and commutative up to rounding, so batches, devices and processes join in any
    order: `functools.reduce(joined, map(moments, batches))`. Differences of means are squared, not
    sums of squares subtracted, so that a large mean costs no digits.

    Raises:
      ValueError: the dims differ.
    """
    same_dim(a.mean.size, b.mean.size)
    n, step = a.n + b.n, b.mean - a.mean
    between = np.outer(step, step) * (a.n * b.n / n)
    return Moments(n, a.mean + step * (b.n / n), a.scatter + b.scatter + between)


def factored(name: str, moments: Moments) -> tuple[np.ndarray, np.ndarray]:
    """The mean [dim] and R [dim, dim] with R^T R the covariance.

    Raises:
      ValueError: fewer than 2 samples, a scatter that is not [dim, dim], or not finite, by name.
    """
    mean, scatter = finite(f"{name}.mean", moments.mean), finite(f"{name}.scatter", moments.scatter)
    if moments.n < 2 or scatter.shape != (mean.size, mean.size):
        raise ValueError(
            f"expected {name}: moments of 2 or more samples with a scatter [dim, dim], got "
            f"{int(moments.n)} samples, mean {mean.shape} and scatter {scatter.shape}"
        )
    values, vectors = np.linalg.eigh(scatter / (moments.n - 1))
    # An eigenvalue is below 0 by rounding alone.
    return mean, np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
