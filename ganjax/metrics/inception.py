"""The Inception score of class probabilities, from any classifier."""

import numpy as np
from scipy.special import rel_entr

from ganjax.metrics.finite import finite


def inception_score(probabilities: np.ndarray) -> float:
    """exp(E_x KL(p(y|x) || p(y))) (Salimans et al. 2016, section 4, arXiv:1606.03498).

    One score over all samples, not a mean over splits. It lies between 1 and the number of classes.

    Args:
      probabilities: p(y|x) [samples, classes], rows summing to 1.

    Returns:
      The score; it depends on the classifier and, for few samples, on their number: name both.

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
    divergences = rel_entr(probabilities, probabilities.mean(0, keepdims=True)).sum(1)
    # A mean divergence is at least 0 but for rounding.
    return float(np.exp(max(divergences.mean(), 0.0)))
