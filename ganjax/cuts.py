"""Training of a stage in cuts: each ends soon enough to hear a signal, and none changes a bit."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np

from ganjax import devices, feed, memory
from ganjax.chunks import Sums, compiled_steps, no_sums
from ganjax.console import Stop, aside
from ganjax.experiment import Experiment, streams
from ganjax.records import Clock

log = logging.getLogger(__name__)

SECONDS = 0.5  # of training in a cut


class Cuts:
    """Calls that train a stage from a step on, each to a chunk's end or for about `SECONDS`.

    Chunks end where the stage does, and at multiples of the experiment's `log_every`. Of streamed
    data a cut ends where a piece of them does, too.

    Attributes:
      zero: the sums at a chunk's start.
      seconds: that the last cut took.
    """

    def __init__(
        self,
        experiment: Experiment,
        stage: Experiment,
        step: int,
        layout: devices.Layout | None,
        stop: Stop,
        feeds: contextlib.ExitStack,
        clock: Clock,
    ) -> None:
        """Compiles nothing yet, but begins to read streamed data.

        Args:
          experiment: of the whole run.
          stage: of it.
          step: to train from; all before it is saved.
          layout: devices to spread over; None for one.
          stop: after the first cut there is something to lose, and its `at_once` becomes False.
          feeds: closed now, and to close the new feed by.
          clock: of the run.
        """
        self._share = partial(devices.share, layout) if layout else lambda tree: tree
        self._stage, self._layout, self._stop, self._clock = stage, layout, stop, clock
        key = streams(experiment.config.seed).play
        self._rng, self._train = self._share(key), self._share(stage.train)
        self._pieces = partial(_pieces, stage, experiment.config.log_every, step)
        self.zero, self.seconds = no_sums(stage), 0.0
        self._left, self._piece, self._length = self._pieces(), (step, 0), 1
        feeds.close()
        if stage.streamed:
            self._feed = feed.Feed(stage, layout, key, self._pieces())
            feeds.callback(self._feed.close)

    @cached_property
    def _programs(self) -> dict[int, Callable]:
        """By the steps that streamed rows are of; compiled before anything could be lost."""
        began = time.perf_counter()
        lengths = {length for _, length in self._pieces()} if self._stage.streamed else {0}
        with self._clock("compiling"):
            found = {n: compiled_steps(self._stage, self._layout, n) for n in lengths}
        for program in found.values():
            memory.check(program)
        log.info("compiled the training in %.1f s", time.perf_counter() - began)
        return found

    def __call__(self, placed: Any, sums: Sums, step: int) -> tuple[Any, Sums, int]:
        """Trains from `step` on.

        Args:
          placed: the state on its devices, donated.
          sums: since the last row, on the host.
          step: as the last call returned.

        Returns:
          The new state, sums and step.
        """
        programs = self._programs
        if step == sum(self._piece):
            self._piece = next(self._left)
            self._train = next(self._feed) if self._stage.streamed else self._train
        first, rows = self._piece
        length = int(devices.from_first(np.int32(min(self._length, first + rows - step))))
        numbers = (sums, *map(np.int32, (step, length, step - first)))
        numbers = self._share(jax.device_put(numbers))
        program = programs[rows if self._stage.streamed else 0]

        def train():
            with jax.transfer_guard("disallow"):
                placed_after, sums = program(placed, self._train, self._rng, *numbers)
                return placed_after, jax.device_get(sums)

        began = time.perf_counter()
        with self._clock("training"):
            placed, sums = aside(train) if self._stop.at_once else train()  # pmap compiles now
        self.seconds = time.perf_counter() - began
        self._length = int(np.clip(SECONDS * length / self.seconds, 1, 2**31 - 1))
        self._stop.at_once = False
        return placed, sums, step + length


def _pieces(stage: Experiment, every: int, step: int) -> Iterator[tuple[int, int]]:
    """(first step, length) of a stage's chunks or, of streamed data, of their pieces."""
    while step < stage.config.steps:
        chunk = min(every - step % every, stage.config.steps - step)
        for length in feed.pieces(stage, chunk) if stage.streamed else [chunk]:
            yield step, length
            step += length
