"""The size of a generator's support, from near duplicates among its samples."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from ganjax.checks import within
from ganjax.metrics.finite import compared
from ganjax.metrics.manifolds import BLOCK, slack, squared_norms

SHOWN = 20  # closest pairs: the number that people judged in the paper


class SupportSize(NamedTuple):
    """An estimate of the number of different samples that a generator makes.

    Attributes:
      size: pairs of samples / duplicates; infinite if there is none.
      low, high: ends of the 95% interval, duplicates counted as Poisson (Garwood 1936).
      duplicates: pairs of generated samples that are no farther apart than `threshold`.
      threshold: distance, in the units of the features.
      pairs: the 20 closest pairs of generated samples, closest first, for people to judge [20, 2].
      distances: of these pairs [20].
    """

    size: float
    low: float
    high: float
    duplicates: int
    threshold: float
    pairs: np.ndarray
    distances: np.ndarray


def _pair_distances(x: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, squared distances [rows, n] to the rows after), other entries infinite."""
    norms = squared_norms(x)
    size = max(1, BLOCK // len(x))
    for start in range(0, len(x), size):
        rows = np.arange(start, min(start + size, len(x)))[:, None]
        squared = norms[rows] + norms - 2 * x[rows[:, 0]] @ x.T
        squared[np.arange(len(x)) <= rows] = np.inf
        yield start, np.maximum(squared, 0.0)


def _closest_distance(x: np.ndarray, equal: float) -> float:
    """Smallest distance between two rows that differ."""
    squared = min(block.min(where=block > equal, initial=np.inf) for _, block in _pair_distances(x))
    if squared == np.inf:
        raise ValueError("all samples of real are equal; give a threshold of distances")
    return float(np.sqrt(squared))


def _near_pairs(x: np.ndarray, reach: float) -> tuple[int, np.ndarray]:
    """Number of pairs within a squared distance; (row, row, squared distance) of the closest."""
    number, closest = 0, np.empty((0, 3))
    for start, squared in _pair_distances(x):
        number += int((squared <= reach).sum())
        flat = np.argpartition(squared, min(SHOWN, squared.size) - 1, axis=None)[:SHOWN]
        i, j = np.unravel_index(flat, squared.shape)
        closest = np.concatenate([closest, np.stack([i + start, j, squared[i, j]], 1)])
        closest = closest[np.argsort(closest[:, 2])[:SHOWN]]
    return number, closest[np.isfinite(closest[:, 2])]


def support_size(
    *, real: np.ndarray, generated: np.ndarray, threshold: float | None = None
) -> SupportSize:
    """Support size by the birthday paradox (Arora & Zhang 2017, arXiv:1706.08224).

    Of N uniform draws from S items, N (N - 1) / (2 S) pairs are expected to coincide, so S is
    estimated as pairs / duplicates; of uneven draws it is 1 / sum of squared probabilities, below
    the number of items. Paper: people judge the 20 closest pairs of a batch and report the batch
    size at which half of the batches hold a duplicate; here a distance judges, in features in which
    it means likeness, and every pair counts.

    Args:
      real: [samples, dim], finite, for the threshold.
      generated: [samples >= 2, dim].
      threshold: pairs no farther apart are duplicates; by default the smallest distance between
        two different real samples. Then about (N / N real)^2 duplicates are expected of the real
        distribution itself, so no size above half of N real^2 is shown.

    Raises:
      ValueError: a set is not [samples >= 2, dim] or not finite, by name; the dims differ; the
        threshold is below 0; or none is given and all real samples are equal.
    """
    real, generated = compared(real, generated, least=2)
    equal = slack(real, generated)
    threshold = _closest_distance(real, equal) if threshold is None else threshold
    within("[0, inf)", threshold=threshold)
    duplicates, closest = _near_pairs(generated, threshold**2 + equal)
    pairs = len(generated) * (len(generated) - 1) / 2
    most = chi2.ppf(0.975, 2 * duplicates + 2) / 2
    least = chi2.ppf(0.025, 2 * duplicates) / 2 if duplicates else 0.0
    return SupportSize(
        size=pairs / duplicates if duplicates else np.inf,
        low=float(pairs / most),
        high=float(pairs / least) if least else np.inf,
        duplicates=duplicates,
        threshold=float(threshold),
        pairs=closest[:, :2].astype(int),
        distances=np.sqrt(closest[:, 2]),
    )
