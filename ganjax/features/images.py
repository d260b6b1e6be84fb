"""The report on generated images by the features of an extractor, in parts of any number."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial, reduce
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ganjax import data as sources
from ganjax import spread
from ganjax.checks import one_of, whole
from ganjax.features.classifier import classifier
from ganjax.features.extractor import Extractor
from ganjax.features.gathered import (
    IMAGE_SCORES,
    Compared,
    Gathered,
    added,
    measured,
    packed,
    unpacked,
)
from ganjax.features.kept import kept
from ganjax.features.pixels import pixels
from ganjax.features.stacked import stacked

BATCH, AHEAD = 64, 8  # images of a device whose features are taken at a time, batches in flight
SUMMED = 1024  # images whose features are summed at a time


class Streamed(NamedTuple):
    """A report that takes samples in parts, so that memory does not grow with their number.

    Attributes:
      of_parts: (parts, mesh, labels) -> {name: number}. Parts are an iterable of samples [n, ...].
        The devices of the mesh, of one process, share the work; None for one device. Labels are
        the classes that the samples were generated for, int [samples]; None without.
      protocol: all that the scores depend on beside the samples, as JSON.
    """

    of_parts: Callable[[Iterable[Any], Mesh | None, np.ndarray | None], dict[str, float]]
    protocol: Mapping[str, Any]


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
        default a `classifier` of labelled images, `stacked` for stacks, or `pixels`.
      scores: some of `IMAGE_SCORES`; if empty, all but those `ON_REQUEST`. Those of classes need an
        extractor with class probabilities, and are left out otherwise.
      splits: of the Inception score, which is then a mean over them.
      neighbours: k of precision, recall, density and coverage.
      compared: images of each set that all scores take but Frechet distance, Inception score and
        classes: the first generated ones and evenly spaced real ones.

    Returns:
      `Streamed`: images [n, height, width, channel] in [-1, 1] -> the scores; `samples` is their
      number, `class_kl_floor` the expected `class_kl` of exact samples.

    Raises:
      ValueError: an unknown score, an argument out of range, or data that are no images.
    """
    _check(data, scores, splits, neighbours, compared)
    if features is None:
        features = _default(data)
    extractor = features(data)
    y = sources.labels(data)
    shares = None if y is None else np.bincount(y, minlength=data.num_classes)
    settings = {"splits": splits, "neighbours": neighbours, "compared": compared}
    first, load = np.arange(compared), cache(partial(_loaded, extractor))
    run = jax.jit(lambda apply, x: apply(x))

    def extracted(parts: Iterable[Any], mesh: Mesh | None) -> Iterator[tuple]:
        """Features and probabilities, computed while those before them are gathered."""
        apply, size = load(mesh), BATCH * (mesh.size if mesh else 1)
        ahead = deque()
        for x in _grouped(parts, size):
            for begin in range(0, len(x), size):
                part = x if len(x) <= size else x[begin : begin + size]
                ahead.append(run(apply, _dealt(part, mesh)))
                if len(ahead) > AHEAD:
                    yield ahead.popleft()
        yield from ahead

    def gathered(
        parts: Iterable[Any],
        mesh: Mesh | None,
        labels: np.ndarray | None = None,
        chosen: np.ndarray = first,
    ) -> Gathered:
        add = partial(added, chosen=chosen, splits=splits, labels=labels)
        return reduce(add, _grouped(extracted(parts, mesh), SUMMED), Gathered())

    @cache
    def reference(mesh: Mesh | None) -> tuple[Gathered, dict[str, float]]:
        key = f"reference {extractor.digest} {sources.digest(data)} {settings}"
        images, chosen = _evenly(data, compared)
        real = unpacked(kept(key, lambda: packed(gathered(images, mesh, chosen=chosen))))
        held_out = data.test.get("x", ())
        few = len(held_out) < neighbours + 2
        return real, {} if few else measure(gathered([held_out], mesh, data.test.get("y")), real)

    def measure(generated: Gathered, real: Gathered) -> dict[str, float]:
        return measured(Compared(real, generated, shares, neighbours), scores)

    def report(
        parts: Iterable[Any], mesh: Mesh | None = None, labels: np.ndarray | None = None
    ) -> dict[str, float]:
        generated, (real, of_held_out) = gathered(parts, mesh, labels), reference(mesh)
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


def _default(data: Any) -> Callable[[Any], Extractor]:
    if data.channel is not None:
        return stacked
    return classifier if data.num_classes else pixels


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


def _loaded(extractor: Extractor, mesh: Mesh | None) -> Callable:
    """Its function, as an argument of a program: weights are no constants of it."""
    apply = extractor.load()
    if not isinstance(apply, jax.tree_util.Partial):
        apply = jax.tree_util.Partial(apply)
    return jax.device_put(apply, NamedSharding(mesh, PartitionSpec())) if mesh else apply


def _dealt(x: Any, mesh: Mesh | None) -> Any:
    """Images dealt to the devices, or on all of them if they do not divide."""
    if mesh is None:
        return x
    spec = PartitionSpec() if len(x) % mesh.size else PartitionSpec(spread.AXIS)
    return jax.device_put(np.asarray(x), NamedSharding(mesh, spec))


def _evenly(data: Any, compared: int) -> tuple[Iterator[Any], np.ndarray]:
    """All training images in parts, and the numbers of those that are compared."""
    count = sources.count(data)
    most = min(compared, count)
    return (batch["x"] for batch in sources.parts(data, BATCH)), np.arange(most) * count // most
