"""A program compiled for all its runs, spread over the devices."""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from ganjax import devices, experiment
from ganjax.console import aside
from ganjax.errors import ConfigError, unknown
from ganjax.sweep.programs import Program, scheme, step
from ganjax.types import GanState

MAPPINGS = ("vmap", "map")  # all runs of a device side by side, or one after another
BY_RUN, WHOLE = PartitionSpec("seed"), PartitionSpec()


class Played(NamedTuple):
    """The outcome of some steps of every run; the leading axis is the run.

    Attributes:
      metrics: means over the steps, sums for counts of evaluations.
      bad_step: the first step after which a loss, a gradient or the state was not finite; -1.
    """

    metrics: dict[str, jax.Array]
    bad_step: jax.Array


class Runner(NamedTuple):
    """A compiled program.

    Attributes:
      how: a row of `MAPPINGS`.
      runs: number of runs, with copies of the last one to fill the last device.
      init: `() -> states`, the leading axis the run.
      play: `(states, first_step, length) -> (states, Played)`; the states are donated.
      bytes: memory it needs on one device.
    """

    how: str
    runs: int
    init: Callable
    play: Callable
    bytes: int


def runner(
    program: Program,
    seeds: tuple[int, ...],
    how: str,
    among: Sequence[jax.Device] | None = None,
) -> Runner:
    """Compiles a program for all its cells and seeds, spread over the devices of all processes.

    Args:
      program: from `programs`.
      seeds: training seeds of every cell; runs are ordered cell by cell.
      how: a row of `MAPPINGS`.
      among: the devices, all of all processes if None.
    """
    if how not in MAPPINGS:
        raise ConfigError(unknown("mapping", how, MAPPINGS))
    runs = list(itertools.product(range(len(program.cells)), seeds))
    runs += runs[-1:] * (-len(runs) % len(among or jax.devices()))
    mesh = devices.mesh(seed=len(among or jax.devices()), among=among)
    inits, keys, values, train = _inputs(program, runs, mesh)

    def first(inits, _, values, train):
        return _mapped(how, partial(_initial, program, train), inits, values)

    def train_runs(states, keys, values, train, first_step, length):
        one = partial(_play, program, train, first_step, length)
        return _mapped(how, one, states, keys, values)

    init = _over_devices(first, mesh, shared=1)
    states = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(
            leaf.shape, leaf.dtype, sharding=NamedSharding(mesh, BY_RUN)
        ),
        jax.eval_shape(init, inits, keys, values, train),
    )
    whole = NamedSharding(mesh, WHOLE)
    number = jax.ShapeDtypeStruct((), jnp.int32, sharding=whole)
    train_runs = _over_devices(train_runs, mesh, shared=3, donate_argnums=0)
    compiled = aside(train_runs.lower(states, keys, values, train, number, number).compile)
    memory = compiled.memory_analysis()

    def play(states, first_step, length):
        numbers = (devices.laid_out(np.int32(n), whole) for n in (first_step, length))
        return compiled(states, keys, values, train, *numbers)

    return Runner(
        how,
        len(runs),
        lambda: init(inits, keys, values, train),
        play,
        memory.temp_size_in_bytes + memory.argument_size_in_bytes if memory else 0,
    )


def _inputs(program: Program, runs: Sequence[tuple[int, int]], mesh: jax.sharding.Mesh):
    """Arrays on the devices: two keys and the traced numbers of each run, and the data.

    A run is (index of the cell, seed); the data are whole on every device.
    """
    streams = {seed: experiment.streams(seed) for _, seed in runs}
    stacked = (
        jnp.stack([getattr(streams[seed], name) for _, seed in runs]) for name in ("init", "play")
    )
    values = np.array([[of[cell] for of in program.numbers.values()] for cell, _ in runs], float)
    by_run, whole = NamedSharding(mesh, BY_RUN), NamedSharding(mesh, WHOLE)
    inits, keys = (devices.laid_out(key, by_run) for key in stacked)
    values = devices.laid_out(values.astype(jnp.result_type(float)), by_run)
    train = jax.tree.map(partial(devices.laid_out, sharding=whole), program.experiment.train)
    return inits, keys, values, train


def _mapped(how: str, one: Callable, *rows: Any) -> Any:
    """`one` over the leading axis of rows, side by side or one after another."""
    if how == "vmap":
        return jax.vmap(one)(*rows)
    return jax.lax.map(lambda row: one(*row), rows)


def _over_devices(function: Callable, mesh: jax.sharding.Mesh, *, shared: int, **options: Any):
    """Compiles a function of three arguments by run and `shared` arguments known everywhere."""
    specs = (BY_RUN,) * 3 + (WHOLE,) * shared
    sharded = jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=BY_RUN, check_vma=False)
    return jax.jit(sharded, **options)


def _initial(program: Program, train, rng, values) -> GanState:
    """As `experiment.initial_state`, with traced numbers."""
    rng_batch, rng_init = jax.random.split(rng)
    built = program.experiment
    return scheme(built, program.numbers, values).init(rng_init, built.batch(train, rng_batch))


def _play(program: Program, train, first_step, length, state, rng, values):
    """`length` steps of one run; a traced length, so one program serves any number of steps."""

    def one(state, index):
        built, numbers = program.experiment, program.numbers
        return step(built, numbers, values, state, train, rng, first_step + index)

    def body(index, carry):
        state, sums, bad = carry
        state, metrics = one(state, index)
        sums = {key: sums[key] + jnp.asarray(metrics[key], sums[key].dtype) for key in sums}
        bad = jnp.where((bad < 0) & ~_finite(metrics, state), first_step + index + 1, bad)
        return state, sums, bad

    keys = jax.eval_shape(one, state, jnp.int32(0))[1]
    sums = {
        key: jnp.zeros((), jnp.int32 if key.startswith("evaluations/") else float) for key in keys
    }
    state, sums, bad = jax.lax.fori_loop(0, length, body, (state, sums, jnp.int32(-1)))
    means = {
        key: value if key.startswith("evaluations/") else value / length
        for key, value in sums.items()
    }
    return state, Played(means, bad)


def _finite(metrics: dict[str, jax.Array], state: GanState) -> jax.Array:
    watched = [value for key, value in metrics.items() if key.startswith(("loss/", "grad_norm/"))]
    floats = [x for x in jax.tree.leaves(state.params) if jnp.issubdtype(x.dtype, jnp.inexact)]
    parts = [jnp.all(jnp.isfinite(part)) for part in (*watched, *floats)]
    return jnp.all(jnp.stack(parts))
