"""The kernel distance of two sets of features: an unbiased squared maximum mean discrepancy."""

from typing import NamedTuple

import numpy as np

from ganjax.checks import whole
from ganjax.metrics.finite import compared
from ganjax.metrics.remembered import remembered

BLOCK = 2048  # rows and columns of a matrix of pairs that are held at once: 32 MiB


class KernelDistance(NamedTuple):
    """A kernel distance and its spread.

    Attributes:
      distance: mean over random subsets, in no unit; unbiased, so it may be below 0.
      spread: standard deviation over the subsets, as papers print it. It falls as subsets grow and
        is no standard error of `distance`.
      subset_size: rows of each set in a subset.
    """

    distance: float
    spread: float
    subset_size: int


def _cubed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """k(x, y) of all pairs of rows."""
    base = x / x.shape[1] @ y.T
    base += 1
    for rows in np.split(base, range(32, len(base), 32)):  # which fit into a processor's cache
        rows *= rows * rows  # no power: 100 times as slow
    return base


def _sums(x: np.ndarray, y: np.ndarray, of_x: np.ndarray, of_y: np.ndarray) -> np.ndarray:
    """Sum of k over the pairs of rows of each subset [subsets].

    Subsets that overlap much share one matrix of all pairs, taken in blocks.

    Args:
      of_x, of_y: rows of the subsets [subsets, size].
    """
    subsets, size = of_x.shape
    dim = x.shape[1]
    if len(x) * len(y) * (dim + subsets) > subsets * size * size * dim:
        return np.array([_cubed(x[a], y[b]).sum() for a, b in zip(of_x, of_y, strict=True)])
    in_x, in_y = np.zeros((subsets, len(x))), np.zeros((subsets, len(y)))
    np.put_along_axis(in_x, of_x, 1.0, 1)
    np.put_along_axis(in_y, of_y, 1.0, 1)
    total, same = np.zeros(subsets), x is y and of_x is of_y
    for i in range(0, len(x), BLOCK):
        for j in range(i if same else 0, len(y), BLOCK):
            rows, columns = slice(i, i + BLOCK), slice(j, j + BLOCK)
            of_pairs = in_x[:, rows] @ _cubed(x[rows], y[columns])
            twice = 1 + (same and i < j)  # the kernel is symmetric
            total += twice * np.einsum("ij,ij->i", of_pairs, in_y[:, columns])
    return total


@remembered
def _within(x: np.ndarray, of_x: np.ndarray) -> np.ndarray:
    """`_sums` over pairs of different rows of a set."""
    alone = ((x * x).sum(1) / x.shape[1] + 1) ** 3
    return _sums(x, x, of_x, of_x) - alone[of_x].sum(1)


def kernel_distance(
    *,
    real: np.ndarray,
    generated: np.ndarray,
    subsets: int = 100,
    subset_size: int | None = None,
    seed: int = 2020,
) -> KernelDistance:
    """Unbiased MMD^2 with the kernel k(x, y) = (x.y / dim + 1)^3 ("KID").

    Binkowski et al. 2018 (arXiv:1801.01401, section 4): E k(x, x') + E k(y, y') - 2 E k(x, y)
    over pairs of different rows. It is taken in random subsets, drawn without replacement as
    torch-fidelity draws them, so that time and memory do not grow with the samples. Libraries agree
    on the kernel and the estimator, but not on the subsets: torch-fidelity takes 100 of 1,000 rows
    (seed 2020), torchmetrics 100 of 1,000 from torch's global generator.

    Args:
      real: [samples, dim], finite.
      generated: [samples, dim].
      subsets: their number.
      subset_size: rows of each set in a subset; by default 1,000, or half of a smaller set.
      seed: of the subsets.

    Raises:
      ValueError: a set is not [samples >= 4, dim] or not finite, by name; the dims differ; or there
        are fewer samples than `subset_size`.
    """
    real, generated = compared(real, generated, least=4)
    smaller = min(len(real), len(generated))
    subset_size = min(1000, smaller // 2) if subset_size is None else subset_size
    whole(1, subsets=subsets)
    whole(2, smaller, subset_size=subset_size, hint="a subset has at most the smaller set's rows")
    rng = np.random.RandomState(seed)
    drawn = [
        [rng.choice(len(x), subset_size, replace=False) for x in (real, generated)]
        for _ in range(subsets)
    ]
    of_real, of_generated = np.array(drawn).swapaxes(0, 1)
    pairs = subset_size * (subset_size - 1)
    values = (_within(real, of_real) + _within(generated, of_generated)) / pairs
    values -= 2 * _sums(real, generated, of_real, of_generated) / subset_size**2
    return KernelDistance(float(np.mean(values)), float(np.std(values)), subset_size)
