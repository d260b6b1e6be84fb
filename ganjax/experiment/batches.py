"""Batches of an experiment: their rows drawn from a key, read, and decoded on the device."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax

from ganjax import data as sources
from ganjax import spread


def batcher(data: sources.Data | None, size: int, parts: tuple[int, ...] = ()) -> Callable:
    """`(train, rng, at=None) -> batch` [*parts, size, ...]; None for no data.

    `at`, (key of the training, step), sets the rows of data that are read in epochs; without it
    they are drawn from rng.
    """
    if data is None:
        return lambda train, rng, at=None: None
    if data.rows is not None:
        draw, decode = rows(data, size, parts), decoded(data, len(parts))
        return lambda train, rng, at=None: decode(sources.taken(data, train, draw(rng, at)), rng)

    def batch(train, rng, at=None):
        drawn = data.sample(train, rng, math.prod(parts) * size)
        return {key: array.reshape(*parts, size, *array.shape[1:]) for key, array in drawn.items()}

    return batch


def rows(data: sources.Data, size: int, parts: tuple[int, ...]) -> Callable:
    """`(rng, at) -> int[*parts, size]`: the rows of a batch of data with a source."""

    def drawn(rng, at):
        count = math.prod(parts) * size
        in_order = data.order is not None and at is not None
        found = data.order(*at, count) if in_order else data.rows(rng, count)
        return found.reshape(*parts, size)

    return drawn


def decoded(data: sources.Data, axes: int) -> Callable:
    """`(read, rng, axis_name=None) -> batch`: rows as read, [*parts, size, ...], as batches.

    With `axis_name` they are a device's part of the rows, and change as they do in the whole batch.
    """

    def decode(read: Any, rng: jax.Array, axis_name: str | None = None) -> sources.Batch:
        one = spread.on_rows(lambda _, __, read, rng: data.decode(read, rng), axis_name)
        mapped = partial(one, (), ())
        for _ in range(axes):
            mapped = jax.vmap(mapped)
        parts = jax.tree.leaves(read)[0].shape[:axes]
        rng = jax.random.fold_in(rng, 1)
        return mapped(read, jax.random.split(rng, parts) if parts else rng)

    return decode
