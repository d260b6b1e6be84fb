"""Rows of a data section through the feed of training to the device, without training."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax

from ganjax import cli, experiment
from ganjax.feed import Feed

STEPS = 10  # of a piece


@contextlib.contextmanager
def feed(data: dict[str, Any], batch_size: int) -> Iterator[Callable[[], int]]:
    """A call takes a piece of `STEPS` batches, waits for it and returns its number of examples."""
    config = {
        **cli.read_config("digits_mlp"),
        "data": {**data, "keep": "stream"},
        "batch_size": batch_size,
        "evaluation": {"name": "none"},
    }
    pieces = ((step, STEPS) for step in itertools.count(0, STEPS))
    ahead = Feed(experiment.build(config), None, jax.random.key(0), pieces)

    def read():
        jax.block_until_ready(next(ahead))
        return STEPS * batch_size

    try:
        yield read
    finally:
        ahead.close()
