"""The report on generated images by the features of an extractor, in parts of any number."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial, reduce
from typing import Any, NamedTuple

import jax
import numpy as np

from ganjax import data as sources
from ganjax import metrics
from ganjax.checks import one_of, whole
from ganjax.features.classifier import classifier
from ganjax.features.extractor import Extractor
from ganjax.features.kept import kept
from ganjax.features.pixels import pixels

BATCH, AHEAD = 256, 2  # images whose features are taken at a time, and such batches in flight
SUMMED = 1024  # images whose features are summed at a time
# Scores by what they need: moments of all features, some features themselves, probabilities.
OF_FEATURES = (
    "frechet_distance",
    "kernel_distance",
    "precision",
    "recall",
    "over_generalisation",
    "density",
    "coverage",
)
OF_PROBABILITIES = ("inception_score", "classes", "class_kl")
IMAGE_SCORES = (*OF_FEATURES, *OF_PROBABILITIES)


class Streamed(NamedTuple):
    """A report that takes samples in parts, so that memory does not grow with their number.

    Attributes:
      of_parts: parts, an iterable of samples [n, ...] -> {name: number}.
      protocol: all that the scores depend on beside the samples, as JSON.
    """

    of_parts: Callable[[Iterable[Any]], dict[str, float]]
    protocol: Mapping[str, Any]


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


def images_report(
    data: Any,
    features: Callable[[Any], Extractor] | None = None,
    *,
    scores: tuple = (),
    splits: int = 1,
    neighbours: int = 5,
    compared: int = 5000,
) -> Streamed:
    """Scores images by the features of an extractor, beside the same scores of real ones.

    Reference is the training part. `X_real` is the score X of the test part against it, under the
    same protocol but for its number of images, and left out if the data have no test part. What is
    needed of both is kept in the user's cache, under the digests of extractor and data.

    Args:
      data: images, e.g. `data.arrays(...)`, streamed or resident.
      features: data -> extractor, e.g. `functools.partial(features.inception, weights=PATH)`; by
        default a `classifier` of labelled images, or `pixels`.
      scores: some of `IMAGE_SCORES`, all if empty; those of classes need an extractor with class
        probabilities, and are left out otherwise.
      splits: of the Inception score, which is then a mean over them.
      neighbours: k of precision, recall, density and coverage.
      compared: images of each set that kernel distance, precision, recall, density and coverage
        take, the first generated ones and evenly spaced real ones.

    Returns:
      `Streamed`: images [n, height, width, channel] in [-1, 1] -> the scores; `samples` is their
      number, `class_kl_floor` the expected `class_kl` of exact samples.

    Raises:
      ValueError: an unknown score, an argument out of range, or data that are no images.
    """
    _check(data, scores, splits, neighbours, compared)
    if features is None:
        features = classifier if data.num_classes else pixels
    extractor = features(data)
    y = sources.labels(data)
    shares = None if y is None else np.bincount(y, minlength=data.num_classes)
    settings = {"splits": splits, "neighbours": neighbours, "compared": compared}
    first, load = np.arange(compared), cache(partial(_loaded, extractor))
    run = jax.jit(lambda apply, x: apply(x))

    def extracted(parts: Iterable[Any]) -> Iterator[tuple]:
        """Features and probabilities, computed while those before them are gathered."""
        ahead = deque()
        for x in _grouped(parts, BATCH):
            for begin in range(0, len(x), BATCH):
                ahead.append(run(load(), x[begin : begin + BATCH]))
                if len(ahead) > AHEAD:
                    yield ahead.popleft()
        yield from ahead

    def gathered(parts: Iterable[Any], chosen: np.ndarray = first) -> Gathered:
        add = partial(added, chosen=chosen, splits=splits)
        return reduce(add, _grouped(extracted(parts), SUMMED), Gathered())

    @cache
    def reference() -> tuple[Gathered, dict[str, float]]:
        key = f"reference {extractor.digest} {sources.digest(data)} {settings}"
        real = _unpacked(kept(key, lambda: _packed(gathered(*_evenly(data, compared)))))
        held_out = data.test.get("x", ())
        few = len(held_out) < neighbours + 2
        return real, {} if few else measure(gathered([held_out]), real)

    def measure(generated: Gathered, real: Gathered) -> dict[str, float]:
        return _measured(generated, real, shares, scores, neighbours=neighbours)

    def report(parts: Iterable[Any]) -> dict[str, float]:
        generated, (real, of_held_out) = gathered(parts), reference()
        result = {"samples": generated.moments.n if generated.moments else 0}
        for name, value in measure(generated, real).items():
            result[name] = value
            if name in of_held_out and name != "class_kl_floor":
                result[f"{name}_real"] = of_held_out[name]
        return result

    protocol = {
        "features": extractor.name,
        "features_sha256": extractor.digest,
        **settings,
    }
    return Streamed(report, protocol)


def _check(data: Any, scores: tuple, splits: int, neighbours: int, compared: int) -> None:
    whole(1, splits=splits, neighbours=neighbours)
    whole(neighbours + 2, compared=compared, hint="a ball reaches to the k-th nearest other sample")
    if len(data.shape) != 3:
        raise ValueError(f"the images report needs images, got data of shape {tuple(data.shape)}")
    for name in scores:
        one_of(IMAGE_SCORES, scores=name)


def _grouped(parts: Iterable[Any], rows: int) -> Iterator[Any]:
    """Pytrees of arrays [n, ...], joined until they have so many rows; the last may have fewer."""
    group, count = [], 0
    for part in parts:
        group.append(part)
        count += len(jax.tree.leaves(part)[0])
        if count >= rows:
            yield jax.tree.map(_joined, *group)
            group, count = [], 0
    if group:
        yield jax.tree.map(_joined, *group)


def _joined(*arrays: Any) -> Any:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _loaded(extractor: Extractor) -> Callable:
    """Its function, as an argument of a program: weights are no constants of it."""
    apply = extractor.load()
    return apply if isinstance(apply, jax.tree_util.Partial) else jax.tree_util.Partial(apply)


def _evenly(data: Any, compared: int) -> tuple[Iterator[Any], np.ndarray]:
    """All training images in parts, and the numbers of those that are compared."""
    count = sources.count(data)
    most = min(compared, count)
    return (batch["x"] for batch in sources.parts(data, BATCH)), np.arange(most) * count // most


def added(
    gathered: Gathered, extracted: tuple[Any, Any], *, chosen: np.ndarray, splits: int
) -> Gathered:
    """With (features, probabilities) of one batch more; features of images `chosen` are kept."""
    features, probabilities = extracted
    features = metrics.finite("features of the samples", features)
    new = metrics.moments(features)
    begin = gathered.moments.n if gathered.moments else 0
    rows = chosen[(chosen >= begin) & (chosen < begin + len(features))] - begin
    more = (features[rows].astype(np.float32),) if len(rows) else ()
    classes = gathered.classes
    if probabilities is not None:
        classes = classes or metrics.no_classes(splits, probabilities.shape[1])
        classes = classes.add(probabilities)
    return Gathered(
        new if gathered.moments is None else metrics.joined(gathered.moments, new),
        (*gathered.features, *more),
        classes,
    )


def _packed(gathered: Gathered) -> dict[str, Any]:
    """As arrays for the cache; the classes of real images are known from their labels."""
    n, mean, scatter = gathered.moments
    features = np.concatenate(gathered.features)
    return {"n": np.int64(n), "mean": mean, "scatter": scatter, "features": features}


def _unpacked(arrays: Mapping[str, Any]) -> Gathered:
    found = metrics.Moments(int(arrays["n"]), arrays["mean"], arrays["scatter"])
    return Gathered(found, (arrays["features"],))


def _measured(
    generated: Gathered,
    real: Gathered,
    shares: np.ndarray | None,
    scores: tuple,
    *,
    neighbours: int,
) -> dict[str, float]:
    """The scores of `images_report`."""
    sets = {
        name: np.concatenate(gathered.features).astype(np.float64)
        for name, gathered in (("real", real), ("generated", generated))
    }
    result = {"frechet_distance": metrics.frechet_distance(real.moments, generated.moments)}
    result["kernel_distance"], result["kernel_distance_spread"], _ = metrics.kernel_distance(**sets)
    for found in metrics.manifold_scores(**sets, neighbours=neighbours):
        result |= found._asdict()
    result["over_generalisation"] = 1 - result["precision"]
    if generated.classes:
        of_splits, largest = generated.classes.inception_scores, generated.classes.largest
        result["inception_score"] = float(of_splits.mean())
        if len(of_splits) > 1:
            result["inception_score_spread"] = float(of_splits.std())
        if shares is not None and len(largest) == len(shares):
            found = metrics.class_coverage(
                np.repeat(np.arange(len(shares)), largest), shares
            )._asdict()
            result |= {key: found[key] for key in ("classes", "class_kl", "class_kl_floor")}
    wanted = scores or IMAGE_SCORES
    return {
        name: value
        for name, value in result.items()
        if any(name == one or name in (f"{one}_spread", f"{one}_floor") for one in wanted)
    }
