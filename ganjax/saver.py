"""Checkpoints of a running training, written in a thread while it goes on."""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import checkpoints, consistency, crashes, devices
from ganjax.chunks import Sums, plain
from ganjax.console import POLL, beside
from ganjax.draws import is_key
from ganjax.experiment import Experiment
from ganjax.records import Clock
from ganjax.types import GanState


class Saver:
    """Saves the states of a run, one at a time. As a context it waits for the last save.

    An error of a save is raised by the next call of a method, or at the end of the context.

    Attributes:
      together: whether every process writes its part of a state, which is then saved as it is
        spread; else the first process writes whole ones. Known within the context.
    """

    together = False

    def __init__(
        self,
        experiment: Experiment,
        workdir: Path,
        digests: Mapping[int, str | None],
        written: consistency.Rows,
        clock: Clock,
        held: Callable[[], None],
        spread: Path | None = None,
    ) -> None:
        """Saves nothing yet.

        Args:
          experiment: of the whole run.
          workdir: the run folder.
          digests: of the data, by the last step of the stage that has them.
          written: the rows of metrics.
          clock: of the run; it counts the seconds that training waits.
          held: from `run_folder.locked`, called before a save is begun and before it is in place.
          spread: the run folder, as this process may see it, of a state that is in parts in several
            processes; None of any other.
        """
        self._experiment, self._workdir, self._digests = experiment, workdir, digests
        self._written, self._clock, self._held = written, clock, held
        self._spread, self._saving = spread, None

    def __enter__(self) -> "Saver":
        self.together = self._spread is not None and _shared(self._spread)
        return self

    def __exit__(self, *_) -> None:
        self.wait()

    def begin(
        self, step: int, state: GanState, folder: str = "checkpoints", sums: Sums | None = None
    ) -> None:
        """Waits for the save before, copies a state to the host, and begins to write it.

        Args:
          step: of the state.
          state: spread if `together` and in "checkpoints", else on this process's devices; it may
            be donated afterwards.
          folder: of the run folder; one checkpoint is kept in any but "checkpoints".
          sums: since the last row of metrics, within a chunk.
        """
        together = self.together and folder == "checkpoints"
        self.wait()
        if not devices.leads():
            if together:
                part = partial(checkpoints.save_part, self._spread / folder, step)
                self._saving = beside(partial(part, crashes.copied(state)))
            return
        self._held()
        config = self._experiment.config
        record = {
            "config": consistency.settings_digest(config.to_dict(), step),
            "data": self._digests[self._experiment.stage(step).config.steps],
            "rows": self._written.record(),
            "updates": int(state.step),
            **({"sums": plain(sums)} if sums else {}),
        }
        keep = config.keep_checkpoints if folder == "checkpoints" else 1
        with self._clock("checkpoints"):
            copy = crashes.copied(state) if together else _on_host(state)
        options = {"keep": keep, "record": record, "ready": self._ready, "together": together}
        self._saving = beside(
            partial(checkpoints.save, self._workdir / folder, step, copy, **options)
        )

    def ended(self) -> bool:
        """Whether a save has ended since the last call."""
        ended = self._saving is not None and self._saving.done()
        if ended:
            self.wait()
        return ended

    def wait(self) -> None:
        """Waits until nothing is being saved."""
        saving, self._saving = self._saving, None  # a second signal leaves it behind
        if saving is not None:
            with self._clock("checkpoints"):
                while not wait([saving], POLL).done:
                    pass  # a signal that `partners` passes on wakes no wait
            saving.result()

    def _ready(self) -> None:
        self._written.sync()
        self._held()


def _on_host(state: GanState) -> GanState:
    """A copy that shares no memory with the devices; typed keys stay there, as numpy has none."""
    return jax.tree.map(
        lambda leaf: jnp.copy(leaf) if is_key(leaf) else np.array(leaf), jax.device_get(state)
    )


def _shared(folder: Path) -> bool:
    """Whether every process sees the files that the first one writes in a folder."""
    path = folder / devices.text_from_first(f".shared_{secrets.token_hex(8)}")
    if devices.leads():
        path.touch()
    devices.wait()
    shared = not devices.any_of(not path.exists())
    if devices.leads():
        path.unlink()
    return shared
