"""Compiled programs of cells: one for all configs that differ in traceable numbers alone."""

import json
import logging
import traceback
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict

from ganjax import experiment
from ganjax.errors import ConfigError, GanjaxError
from ganjax.experiment import Experiment
from ganjax.swept import Swept
from ganjax.types import GanState, Scheme

log = logging.getLogger(__name__)

# Sections whose numbers may differ between the runs of a program.
NUMERIC = ("gen_tx", "disc_tx", "scheme", "penalties", "average", "loss")


class Program(NamedTuple):
    """Cells that one compiled program trains.

    Attributes:
      cells: their names.
      experiment: of the first cell.
      numbers: {path: its value in each cell} of the numbers that differ.
    """

    cells: tuple[str, ...]
    experiment: Experiment
    numbers: dict[str, tuple[float, ...]]


def programs(cells: Mapping[str, Mapping[str, Any]]) -> list[Program]:
    """The fewest programs that train the cells; every cell is built, a step of it traced.

    Args:
      cells: {name: resolved config}.

    Raises:
      ConfigError: a cell cannot be built; the message names it.
    """
    groups: dict[str, list[str]] = {}
    for name, config in cells.items():
        leaves = flatten_dict(config, keep_empty_nodes=True, sep=".")
        without_numbers = leaves | dict.fromkeys(_numbers(config))
        key = json.dumps(without_numbers, sort_keys=True, default=lambda _: "empty")
        groups.setdefault(key, []).append(name)
    built = {}
    for name, config in cells.items():
        try:
            built[name] = experiment.build(config)
        except Exception as error:  # whatever a user's function raises while it is traced
            reason = error if isinstance(error, GanjaxError) else raised(error)
            raise ConfigError(f"in cell {name!r}: {reason}") from error
    return [
        program
        for names in groups.values()
        for program in _split({name: built[name] for name in names}, cells)
    ]


def raised(error: Exception) -> str:
    """An error of any kind on one line, with the place where it was raised."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({at.filename}, line {at.lineno})"


def _split(
    built: Mapping[str, Experiment], cells: Mapping[str, Mapping[str, Any]]
) -> list[Program]:
    """Programs of cells that differ in numbers alone; a number that cannot be traced splits."""
    values = {name: _numbers(cells[name]) for name in built}
    first = next(iter(built))
    differing = [path for path in values[first] if len({v[path] for v in values.values()}) > 1]
    traced = [
        path
        for path in differing
        if _traces(built[first], {path: tuple(values[name][path] for name in built)})
    ]
    groups: dict[tuple, list[str]] = {}
    for name in built:
        rest = tuple(values[name][path] for path in differing if path not in traced)
        groups.setdefault(rest, []).append(name)
    return [
        Program(
            tuple(names),
            built[names[0]],
            {path: tuple(values[name][path] for name in names) for path in traced},
        )
        for names in groups.values()
    ]


def _traces(built: Experiment, numbers: dict[str, tuple[float, ...]]) -> bool:
    """Whether a step can be traced with these numbers unknown."""
    try:
        values = jax.ShapeDtypeStruct((len(numbers),), jnp.result_type(float))
        state = experiment.template(built)
        rng = jax.random.key(0)
        jax.eval_shape(partial(step, built, numbers), values, state, built.train, rng, 0)
    except Exception as error:  # any error of a function that needs a float
        log.info("%s: a program for each value (%s)", ", ".join(numbers), str(error)[:200])
        return False
    return True


def step(
    built: Experiment,
    numbers: Mapping[str, tuple[float, ...]],
    values: jax.Array,
    state: GanState,
    train: Mapping[str, jax.Array],
    rng: jax.Array,
    index: jax.Array | int,
) -> tuple[GanState, dict[str, jax.Array]]:
    """Step number `index` of one run: the same draws as in `train.chunk`."""
    rng_batch, rng_step = jax.random.split(jax.random.fold_in(rng, index))
    batch = built.batch(train, rng_batch, (rng, index))
    return scheme(built, numbers, values).step(state, batch, rng_step)


def scheme(
    built: Experiment, numbers: Mapping[str, tuple[float, ...]], values: jax.Array
) -> Scheme:
    """The scheme with traced numbers in the place of the config's."""
    if not numbers:
        return built.scheme
    swept = {path: Swept(values[i], of) for i, (path, of) in enumerate(numbers.items())}
    return experiment.reschemed(built, swept)


def _numbers(config: Mapping[str, Any]) -> dict[str, float]:
    """{path: float} of the sections in which runs of one program may differ."""
    leaves = flatten_dict({key: config[key] for key in NUMERIC if key in config}, sep=".")
    return {path: value for path, value in leaves.items() if isinstance(value, float)}
