"""Coverage of known classes by samples that a classifier has labelled."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr

from ganjax.metrics.finite import finite
from ganjax.metrics.inception import probabilities_of


class ClassCoverage(NamedTuple):
    """The coverage of the data's classes by a set of samples.

    Attributes:
      classes: number of the data's classes with at least one sample.
      class_kl: KL(generated shares || data's shares) in nats; infinite if a sample is of a class
        that the data lack. For even classes and k of K reached evenly it is log(K / k).
      class_kl_floor: its expectation for exact samples to first order, (classes - 1) / (2 samples):
        a `class_kl` near it shows no difference. It holds for many samples of each class.
      counts: samples of each class [classes].
    """

    classes: int
    class_kl: float
    class_kl_floor: float
    counts: np.ndarray


def class_coverage(predicted: ArrayLike, shares: ArrayLike) -> ClassCoverage:
    """Classes reached and the reverse KL of their shares, as for Stacked MNIST.

    Metz et al. 2017 (arXiv:1611.02163, section 3.3.1) and VEEGAN (arXiv:1705.07761) count the 1,000
    classes of three stacked digits: `np.ravel_multi_index(digits.T, (10, 10, 10))` of the labels
    [n, 3] that a classifier gives the three channels, of about 26,000 samples.

    Args:
      predicted: labels, whole numbers [samples], or class probabilities [samples, classes], of
        which the largest counts.
      shares: of the classes in the data [classes], e.g. `np.bincount(y)`; scaled to a sum of 1.

    Raises:
      ValueError: labels that are no whole numbers from 0 to classes - 1, probabilities that are
        none, no sample, or shares that are not finite, below 0 or all 0.
    """
    shares = finite("shares", shares)
    if shares.ndim != 1 or (shares < 0).any() or not shares.any():
        raise ValueError(
            f"expected shares [classes], at least 0 and not all 0, got shape {shares.shape}"
            + (f" with a smallest value of {shares.min():.6g}" if shares.size else "")
        )
    labels = np.asarray(predicted)
    if labels.ndim == 2:
        probabilities = probabilities_of(labels)
        if probabilities.shape[1] != len(shares):
            raise ValueError(
                f"probabilities of {probabilities.shape[1]} classes do not compare with "
                f"{len(shares)} shares"
            )
        labels = probabilities.argmax(1)
    whole = labels.ndim == 1 and labels.size and np.issubdtype(labels.dtype, np.integer)
    if not whole or labels.min() < 0 or labels.max() >= len(shares):
        raise ValueError(
            f"expected labels [samples >= 1], whole numbers from 0 to {len(shares) - 1}, or "
            f"probabilities [samples, {len(shares)}], got {labels.dtype} of shape {labels.shape}"
            + (f" from {labels.min()} to {labels.max()}" if whole else "")
        )
    counts = np.bincount(labels, minlength=len(shares))
    known = shares > 0
    return ClassCoverage(
        classes=int((counts[known] > 0).sum()),
        class_kl=float(max(rel_entr(counts / counts.sum(), shares / shares.sum()).sum(), 0.0)),
        class_kl_floor=float((known.sum() - 1) / (2 * counts.sum())),
        counts=counts,
    )
