"""The noun `Experiment`: everything that a config stands for, and its initial state."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import ml_collections
import numpy as np

from ganjax import averages, features
from ganjax import data as sources
from ganjax.experiment import batches, sampling
from ganjax.types import Game, GanState, Scheme


class Begin(NamedTuple):
    """Where a stage begins: steps of the run before it, and updates of the generator in them."""

    step: int = 0
    updates: int = 0

    def run_step(self, updates: jax.Array, each: int) -> jax.Array:
        """The step of the run after so many updates of the generator, `each` of them a step."""
        return self.step + (updates - self.updates) // each


START = Begin()


class Streams(NamedTuple):
    """The independent random keys that one seed gives."""

    init: jax.Array
    play: jax.Array
    pictures: jax.Array
    evaluation: jax.Array
    monitor: jax.Array


class Experiment(NamedTuple):
    """Everything a config stands for.

    Attributes:
      config: the resolved config, frozen.
      data: a `Data`, or None for toy games.
      game: the `Game`.
      scheme: the `Scheme`, averaging included.
      batch: `(train, rng, at=None) -> batch` of the config's size, pure; None for toy games. Its
        leading axes are `scheme.batches`. `at`, (key of the training, step), sets the rows of data
        that are read in epochs.
      one_batch: the same without sub-batches.
      asked: `state -> state` whose players answer queries, samples and evaluations: averaged
        players, if there are any, with batch statistics of their own; see `averages.asked`.
      sample: `(state, rng, n, y=None) -> x [n, ...]` of the players `asked`; None for games without
        samples. The first samples of a key are the same for any n. Labels y, int [n], are for games
        that have them; `default_labels` if None.
      evaluate: `(state, rng, n, mesh=None) -> {name: number}`, on n samples if it is about samples;
        the devices of the mesh, of one process, share the work. None if the config names no
        evaluation.
      report: the report that `evaluate` calls, also for samples from elsewhere; see `score`.
      monitor: `(state, batch, rng, means) -> {name: scalar}`, pure, with the means of the metrics
        over the last chunk of steps; None if the config names none. It stops training by
        `monitor/stop`: 1.
      stop_reason: why the monitor stopped training; "" without a monitor.
      state: the restored state of a run, or None.
      step: the step of that state.
      stages: the experiments that are trained one after another, each to the step
        `config.steps`; () for a config without stages. All else is that of the stage that the run
        ends in.
      axis_name: the mapped device axis that the scheme was built with, or None.
      begin: where the stage begins, for schedules that count the run's steps.
    """

    config: ml_collections.FrozenConfigDict
    data: sources.Data | None
    game: Game
    scheme: Scheme
    batch: Callable
    one_batch: Callable
    asked: Callable[[GanState], GanState]
    sample: Callable | None
    evaluate: Callable | None
    report: Callable | features.Streamed | None = None
    monitor: Callable | None = None
    stop_reason: str = ""
    state: GanState | None = None
    step: int = 0
    stages: tuple["Experiment", ...] = ()
    axis_name: str | None = None
    begin: Begin = START

    def stage(self, step: int) -> "Experiment":
        """The stage of the state after `step` steps; itself without stages.

        The state at the end of a stage belongs to it: it grows at the beginning of the next.
        """
        return next((stage for stage in self.stages if step <= stage.config.steps), self)

    @property
    def train(self) -> dict[str, jax.Array]:
        """The arrays that `batch` draws from; {} for closed forms, toys and streamed data."""
        return self.data.train if self.data else {}

    @property
    def examples(self) -> dict[str, jax.Array]:
        """Training examples with the keys of a batch, see `data.examples`; {} for toys."""
        return sources.examples(self.data) if self.data else {}

    @property
    def streamed(self) -> bool:
        """Whether training gets its rows from the host."""
        return self.data is not None and self.data.streamed

    @property
    def rows(self) -> Callable:
        """`(rng, at) -> int[*scheme.batches, batch_size]`, of data with a source."""
        return batches.rows(self.data, self.config.batch_size, self.scheme.batches)

    @property
    def decoded(self) -> Callable:
        """`(read, rng, axis_name=None) -> batch` of such rows as read; with them it is `batch`."""
        return batches.decoded(self.data, len(self.scheme.batches))

    @property
    def labelled(self) -> bool:
        """Whether samples have a class that `sample` can set."""
        return sampling.is_labelled(self.game)

    def default_labels(self, n: int) -> np.ndarray | None:
        """The classes of the data in turn, [n], if samples have a class; else None."""
        return sampling.in_turn(self.data, n) if self.labelled else None

    @property
    def classes(self) -> np.ndarray:
        """The classes that the training data hold, in order; all of a closed form's."""
        return sources.classes(self.data)

    def queries(self, state: GanState) -> dict[str, Callable]:
        """The game's queries of the players `asked`, functions of the remaining arguments."""
        return sampling.queries_of(self.game.queries, self.asked(state))

    def protocol(
        self,
        state: GanState,
        *,
        step: int,
        seed: int,
        scores: Mapping[str, float] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """The protocol of a score of samples of `state`, to be kept beside it.

        `average` is about the generator, `discriminator_average` about a classifier's own average;
        `standing_statistics` names the players with batch statistics of their averaged weights.
        """
        return {
            "step": step,
            "seed": seed,
            "average": averages.averaged(state),
            "discriminator_average": averages.keeps_average(state),
            "standing_statistics": list(averages.restood(state)),
            **sampling.protocol_of_data(self, scores),
        }


def streams(seed: int) -> Streams:
    """The random keys of a run: everything random in it is a function of (seed, step)."""
    return Streams(*jax.random.split(jax.random.key(seed), len(Streams._fields)))


def initial_state(
    experiment: Experiment, rng: jax.Array, train: dict[str, jax.Array] | None = None
) -> GanState:
    """The state before the first step.

    Args:
      experiment: from `build`.
      rng: `streams(seed).init`.
      train: `experiment.train`, where a compiled function has it as an argument and no constant.
    """
    rng_batch, rng_init = jax.random.split(rng)
    train = experiment.train if train is None else train
    return experiment.scheme.init(rng_init, experiment.batch(train, rng_batch))


def template(experiment: Experiment) -> GanState:
    """Shapes and dtypes of the experiment's state, nothing computed."""
    return jax.eval_shape(partial(initial_state, experiment), jax.random.key(0))


def after_a_step(experiment: Experiment, value: Callable[[GanState], Any]) -> Any:
    """`value` of the state after the first step; the compiler drops all else."""

    def first(rng, train):
        batch, state = experiment.batch(train, rng), initial_state(experiment, rng, train)
        return value(experiment.scheme.step(state, batch, rng)[0])

    return jax.jit(first)(jax.random.key(0), experiment.train)
