"""Precision, recall, density and coverage: balls around samples as their manifold.

Memory grows with the samples, not with pairs of them: distances are taken in blocks of rows.
"""

from typing import NamedTuple

import numpy as np

from ganjax.checks import whole
from ganjax.metrics.distances import nearest_distances
from ganjax.metrics.finite import compared

BLOCK = 2**22  # distances held at once: 32 MiB
ROUNDING = 1e-13  # of the largest squared norm


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


def squared_norms(x: np.ndarray) -> np.ndarray:
    """|x|^2 of every row [n]."""
    return np.einsum("ij,ij->i", x, x)


def slack(a: np.ndarray, b: np.ndarray) -> float:
    """More than the rounding of |x - y|^2 = |x|^2 + |y|^2 - 2 x.y of rows of a and b."""
    return ROUNDING * max(squared_norms(a).max(), squared_norms(b).max())


def _radii(centres: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance of every row [n, dim] to its k-th nearest other row [n]."""
    from sklearn.neighbors import NearestNeighbors  # 0.7 s: after the checks

    search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(centres)
    return search.kneighbors()[0][:, -1]


def _balls_around(points: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Number of closed balls that each point is in [points].

    |p - c|^2 <= r^2 is p.c + (r^2 - |c|^2) / 2 >= |p|^2 / 2.
    """
    reach = (radii**2 + slack(points, centres) - squared_norms(centres)) / 2
    own = squared_norms(points)[:, None] / 2
    size = max(1, BLOCK // len(centres))
    return np.concatenate(
        [
            (points[i : i + size] @ centres.T + reach >= own[i : i + size]).sum(1)
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
    nearest other sample of its set. Libraries disagree: the paper's code takes k = 3;
    torch-fidelity takes k = 3 and the *generated* set first; prdc takes the real set first, has no
    default k, and its balls are open, which matters where distances tie. Swapped sets swap
    precision with recall.

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
        precision=_share_inside(generated, real, neighbours),
        recall=_share_inside(real, generated, neighbours),
    )


def _share_inside(points: np.ndarray, centres: np.ndarray, neighbours: int) -> float:
    return float((_balls_around(points, centres, _radii(centres, neighbours)) > 0).mean())


def density_coverage(
    *, real: np.ndarray, generated: np.ndarray, neighbours: int = 5
) -> DensityCoverage:
    """Density and coverage (Naeem et al. 2020, arXiv:2002.09797, section 3).

    Only real samples have balls, so outliers among the generated enlarge nothing. For N real and M
    generated samples of one distribution the expected coverage is
    1 - prod_(i=1..k) (N - i) / (N + M - i), near 1 - 2^-k for equal numbers.

    Balls, arguments and errors are those of `precision_recall`.
    """
    real, generated = _checked(real, generated, neighbours)
    radii, nearest = _radii(real, neighbours), nearest_distances(real, generated)
    return DensityCoverage(
        density=float(_balls_around(generated, real, radii).mean() / neighbours),
        coverage=float((nearest**2 <= radii**2 + slack(real, generated)).mean()),
    )


def over_generalisation(*, real: np.ndarray, generated: np.ndarray, neighbours: int = 5) -> float:
    """Share of generated samples outside the real manifold: 1 - precision of `precision_recall`.

    Held-out real samples score above 0 too: give their score beside it. Of mixtures with known
    modes, `ModeCoverage.over_generalisation` is exact.
    """
    real, generated = _checked(real, generated, neighbours)
    return 1 - _share_inside(generated, real, neighbours)
