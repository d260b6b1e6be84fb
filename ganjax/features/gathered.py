"""Sums over the features of many images, in parts, and the scores that follow from them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ganjax import metrics


class Gathered(NamedTuple):
    """All that the scores need of a set of images; its size does not grow with their number.

    Attributes:
      moments: of all features; None of no image.
      features: of some images, a tuple of [n, dim].
      classes: sums over the class probabilities of all; None without.
    """

    moments: metrics.Moments | None = None
    features: tuple[np.ndarray, ...] = ()
    classes: metrics.Classes | None = None


def added(
    gathered: Gathered,
    extracted: tuple[Any, Any],
    *,
    chosen: np.ndarray,
    splits: int,
    labels: np.ndarray | None = None,
) -> Gathered:
    """With (features, probabilities) of one batch more; features of images `chosen` are kept.

    `labels` are the classes that all images were generated for, if any.
    """
    features, probabilities = extracted
    features = metrics.finite("features of the samples", features)
    new = metrics.moments(features)
    begin = gathered.moments.n if gathered.moments else 0
    rows = chosen[(chosen >= begin) & (chosen < begin + len(features))] - begin
    more = (features[rows].astype(np.float32),) if len(rows) else ()
    classes = gathered.classes
    if probabilities is not None:
        classes = classes or metrics.no_classes(splits, probabilities.shape[1])
        # An extractor may have other classes than the data.
        if labels is not None and np.max(labels, initial=0) < probabilities.shape[1]:
            part = labels[begin : begin + len(features)]
        else:
            part = None
        classes = classes.add(probabilities, part)
    return Gathered(
        new if gathered.moments is None else metrics.joined(gathered.moments, new),
        (*gathered.features, *more),
        classes,
    )


def packed(gathered: Gathered) -> dict[str, Any]:
    """As arrays for the cache; the classes of real images are known from their labels."""
    n, mean, scatter = gathered.moments
    features = np.concatenate(gathered.features)
    return {"n": np.int64(n), "mean": mean, "scatter": scatter, "features": features}


def unpacked(arrays: Mapping[str, Any]) -> Gathered:
    """The inverse of `packed`."""
    found = metrics.Moments(int(arrays["n"]), arrays["mean"], arrays["scatter"])
    return Gathered(found, (arrays["features"],))


class Compared(NamedTuple):
    """Generated images beside real ones.

    Attributes:
      real, generated: sums over each.
      shares: real images of each class [classes]; None without labels.
      neighbours: k of the scores that take balls around samples.
    """

    real: Gathered
    generated: Gathered
    shares: np.ndarray | None
    neighbours: int

    @property
    def sets(self) -> dict[str, np.ndarray]:
        """The features that are kept, as arguments of a score."""
        both = {"real": self.real, "generated": self.generated}
        return {
            name: np.concatenate(gathered.features).astype(np.float64)
            for name, gathered in both.items()
        }


def _moments(of: Compared) -> dict[str, float]:
    distance = metrics.frechet_distance(of.real.moments, of.generated.moments)
    return {"frechet_distance": distance}


def _kernel(of: Compared) -> dict[str, float]:
    distance, spread, _ = metrics.kernel_distance(**of.sets)
    return {"kernel_distance": distance, "kernel_distance_spread": spread}


def _manifolds(of: Compared) -> dict[str, float]:
    first, second = metrics.manifold_scores(**of.sets, neighbours=of.neighbours)
    outside = 1 - first.precision
    return {**first._asdict(), **second._asdict(), "over_generalisation": outside}


def _inception(of: Compared) -> dict[str, float]:
    if of.generated.classes is None:
        return {}
    found = of.generated.classes.inception_scores
    spread = {"inception_score_spread": float(found.std())} if len(found) > 1 else {}
    return {"inception_score": float(found.mean()), **spread}


def _classes(of: Compared) -> dict[str, float]:
    judged = of.generated.classes
    if judged is None or of.shares is None or len(judged.largest) != len(of.shares):
        return {}
    counts = judged.largest
    found = metrics.class_coverage(np.repeat(np.arange(len(counts)), counts), of.shares)
    result = {key: getattr(found, key) for key in ("classes", "class_kl", "class_kl_floor")}
    return result | judged.shares(of.shares > 0) | judged.accuracy


def _sliced(of: Compared) -> dict[str, float]:
    return {"sliced_wasserstein": metrics.sliced_wasserstein(**of.sets)}


def _support(of: Compared) -> dict[str, float]:
    found = metrics.support_size(**of.sets)
    size = {"support_size": found.size} if found.duplicates else {}
    return {**size, "support_size_low": found.low}


def _nearest(of: Compared) -> dict[str, float]:
    sets = of.sets
    found = metrics.nearest_distances(sets["generated"], sets["real"])
    return {"nearest_median": float(np.median(found)), "nearest_min": float(found.min())}


CLASSES = (
    "classes",
    "class_kl",
    "class_share_min",
    "class_share_max",
    "label_accuracy",
    "label_accuracy_min",
)
# Functions that give scores together, by the names of these scores.
TOGETHER: dict[tuple[str, ...], Callable[[Compared], dict[str, float]]] = {
    ("frechet_distance",): _moments,
    ("kernel_distance",): _kernel,
    ("precision", "recall", "density", "coverage", "over_generalisation"): _manifolds,
    ("inception_score",): _inception,
    CLASSES: _classes,
    ("sliced_wasserstein",): _sliced,
    ("support_size",): _support,
    ("nearest_median", "nearest_min"): _nearest,
}
IMAGE_SCORES = tuple(name for names in TOGETHER for name in names)
ON_REQUEST = ("sliced_wasserstein", "support_size", "nearest_median", "nearest_min")
BESIDE = ("", "_spread", "_floor", "_low")  # endings of the numbers that come with a score


def measured(of: Compared, scores: tuple[str, ...]) -> dict[str, float]:
    """The scores of these names, all but those on request if empty, with what comes beside them."""
    wanted = scores or tuple(name for name in IMAGE_SCORES if name not in ON_REQUEST)
    found = {}
    for names, function in TOGETHER.items():
        if not set(names).isdisjoint(wanted):
            found |= function(of)
    shown = {name + ending for name in wanted for ending in BESIDE}
    return {name: value for name, value in found.items() if name in shown}
