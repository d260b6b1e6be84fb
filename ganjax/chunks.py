"""Chunks: many training steps as one compiled program."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganjax import devices, spread
from ganjax.experiment import Experiment, template

log = logging.getLogger(__name__)

FINITE = -1  # a chunk's `bad_step` when all was finite


class Chunk(NamedTuple):
    """The outcome of a chunk of steps.

    Attributes:
      metrics: mean over the chunk's steps of every metric, the sum for counts of evaluations.
      bad_step: index within the chunk of the first step with a loss or gradient that is not finite,
        the last if only something in the state is, or `FINITE`.
    """

    metrics: dict[str, jax.Array]
    bad_step: jax.Array


def chunk(experiment: Experiment, length: int) -> Callable:
    """`(state, train, rng, first_step) -> (state, Chunk)`: `length` steps as one scan, pure.

    Step number s draws from `fold_in(rng, s)` alone, so that resuming needs no replay and no draw
    is made twice. Map it over states and keys for many seeds in one program.
    """
    axis = batch_axis(experiment)

    def run(state, train, rng, first_step):
        def body(state, step):
            rng_batch, rng_step = jax.random.split(jax.random.fold_in(rng, step))
            batch = experiment.batch(train, rng_batch)
            deal = partial(spread.dealt, axis_name=experiment.axis_name, axis=axis)
            batch = jax.tree.map(deal, spread.rows(batch, axis))
            return experiment.scheme.step(state, batch, rng_step)

        state, metrics = jax.lax.scan(body, state, first_step + jnp.arange(length))
        return state, Chunk(_reduced(metrics), bad_step(metrics, state, length))

    return run


def batch_axis(experiment: Experiment) -> int:
    """The batch axis of a batch's arrays: behind the axes of the scheme's sub-batches."""
    rng = jax.random.key(0)
    many, one = (
        jax.tree.leaves(jax.eval_shape(batch, experiment.train, rng))
        for batch in (experiment.batch, experiment.one_batch)
    )
    return many[0].ndim - one[0].ndim if one else 0


def compiled_chunk(
    experiment: Experiment, length: int, layout: devices.Layout | None = None
) -> Callable:
    """`chunk` as a compiled program; the state is donated.

    Args:
      experiment: from `experiment.build`, with the layout's `axis_name`.
      length: steps.
      layout: devices to spread over, None for one; states are to be laid out by `devices.put`.
    """
    arguments = (template(experiment), experiment.train, jax.random.key(0), jnp.int32(0))
    if layout is not None:
        return devices.compiled(layout, chunk(experiment, length), *arguments)
    return jax.jit(chunk(experiment, length), donate_argnums=0).lower(*arguments).compile()


def _reduced(metrics: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {
        key: jnp.sum(value) if key.startswith("evaluations/") else jnp.mean(value)
        for key, value in metrics.items()
    }


def bad_step(metrics: dict[str, jax.Array], state: Any, length: int) -> jax.Array:
    """`Chunk.bad_step` of stacked metrics [length] and the state after the last step."""
    watched = [value for key, value in metrics.items() if key.startswith(("loss/", "grad_norm/"))]
    finite = jnp.all(jnp.isfinite(jnp.stack(watched)), axis=0)  # [length]
    floats = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.inexact)]
    state_finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in floats]))
    in_state = jnp.where(state_finite, FINITE, length - 1)
    return jnp.where(jnp.all(finite), in_state, jnp.argmin(finite))
