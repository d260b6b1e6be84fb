"""Rows of the steps to come, read on the host by a thread while the device trains."""

import queue
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import data as sources
from ganjax import devices
from ganjax.chunks import batch_axis
from ganjax.experiment import Experiment

AT_ONCE = 4  # pieces in memory: in training, waiting, being read, and on their way to the device
POLL = 0.1  # seconds after which a thread that waits looks whether it is to end
GRACE = 5.0  # seconds that a read may take to end; a file server that hangs must not hang the run


def pieces(experiment: Experiment, length: int) -> list[int]:
    """The lengths of a chunk's pieces, at most two different ones, that fit into the buffer."""
    shape = (*experiment.scheme.batches, experiment.config.batch_size)
    row = sources.shapes_of(experiment.data.source, shape)
    each = sum(x.size * x.dtype.itemsize for x in row.values())
    count = -(-length // max(1, experiment.data.buffer_bytes // (AT_ONCE * each)))
    return [len(part) for part in np.array_split(np.arange(length), count)]


class Feed:
    """The rows of successive pieces of steps, read ahead; close it at the end.

    The order of rows follows from (seed, step) alone, so a feed has no state to save.
    """

    def __init__(
        self,
        experiment: Experiment,
        layout: devices.Layout | None,
        rng: jax.Array,
        steps: Iterator[tuple[int, int]],
    ) -> None:
        """Begins to read.

        Args:
          experiment: whose data are streamed.
          layout: devices to deal the rows to; None for one.
          rng: the key of the training.
          steps: (first step, number of steps) of every piece, in the order of training.
        """
        self._experiment, self._layout = experiment, layout
        self._draw, source = _drawer(experiment, rng), experiment.data.source
        self._rows = partial(sources.read_rows, source, form=sources.form_of(source))
        self._queue: queue.Queue = queue.Queue(maxsize=1)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(steps,), daemon=True, name="feed")
        self._thread.start()

    def __next__(self) -> Any:
        """The next piece, laid out for `chunks.compiled_chunk`.

        Raises:
          DataError: its rows cannot be read; any other error of the thread is raised as it is.
        """
        piece = self._queue.get()
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def close(self) -> None:
        """Ends the thread, or leaves it alone with a read that does not end."""
        self._ended.set()
        self._thread.join(GRACE)

    def _run(self, steps: Iterator[tuple[int, int]]) -> None:
        try:
            for first, length in steps:
                if not self._put(self._read(first, length)):
                    return
            self._put(StopIteration())
        except BaseException as error:  # the loop raises it
            self._put(error)

    def _read(self, first: int, length: int) -> Any:
        rows, axis = self._draw(first, length), 1 + batch_axis(self._experiment)
        return devices.deal(self._layout, rows, self._rows, axis)

    def _put(self, piece: Any) -> bool:
        """Whether the loop will get it; False once the feed is closed."""
        while not self._ended.is_set():
            try:
                self._queue.put(piece, timeout=POLL)
            except queue.Full:
                continue
            return True
        return False


def _drawer(experiment: Experiment, rng: jax.Array) -> Any:
    """`(first step, length) -> rows` [length, *batches, batch_size], drawn on the host.

    By the keys of `chunks.chunk`, which resident data are drawn with.
    """
    place = _host()
    rng = jax.device_put(rng, place)

    @partial(jax.jit, static_argnums=2)
    def drawn(rng, first, length):
        def of_step(step):
            rng_batch, _ = jax.random.split(jax.random.fold_in(rng, step))
            return experiment.rows(rng_batch, (rng, step))

        return jax.vmap(of_step)(first + jnp.arange(length))

    def draw(first, length):
        with jax.default_device(place):
            return np.asarray(drawn(rng, jnp.int32(first), length))

    return draw


def _host() -> jax.Device:
    """The CPU, or this process's first device where JAX is kept from the CPU."""
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return jax.local_devices()[0]
