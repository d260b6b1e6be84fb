"""The Inception score of class probabilities, from any classifier."""

import itertools

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr

from ganjax.checks import whole
from ganjax.metrics.finite import finite


def probabilities_of(probabilities: ArrayLike) -> np.ndarray:
    """Class probabilities in float64.

    Raises:
      ValueError: the array is not [samples >= 1, classes] or not finite, has a probability below 0
        or a row that does not sum to 1 within 1e-3.
    """
    probabilities = finite("probabilities", probabilities)
    if probabilities.ndim != 2 or not len(probabilities):
        raise ValueError(
            f"expected class probabilities [samples >= 1, classes], got shape {probabilities.shape}"
        )
    sums = probabilities.sum(1)
    wrong = np.flatnonzero((probabilities < 0).any(1) | (np.abs(sums - 1) > 1e-3))
    if len(wrong):
        row = wrong[0]
        raise ValueError(
            f"expected class probabilities, at least 0 in rows that sum to 1; row {row}, the first "
            f"of {len(wrong)} wrong rows, sums to {sums[row]:.6g} with a smallest value of "
            f"{probabilities[row].min():.6g}; apply a softmax to logits first"
        )
    return probabilities


def inception_scores(probabilities: np.ndarray, splits: int) -> np.ndarray:
    """The Inception score of each of several contiguous splits [splits].

    Papers print mean and standard deviation over 10 splits. Each split's score is biased down by
    its fewer samples. Libraries disagree: torch-fidelity shuffles the rows first by default and
    divides the variance by the number of splits, torchmetrics shuffles always and divides by one
    less. Shuffle rows that come in an order, e.g. of classes, before.

    Args:
      probabilities: p(y|x) [samples >= splits, classes], rows summing to 1.
      splits: their number; sizes differ by at most 1.

    Raises:
      ValueError: as `inception_score`, or more splits than samples.
    """
    p = probabilities_of(probabilities)
    whole(1, len(p), splits=splits, hint="a split has a sample or more")
    edges = [i * len(p) // splits for i in range(splits + 1)]
    return np.array([_score(p[a:b]) for a, b in itertools.pairwise(edges)])


def _score(p: np.ndarray) -> float:
    divergences = rel_entr(p, p.mean(0, keepdims=True)).sum(1)
    # A mean divergence is at least 0 but for rounding.
    return float(np.exp(max(divergences.mean(), 0.0)))


def inception_score(probabilities: np.ndarray, splits: int = 1) -> float:
    """exp(E_x KL(p(y|x) || p(y))) (Salimans et al. 2016, section 4, arXiv:1606.03498).

    It lies between 1 and the number of classes.

    Args:
      probabilities: p(y|x) [samples, classes], rows summing to 1.
      splits: the score is the mean of `inception_scores`; of 1, that of all samples at once.

    Returns:
      The score; it depends on the classifier and, for few samples, on their number: name both.

    Raises:
      ValueError: the array is not [samples >= 1, classes] or not finite, has a probability below 0
        or a row that does not sum to 1 within 1e-3.
    """
    return float(inception_scores(probabilities, splits).mean())
