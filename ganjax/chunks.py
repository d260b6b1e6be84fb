"""Chunks: many training steps as one compiled program, cut where time or data ask for it."""

import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganjax import data as sources
from ganjax import devices, memory, spread
from ganjax.console import aside
from ganjax.experiment import Experiment, initial_state, template
from ganjax.types import GanState

log = logging.getLogger(__name__)

FINITE = -1  # a chunk's `bad_step` when all was finite
GROWN = -2  # and when a parameter is beyond the config's bound after it
WATCHED = ("loss/", "grad_norm/")  # metrics that must be finite


class Chunk(NamedTuple):
    """The outcome of a chunk of steps.

    Attributes:
      metrics: mean over the chunk's steps of every metric, the sum for counts of evaluations.
      bad_step: index within the chunk of the first step with a loss or gradient that is not finite,
        the last if only something in the state is, `GROWN`, or `FINITE`.
    """

    metrics: dict[str, jax.Array]
    bad_step: jax.Array


class Sums(NamedTuple):
    """Sums over steps that are not yet in a row of metrics.

    A program takes them and adds to them, step by step, so that a chunk has the same bits however
    it is cut.

    Attributes:
      metrics: by name.
      steps: their number.
      bad_step: as of `Chunk`.
    """

    metrics: dict[str, jax.Array]
    steps: jax.Array
    bad_step: jax.Array


def steps(experiment: Experiment) -> Callable:
    """`(state, train, rng, sums, first_step, length, offset) -> (state, Sums)`, pure.

    It trains `length` steps, traced, so that one program serves any number. Step number s draws
    from `fold_in(rng, s)` alone, so that resuming needs no replay and no draw is made twice.
    `train` is that of the experiment or, of a streamed one, the rows of some steps as read,
    [steps, ...], those of `first_step` at `offset`, see `ganjax.feed`.
    """
    axis, axis_name = batch_axis(experiment), experiment.axis_name
    sourced = experiment.data is not None and experiment.data.source is not None

    deal = partial(spread.dealt, axis_name=axis_name, axis=axis)

    def own_batch(train, rng, at, place):
        """A device's part of the batch; rows are dealt before they are decoded."""
        if not sourced:
            return jax.tree.map(deal, spread.rows(experiment.batch(train, rng, at), axis))
        if experiment.streamed:
            read = jax.tree.map(lambda x: jax.lax.dynamic_index_in_dim(x, place, 0, False), train)
        else:
            read = sources.taken(experiment.data, train, deal(experiment.rows(rng, at)))
        return spread.rows(experiment.decoded(read, rng, axis_name), axis)

    def run(state, train, rng, sums, first_step, length, offset):
        def body(index, carry):
            state, sums = carry
            step = first_step + index
            rng_batch, rng_step = jax.random.split(jax.random.fold_in(rng, step))
            batch = own_batch(train, rng_batch, (rng, step), offset + index)
            state, metrics = experiment.scheme.step(state, batch, rng_step)
            return state, added(sums, metrics)

        state, sums = jax.lax.fori_loop(0, length, body, (state, sums))
        return state, checked(sums, state, experiment.config.largest_parameter)

    return run


def no_sums(experiment: Experiment) -> Sums:
    """The sums of no steps, on the host."""

    def one(rng):
        state = initial_state(experiment, rng)
        batch = experiment.batch(experiment.train, rng)
        return experiment.scheme.step(state, batch, rng)[1]

    def zero(key, metric):
        counted = key.startswith("evaluations/")
        return np.zeros((), metric.dtype if counted else jnp.promote_types(metric.dtype, "float32"))

    axis_name = experiment.axis_name
    if axis_name is not None:  # as on one device
        one = jax.vmap(one, axis_name=axis_name, axis_size=1, in_axes=None)
    with devices.mapping() if axis_name else contextlib.nullcontext():
        metrics = jax.eval_shape(one, jax.random.key(0))
    metrics = {key: zero(key, metric) for key, metric in metrics.items()}
    return Sums(metrics, np.int32(0), np.int32(FINITE))


def means(sums: Sums) -> Chunk:
    """The outcome of the steps that were summed."""
    metrics = {
        key: value if key.startswith("evaluations/") else value / sums.steps.astype(value.dtype)
        for key, value in sums.metrics.items()
    }
    return Chunk(metrics, sums.bad_step)


def plain(sums: Sums) -> dict[str, Any]:
    """Sums of finite steps as JSON, exact; the inverse of `as_sums`."""
    metrics = {key: value.item() for key, value in sums.metrics.items()}
    return {"metrics": metrics, "steps": int(sums.steps)}


def as_sums(zero: Sums, saved: dict[str, Any]) -> Sums:
    """The sums of `plain`, their dtypes those of `no_sums`."""
    metrics = {key: np.asarray(saved["metrics"][key], x.dtype) for key, x in zero.metrics.items()}
    return zero._replace(metrics=metrics, steps=np.int32(saved["steps"]))


def chunk(experiment: Experiment, length: int) -> Callable:
    """`(state, train, rng, first_step) -> (state, Chunk)`: `length` of `steps`, pure.

    Map it over states and keys for many seeds in one program.
    """
    sums, run = no_sums(experiment), steps(experiment)

    def whole(state, train, rng, first_step):
        state, summed = run(
            state, train, rng, jax.tree.map(jnp.asarray, sums), first_step, length, 0
        )
        return state, means(summed)

    return whole


def batch_axis(experiment: Experiment) -> int:
    """The batch axis of a batch's arrays: behind the axes of the scheme's sub-batches."""
    return 0 if experiment.data is None else len(experiment.scheme.batches)


def compiled_start(experiment: Experiment) -> Callable[[jax.Array, sources.Batch], GanState]:
    """A program of the state before the first step, as a function of its key and the data.

    Raises: as `memory.check`.
    """
    program = jax.jit(partial(initial_state, experiment))
    program = aside(program.lower(jax.random.key(0), experiment.train).compile)
    memory.check(program)
    return program


def compiled_chunk(
    experiment: Experiment, length: int, layout: devices.Layout | None = None
) -> Callable:
    """`chunk` as a compiled program, see `_compiled`."""
    return _compiled(experiment, chunk(experiment, length), layout, length, jnp.int32(0))


def compiled_steps(
    experiment: Experiment, layout: devices.Layout | None = None, rows: int = 0
) -> Callable:
    """`steps` as a compiled program, see `_compiled`; of streamed data `rows` are of so many."""
    numbers = (no_sums(experiment), *map(jnp.int32, (0, 1, 0)))
    return _compiled(experiment, steps(experiment), layout, rows, *numbers)


def _compiled(experiment, run, layout, length, *numbers) -> Callable:
    """A program of `(state, train, rng, *numbers)`; the state is donated.

    Args:
      experiment: from `experiment.build`, with the layout's `axis_name`.
      run: the function.
      layout: devices to spread over, None for one; states are to be laid out by `devices.put`.
      length: steps that streamed rows are of.
      numbers: for their shapes.
    """
    train, axis = experiment.train, None
    if experiment.streamed:
        axis = 1 + batch_axis(experiment)
        shape = (length, *experiment.scheme.batches, experiment.config.batch_size)
        train = sources.shapes_of(experiment.data.source, shape)
    arguments = (template(experiment), train, jax.random.key(0), *numbers)
    if layout is not None:
        return devices.compiled(layout, run, *arguments, axis=axis)
    return aside(jax.jit(run, donate_argnums=0).lower(*arguments).compile)


def added(sums: Sums, metrics: dict[str, jax.Array]) -> Sums:
    """Sums with those of one more step."""
    bad = (sums.bad_step < 0) & ~finite_metrics(metrics)
    summed = {key: value + metrics[key].astype(value.dtype) for key, value in sums.metrics.items()}
    at = jnp.where(bad, sums.steps, sums.bad_step)
    return sums._replace(metrics=summed, steps=sums.steps + 1, bad_step=at)


def checked(sums: Sums, state: GanState, bound: float) -> Sums:
    """Sums whose `bad_step` has seen the state after the last step as well."""
    in_state = jnp.where(beyond(state, bound), GROWN, FINITE)
    in_state = jnp.where(finite_state(state), in_state, sums.steps - 1)
    return sums._replace(bad_step=jnp.where(sums.bad_step < 0, in_state, sums.bad_step))


def finite_metrics(metrics: dict[str, jax.Array]) -> jax.Array:
    """Whether the metrics of a step that must be finite are so."""
    watched = [value for key, value in metrics.items() if key.startswith(WATCHED)]
    return jnp.all(jnp.isfinite(jnp.stack(watched)))


def finite_state(state: Any) -> jax.Array:
    """Whether every number of a state is finite."""
    floats = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.inexact)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in floats]))


def beyond(state: GanState, bound: float) -> jax.Array | bool:
    """Whether a parameter is larger than a bound; 0 is no bound."""
    return optax.tree.norm(state.params, ord=jnp.inf) > bound if bound else False
