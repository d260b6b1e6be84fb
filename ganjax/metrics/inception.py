"""The Inception score of class probabilities, whichever classifier they come from."""

import numpy as np
from scipy.special import rel_entr


def inception_score(probabilities: np.ndarray) -> float:
    """exp(E_x KL(p(y|x) || p(y))) (Salimans et al. 2016, section 4, arXiv:1606.03498).

    One score over all samples, not a mean over splits. It lies between 1 and the number of classes.

    Args:
      probabilities: p(y|x) [samples, classes], rows summing to 1.

    Returns:
      The score; it depends on the classifier and, for few samples, on their number: name both.

    Raises:
      ValueError: the array is not [samples, classes] with rows that sum to 1.
    """
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 2 or not np.allclose(probabilities.sum(1), 1, atol=1e-3):
        raise ValueError(
            f"expected class probabilities [samples, classes] with rows that sum to 1, got shape "
            f"{probabilities.shape}; apply a softmax to logits first"
        )
    divergences = rel_entr(probabilities, probabilities.mean(0, keepdims=True)).sum(1)
    return float(np.exp(divergences.mean()))
