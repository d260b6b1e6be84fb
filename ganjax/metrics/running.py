"""Sums over features and class probabilities that arrive in batches, from one device or many."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr

from ganjax.metrics.finite import finite, rows, same_dim
from ganjax.metrics.inception import probabilities_of


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


class Classes(NamedTuple):
    """Sums over class probabilities p(y|x): all that Inception score and class coverage need.

    Attributes:
      n: samples of each split [splits]; sample i belongs to split i mod `splits`.
      sums: of p [splits, classes].
      information: sum of sum_y p log p, in nats [splits].
      largest: samples of each class by their largest probability [classes].
      asked: samples that were generated for each class [classes].
      right: those of them whose largest probability is that of their class [classes].
    """

    n: np.ndarray
    sums: np.ndarray
    information: np.ndarray
    largest: np.ndarray
    asked: np.ndarray
    right: np.ndarray

    def add(self, probabilities: ArrayLike, labels: ArrayLike | None = None) -> "Classes":
        """With the samples of one batch more, generated for these labels, int [samples], if any.

        Raises:
          ValueError: as `probabilities_of`.
        """
        p = probabilities_of(probabilities)
        judged, labels = p.argmax(1), np.zeros(0, int) if labels is None else np.asarray(labels)
        right = labels[labels == judged[: len(labels)]]
        count = partial(np.bincount, minlength=p.shape[1])
        splits = len(self.n)
        split = (int(self.n.sum()) + np.arange(len(p))) % splits
        each = np.eye(splits)[split]
        return Classes(
            self.n + each.sum(0),
            self.sums + each.T @ p,
            self.information + each.T @ -entr(p).sum(1),
            self.largest + count(judged),
            self.asked + count(labels),
            self.right + count(right),
        )

    @property
    def inception_scores(self) -> np.ndarray:
        """Of each split [splits], as `inception_score` of its samples."""
        marginal = entr(self.sums / self.n[:, None]).sum(1)
        # A mean divergence is at least 0 but for rounding.
        return np.exp(np.maximum(self.information / self.n + marginal, 0.0))

    def shares(self, present: np.ndarray | None = None) -> dict[str, float]:
        """`class_share_min` and `class_share_max`, of the classes `present` [classes] or of all."""
        shares = (self.largest if present is None else self.largest[present]) / self.largest.sum()
        return {"class_share_min": float(shares.min()), "class_share_max": float(shares.max())}

    @property
    def accuracy(self) -> dict[str, float]:
        """`label_accuracy` of all labels asked for and `label_accuracy_min` of one, if any were."""
        asked, right = (counts[self.asked > 0] for counts in (self.asked, self.right))
        if not len(asked):
            return {}
        return {
            "label_accuracy": float(right.sum() / asked.sum()),
            "label_accuracy_min": float((right / asked).min()),
        }


def no_classes(splits: int, classes: int) -> Classes:
    """Sums over no sample."""
    zeros, none = np.zeros(splits), np.zeros(classes, int)
    return Classes(zeros, np.zeros((splits, classes)), zeros, none, none, none)


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
