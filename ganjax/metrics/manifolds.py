"""Precision, recall, density and coverage: balls around samples as their manifold.

Memory grows with the samples, not with pairs of them: distances are taken in blocks of rows.
"""

from typing import NamedTuple

import numpy as np

from ganjax.checks import whole
from ganjax.metrics.finite import compared
from ganjax.metrics.remembered import remembered

BLOCK = 2**20  # distances held at once: 8 MiB
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


@remembered
def _radii(centres: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance of every row [n, dim] to its k-th nearest other row [n]."""
    from sklearn.neighbors import NearestNeighbors  # 0.7 s: after the checks

    search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(centres)
    return search.kneighbors()[0][:, -1]


def _inside(real: np.ndarray, generated: np.ndarray, neighbours: int) -> tuple[np.ndarray, ...]:
    """Who lies in whose closed balls, all pairs in one pass.

    |r - g|^2 <= t^2 is r.g + (t^2 - |r|^2) / 2 >= |g|^2 / 2, and likewise with both exchanged.

    Returns:
      Number of real balls around each generated sample; whether each real ball holds a generated
      sample; whether each real sample is in a generated ball.
    """
    equal, (of_real, of_generated) = slack(real, generated), map(squared_norms, (real, generated))
    reach = (_radii(real, neighbours) ** 2 + equal - of_real) / 2
    of_others = (_radii(generated, neighbours) ** 2 + equal - of_generated) / 2
    balls = np.zeros(len(generated), int)
    holds, covered = [], []
    size = max(1, BLOCK // len(generated))
    for i in range(0, len(real), size):
        rows = slice(i, i + size)
        products = real[rows] @ generated.T
        inside = products + reach[rows, None] >= of_generated / 2
        balls += inside.sum(0)
        holds.append(inside.any(1))
        covered.append((products + of_others >= of_real[rows, None] / 2).any(1))
    return balls, np.concatenate(holds), np.concatenate(covered)


def manifold_scores(
    *, real: np.ndarray, generated: np.ndarray, neighbours: int = 5
) -> tuple[PrecisionRecall, DensityCoverage]:
    """`precision_recall` and `density_coverage` in one pass over the pairs.

    Arguments and errors are those of `precision_recall`.
    """
    real, generated = compared(real, generated, least=2)
    most = min(len(real), len(generated)) - 1
    whole(1, most, neighbours=neighbours, hint="a sample has fewer others than the smaller set")
    balls, holds, covered = _inside(real, generated, neighbours)
    return (
        PrecisionRecall(precision=float((balls > 0).mean()), recall=float(covered.mean())),
        DensityCoverage(density=float(balls.mean() / neighbours), coverage=float(holds.mean())),
    )


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
    return manifold_scores(real=real, generated=generated, neighbours=neighbours)[0]


def density_coverage(
    *, real: np.ndarray, generated: np.ndarray, neighbours: int = 5
) -> DensityCoverage:
    """Density and coverage (Naeem et al. 2020, arXiv:2002.09797, section 3).

    Only real samples have balls, so outliers among the generated enlarge nothing. For N real and M
    generated samples of one distribution the expected coverage is
    1 - prod_(i=1..k) (N - i) / (N + M - i), near 1 - 2^-k for equal numbers.

    Balls, arguments and errors are those of `precision_recall`.
    """
    return manifold_scores(real=real, generated=generated, neighbours=neighbours)[1]


def over_generalisation(*, real: np.ndarray, generated: np.ndarray, neighbours: int = 5) -> float:
    """Share of generated samples outside the real manifold: 1 - precision of `precision_recall`.

    Held-out real samples score above 0 too: give their score beside it. Of mixtures with known
    modes, `ModeCoverage.over_generalisation` is exact.
    """
    return 1 - precision_recall(real=real, generated=generated, neighbours=neighbours).precision
