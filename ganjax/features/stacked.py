"""A judge of stacked images: the extractor of one channel, applied to each."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from ganjax.features.classifier import LEAST, classifier
from ganjax.features.extractor import Extractor, digest
from ganjax.features.pixels import logistic


def stacked(data: Any, each: Callable[[Any], Extractor] | None = None) -> Extractor:
    """Features of all channels side by side, and the classes of `data.stacked`.

    The probability of a class is the product of those of its channels, so the largest is that of
    the channels' largest.

    Args:
      data: of `data.stacked`.
      each: labelled images of one channel -> extractor with class probabilities; by default a
        `classifier` for images of 16 or more pixels, `logistic` for smaller ones.

    Raises:
      ValueError: the data are no stacks, or `each` gives other probabilities than theirs.
    """
    if data.channel is None:
        raise ValueError("features 'stacked' need stacked data; name the data 'stacked'")
    if each is None:
        each = classifier if min(data.shape[:2]) >= LEAST else logistic
    one, classes = each(data.channel), data.channel.num_classes
    if one.classes not in (classes, None):
        raise ValueError(
            f"each={one.name!r} has {one.classes} class probabilities, expected {classes}, as many "
            "as a channel has classes; name it 'logistic' or 'classifier'"
        )
    name = f"stacked, {one.name}"
    load = partial(_of_channels, one)
    return Extractor(name, digest(f"stacked {one.digest}"), load, data.num_classes)


def _of_channels(one: Extractor) -> Callable:
    apply = one.load()
    if isinstance(apply, jax.tree_util.Partial):
        return jax.tree_util.Partial(_extracted, apply)
    return partial(_extracted, apply)


def _extracted(apply: Callable, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Features [n, channels d] and probabilities [n, k^channels]."""
    n, *sides, channels = x.shape
    alone = jnp.moveaxis(x, -1, 0).reshape(channels * n, *sides, 1)
    features, probabilities = apply(alone)
    features = jnp.moveaxis(features.reshape(channels, n, -1), 0, 1).reshape(n, -1)
    joint, *rest = probabilities.reshape(channels, n, -1)
    for one in rest:  # [n, k, ...] x [n, k] -> [n, k, ..., k]
        joint = (joint[:, :, None] * one[:, None, :]).reshape(n, -1)
    return features, joint
