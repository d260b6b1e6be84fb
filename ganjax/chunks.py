"""Chunks: many training steps as one compiled program."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganjax import data as sources
from ganjax import devices, spread
from ganjax.experiment import Experiment, template
from ganjax.types import GanState

log = logging.getLogger(__name__)

FINITE = -1  # a chunk's `bad_step` when all was finite
WATCHED = ("loss/", "grad_norm/")  # metrics that must be finite


class Chunk(NamedTuple):
    """The outcome of a chunk of steps.

    Attributes:
      metrics: mean over the chunk's steps of every metric, the sum for counts of evaluations.
      bad_step: index within the chunk of the first step with a loss or gradient that is not finite,
        the last if only something in the state is, or `FINITE`.
      largest: the largest size of a parameter after the chunk.
    """

    metrics: dict[str, jax.Array]
    bad_step: jax.Array
    largest: jax.Array


def chunk(experiment: Experiment, length: int) -> Callable:
    """`(state, train, rng, first_step) -> (state, Chunk)`: `length` steps as one scan, pure.

    Step number s draws from `fold_in(rng, s)` alone, so that resuming needs no replay and no draw
    is made twice. Map it over states and keys for many seeds in one program. `train` is that of the
    experiment or, of a streamed one, the rows of these steps as read, [length, ...], see
    `ganjax.feed`.
    """
    axis, axis_name = batch_axis(experiment), experiment.axis_name
    sourced = experiment.data is not None and experiment.data.source is not None

    deal = partial(spread.dealt, axis_name=axis_name, axis=axis)

    def own_batch(train, rng, at, read):
        """A device's part of the batch; rows are dealt before they are decoded."""
        if not sourced:
            return jax.tree.map(deal, spread.rows(experiment.batch(train, rng, at), axis))
        if not experiment.streamed:
            read = sources.taken(experiment.data, train, deal(experiment.rows(rng, at)))
        return spread.rows(experiment.decoded(read, rng, axis_name), axis)

    def run(state, train, rng, first_step):
        def body(state, step_and_rows):
            step, read = step_and_rows
            rng_batch, rng_step = jax.random.split(jax.random.fold_in(rng, step))
            batch = own_batch(train, rng_batch, (rng, step), read)
            return experiment.scheme.step(state, batch, rng_step)

        steps = first_step + jnp.arange(length)
        state, metrics = jax.lax.scan(body, state, (steps, train if experiment.streamed else ()))
        bad = bad_step(metrics, state, length)
        return state, Chunk(_reduced(metrics), bad, largest(state))

    return run


def batch_axis(experiment: Experiment) -> int:
    """The batch axis of a batch's arrays: behind the axes of the scheme's sub-batches."""
    return 0 if experiment.data is None else len(experiment.scheme.batches)


def compiled_chunk(
    experiment: Experiment, length: int, layout: devices.Layout | None = None
) -> Callable:
    """`chunk` as a compiled program; the state is donated.

    Args:
      experiment: from `experiment.build`, with the layout's `axis_name`.
      length: steps.
      layout: devices to spread over, None for one; states are to be laid out by `devices.put`.
    """
    train, axis = experiment.train, None
    if experiment.streamed:
        axis = 1 + batch_axis(experiment)
        shape = (length, *experiment.scheme.batches, experiment.config.batch_size)
        train = sources.shapes_of(experiment.data.source, shape)
    arguments = (template(experiment), train, jax.random.key(0), jnp.int32(0))
    if layout is not None:
        return devices.compiled(layout, chunk(experiment, length), *arguments, axis=axis)
    return jax.jit(chunk(experiment, length), donate_argnums=0).lower(*arguments).compile()


def joined(chunks: Sequence[Chunk], lengths: Sequence[int]) -> Chunk:
    """The outcome of successive chunks as one, on the host."""
    if len(chunks) == 1:
        return jax.device_get(chunks[0])
    chunks, shares = jax.device_get(list(chunks)), np.divide(lengths, sum(lengths))
    metrics = {
        key: sum(c.metrics[key] for c in chunks)
        if key.startswith("evaluations/")
        else np.float32(np.dot(shares, [c.metrics[key] for c in chunks]))
        for key in chunks[0].metrics
    }
    firsts = np.cumsum([0, *lengths])
    bad = (first + c.bad_step for first, c in zip(firsts, chunks, strict=False) if c.bad_step >= 0)
    return Chunk(metrics, np.int32(next(bad, FINITE)), chunks[-1].largest)


def _reduced(metrics: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {
        key: jnp.sum(value) if key.startswith("evaluations/") else jnp.mean(value)
        for key, value in metrics.items()
    }


def bad_step(metrics: dict[str, jax.Array], state: Any, length: int) -> jax.Array:
    """`Chunk.bad_step` of stacked metrics [length] and the state after the last step."""
    watched = [value for key, value in metrics.items() if key.startswith(WATCHED)]
    finite = jnp.all(jnp.isfinite(jnp.stack(watched)), axis=0)  # [length]
    floats = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.inexact)]
    state_finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in floats]))
    in_state = jnp.where(state_finite, FINITE, length - 1)
    return jnp.where(jnp.all(finite), in_state, jnp.argmin(finite))


def largest(state: GanState) -> jax.Array:
    """`Chunk.largest` of the state after it."""
    return optax.tree.norm(state.params, ord=jnp.inf)
