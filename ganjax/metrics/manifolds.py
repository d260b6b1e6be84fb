"""Precision, recall, density and coverage: balls around samples as their manifold.

Memory grows with the samples, not with pairs of them: distances are taken in blocks of rows.
"""

from typing import NamedTuple

import numpy as np

from ganjax.checks import whole
from ganjax.metrics.distances import nearest_distances
from ganjax.metrics.finite import compared

BLOCK = 2**22  # distances held at once: 32 MiB
ROUNDING = 1e-13  # of the largest squared norm: the slack of squared distances by a product


class PrecisionRecall(NamedTuple):
    """Shares of samples inside the other set's manifold.

    Attributes:
      precision: of generated samples inside the real manifold.
      recall: of real samples inside the generated manifold.
    """

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Generated samples in balls around real ones.

    Attributes:
      density: mean number of real balls around a generated sample, over `neighbours`; 1 is expected
        of samples of the real distribution, and it may be larger.
      coverage: share of real balls that hold a generated sample.
    """

    density: float
    coverage: float


def _radii(centres: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance of every row [n, dim] to its k-th nearest other row [n]."""
    from sklearn.neighbors import NearestNeighbors  # 0.7 s: after the checks

    search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(centres)
    return search.kneighbors()[0][:, -1]


def _squared_norms(x: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", x, x)


def _balls_around(points: np.ndarray, centres: np.ndarray, neighbours: int) -> np.ndarray:
    """Number of closed balls around `centres` that each point is in [points].

    |p - c|^2 <= r^2 is p.c + (r^2 - |c|^2) / 2 >= |p|^2 / 2.
    """
    norms, own = _squared_norms(centres), _squared_norms(points)
    slack = ROUNDING * max(norms.max(), own.max())
    reach = (_radii(centres, neighbours) ** 2 + slack - norms) / 2
    size = max(1, BLOCK // len(centres))
    return np.concatenate(
        [
            (points[i : i + size] @ centres.T + reach >= own[i : i + size, None] / 2).sum(1)
            for i in range(0, len(points), size)
        ]
    )


def _checked(
    real: np.ndarray, generated: np.ndarray, neighbours: int
) -> tuple[np.ndarray, np.ndarray]:
    real, generated = compared(real, generated, least=2)
    most = min(len(real), len(generated)) - 1
    whole(1, most, neighbours=neighbours, hint="a sample has fewer others than the smaller set")
    return real, generated


def precision_recall(
    *, real: np.ndarray, generated: np.ndarray, neighbours: int = 5
) -> PrecisionRecall:
    """Improved precision and recall (Kynkaanniemi et al. 2019, arXiv:1904.06991, section 2).

    A set's manifold is the union of closed balls around its samples, each reaching to the k-th
    nearest other sample of its set. Libraries disagree: the paper's code takes k = 3, prdc has no
    default and open balls, torch-fidelity takes k = 3 and the *generated* set first, prdc the real
    one; swapped arguments swap precision with recall.

    Args:
      real: [samples, dim], finite.
      generated: [samples, dim]; compare scores of equal numbers only.
      neighbours: k.

    Raises:
      ValueError: a set is not [samples > neighbours, dim] or not finite, by name, or the dims
        differ.
    """
    real, generated = _checked(real, generated, neighbours)
    return PrecisionRecall(
        precision=float((_balls_around(generated, real, neighbours) > 0).mean()),
        recall=float((_balls_around(real, generated, neighbours) > 0).mean()),
    )


def density_coverage(
    *, real: np.ndarray, generated: np.ndarray, neighbours: int = 5
) -> DensityCoverage:
    """Density and coverage (Naeem et al. 2020, arXiv:2002.09797, section 3).

    Only real samples have balls, so outliers among the generated enlarge nothing. For N real and M
    generated samples of one distribution the expected coverage is
    1 - prod_(i=1..k) (N - i) / (N + M - i), near 1 - 2^-k for equal numbers.

    Args, raises: as `precision_recall`. Paper: balls are closed; prdc's are open, which matters
    where distances tie.
    """
    real, generated = _checked(real, generated, neighbours)
    nearest = nearest_distances(real, generated)
    slack = ROUNDING * max(_squared_norms(real).max(), _squared_norms(generated).max())
    return DensityCoverage(
        density=float(_balls_around(generated, real, neighbours).mean() / neighbours),
        coverage=float((nearest**2 <= _radii(real, neighbours) ** 2 + slack).mean()),
    )


def over_generalisation(*, real: np.ndarray, generated: np.ndarray, neighbours: int = 5) -> float:
    """Share of generated samples outside the real manifold: 1 - precision of `precision_recall`.

    Of mixtures with known modes, `ModeCoverage.over_generalisation` is exact. Held-out real samples
    score above 0 too: give their score beside it.
    """
    real, generated = _checked(real, generated, neighbours)
    return float((_balls_around(generated, real, neighbours) == 0).mean())
