"""A program compiled for all its runs, spread over the devices."""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import devices, experiment
from ganjax.errors import ConfigError, unknown
from ganjax.sweep.programs import Program, scheme, step
from ganjax.types import GanState

MAPPINGS = ("vmap", "map")  # all runs of a device side by side, or one after another


class Played(NamedTuple):
    """What some steps of every run tell the host; the leading axis is the run.

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
      runs: number of runs, those that fill up the last device included.
      init: `() -> states`, the leading axis the run.
      play: `(states, first_step, length) -> (states, Played)`; the states are donated.
      bytes: memory it plans to use on one device.
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

    Returns:
      `Runner`.
    """
    if how not in MAPPINGS:
        raise ConfigError(unknown("mapping", how, MAPPINGS))
    built, count = program.experiment, len(among or jax.devices())
    pairs = list(itertools.product(range(len(program.cells)), seeds))
    pairs += pairs[-1:] * (-len(pairs) % count)
    streams = {seed: experiment.streams(seed) for seed in seeds}
    inits, plays = (
        jnp.stack([getattr(streams[seed], name) for _, seed in pairs]) for name in ("init", "play")
    )
    values = np.array([[of[cell] for of in program.numbers.values()] for cell, _ in pairs], float)
    mesh = devices.mesh(seed=count, among=among)
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("seed"))
    whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    inits, plays = (devices.laid_out(keys, spread) for keys in (inits, plays))
    values = devices.laid_out(values.astype(jnp.result_type(float)), spread)
    train = jax.tree.map(partial(devices.laid_out, sharding=whole), built.train)

    def mapped(one, *given):
        if how == "vmap":
            return jax.vmap(one)(*given)
        return jax.lax.map(lambda row: one(*row), given)

    def over_devices(function, shared, donated=()):
        return jax.jit(
            jax.shard_map(
                function,
                mesh=mesh,
                in_specs=(spread.spec,) * 3 + (whole.spec,) * shared,
                out_specs=spread.spec,
                check_vma=False,
            ),
            donate_argnums=donated,
        )

    def first(inits, plays, values, train):
        del plays
        return mapped(partial(_initial, built, program.numbers, train), inits, values)

    def play(states, plays, values, train, first_step, length):
        one = partial(_play, built, program.numbers, train, first_step, length)
        return mapped(one, states, plays, values)

    init = over_devices(first, 1)
    states = jax.eval_shape(init, inits, plays, values, train)
    states = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=spread), states
    )
    number = jax.ShapeDtypeStruct((), jnp.int32, sharding=whole)
    given = states, plays, values, train, number, number
    compiled = over_devices(play, 3, 0).lower(*given).compile()
    told = compiled.memory_analysis()

    def laid(value):
        return devices.laid_out(np.int32(value), whole)

    return Runner(
        how,
        len(pairs),
        lambda: init(inits, plays, values, train),
        lambda states, first_step, length: compiled(
            states, plays, values, train, laid(first_step), laid(length)
        ),
        told.temp_size_in_bytes + told.argument_size_in_bytes if told else 0,
    )


def _initial(built, numbers, train, rng, values) -> GanState:
    """As `experiment.initial_state`, with traced numbers."""
    rng_batch, rng_init = jax.random.split(rng)
    return scheme(built, numbers, values).init(rng_init, built.batch(train, rng_batch))


def _play(built, numbers, train, first_step, length, state, rng, values):
    """`length` steps of one run, which may be traced: one program for any number of steps."""

    def one(state, index):
        return step(built, numbers, values, state, train, rng, first_step + index)

    def body(index, carry):
        state, sums, bad = carry
        state, metrics = one(state, index)
        sums = {key: sums[key] + jnp.asarray(metrics[key], sums[key].dtype) for key in sums}
        bad = jnp.where((bad < 0) & ~_finite(metrics, state), first_step + index + 1, bad)
        return state, sums, bad

    told = jax.eval_shape(one, state, jnp.int32(0))[1]
    sums = {
        key: jnp.zeros((), jnp.int32 if key.startswith("evaluations/") else float) for key in told
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
