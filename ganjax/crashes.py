"""The record of a divergence, and its replay: `crash/step_N/` of a run folder.

It has the state at the start of the chunk (as a checkpoint), the first bad step's batch and key,
and `report.json`. Randomness is a function of (seed, step), so these steps can be trained again.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import checkpoints, nonfinite, run_folder
from ganjax.chunks import FINITE, GROWN, WATCHED, Chunk, beyond, finite_metrics, finite_state
from ganjax.errors import GanjaxError, RunFolderError
from ganjax.experiment import Experiment, reschemed, streams, template
from ganjax.files import replaced
from ganjax.types import GanState

log = logging.getLogger(__name__)

KEEP_SECONDS = 0.1  # between copies of the state: a copy takes microseconds, as may a whole chunk


class Fault(NamedTuple):
    """A divergence.

    Attributes:
      step: at which it was detected.
      reason: in words.
      bound: the size that a parameter is beyond; 0 where something is not finite.
    """

    step: int
    reason: str
    bound: float = 0.0


class Step(NamedTuple):
    """One step of training.

    Attributes:
      number: of steps after it.
      before, batch, rng: its inputs.
      after, metrics: its outcome.
      bad: names of metrics, then of the state's leaves, that are not finite or beyond the bound.
    """

    number: int
    before: GanState
    batch: Any
    rng: jax.Array
    after: GanState
    metrics: dict[str, jax.Array]
    bad: list[str]


class Kept:
    """A copy of a state that is about to be donated, on its devices."""

    def __init__(self) -> None:
        self.step, self.state, self._time = -1, None, -float("inf")

    def keep(self, step: int, state: Any) -> None:
        """Copies the state after `step` steps, unless the last copy is younger than a moment."""
        # Several processes must keep the same step, and their clocks differ.
        if time.monotonic() - self._time >= KEEP_SECONDS or jax.process_count() > 1:
            self.state = None  # frees the old one first
            self.step, self.state, self._time = step, copied(state), time.monotonic()


@jax.jit
def copied(tree: Any) -> Any:
    """A copy on the same devices."""
    return jax.tree.map(jnp.copy, tree)


def fault(outcome: Chunk, first: int, length: int, bound: float) -> Fault | None:
    """The divergence in a chunk of `length` steps after step `first`, if there is one.

    Args:
      outcome: of the chunk, on the host.
      first: steps before it.
      length: steps in it.
      bound: the config's `largest_parameter`; 0 within a chunk, as that may be cut anywhere.
    """
    if outcome.bad_step == GROWN:
        if not bound:
            return None
        last = first + length
        reason = f"a parameter is beyond largest_parameter={bound:g} at step {last}"
        return Fault(last, f"{reason}: the parameters grow without bound", bound)
    if outcome.bad_step != FINITE:
        bad = first + int(outcome.bad_step) + 1
        culprits = sorted(key for key, mean in outcome.metrics.items() if not np.isfinite(mean))
        named = f" (metrics: {', '.join(culprits)})" if culprits else ""
        return Fault(bad, f"a loss, a gradient or the state is not finite at step {bad}{named}")
    return None


def trained(
    stage: Experiment, state: GanState, first: int, last: int, bound: float = 0.0
) -> Iterator[Step]:
    """The steps of a run after step `first` up to `last` or the first bad one, on one device.

    A step is bad if something is not finite, or a parameter beyond the bound. Steps have the draws
    of the run and, measured on CPU, the bits of its compiled chunks.
    """
    if stage.axis_name is not None:
        stage = stage._replace(scheme=reschemed(stage, {}))
    key = streams(stage.config.seed).play
    draw, step = jax.jit(stage.batch), jax.jit(stage.scheme.step)
    sound = jax.jit(partial(_sound, bound))
    for index in range(first, last):
        rng_batch, rng_step = jax.random.split(jax.random.fold_in(key, index))
        batch = draw(stage.train, rng_batch, (key, jnp.int32(index)))
        after, metrics = step(state, batch, rng_step)
        bad = [] if sound(metrics, after) else bad_names(metrics, after, bound)
        yield Step(index + 1, state, batch, rng_step, after, metrics, bad)
        if bad:
            return
        state = after


def _sound(bound: float, metrics: Mapping[str, jax.Array], state: GanState) -> jax.Array:
    finite = finite_metrics(metrics) & finite_state(state)
    return finite & jnp.logical_not(beyond(state, bound))


def bad_names(metrics: Mapping[str, Any], state: GanState, bound: float) -> list[str]:
    """`Step.bad`: watched metrics, then leaves of the state."""
    names = [
        key
        for key in sorted(metrics)
        if key.startswith(WATCHED) and not nonfinite.is_finite(metrics[key])
    ]
    for path, leaf in jax.tree_util.tree_leaves_with_path(jax.device_get(state)):
        name = nonfinite.name_of(path)
        grown = bound and name.startswith("params") and np.abs(leaf).max(initial=0.0) > bound
        if grown or not nonfinite.is_finite(leaf):
            names.append(name)
    return names


def recorded(
    stage: Experiment, workdir: Path, found: Fault, *, save: Callable, **more: Any
) -> None:
    """`record` in `crash/step_N` of a run folder; what fails there is a warning.

    Args:
      stage, found, more: as of `record`.
      workdir: the run folder.
      save: `(step, state, folder)`, which saves in a folder of the run.
    """
    folder = f"crash/step_{found.step}"
    try:
        record(stage, workdir / folder, found, save=partial(save, folder=folder), **more)
    except (GanjaxError, OSError, jax.errors.JaxRuntimeError) as error:
        log.warning("%s has no whole record of it: %s", workdir / folder, error)


def record(
    stage: Experiment,
    folder: Path,
    found: Fault,
    *,
    kept: tuple[int, GanState],
    start: int,
    row: Mapping[str, float],
    save: Callable[[int, GanState], Any],
) -> None:
    """Writes the record of a divergence.

    Args:
      stage: that diverged.
      folder: `crash/step_N` of the run.
      found: the divergence.
      kept: a step up to `start`, and the state after it.
      start: the step before the chunk.
      row: the last row of metrics before it, {} if there is none.
      save: `(step, state)`, which saves the state at the start in the folder.
    """
    if kept[0] < start:
        (at_start,) = deque(trained(stage, kept[1], kept[0], start), maxlen=1)
        kept = start, at_start.after
    save(*kept)
    *previous, step = deque(trained(stage, kept[1], start, found.step, found.bound), maxlen=2)
    arrays = {} if step.batch is None else jax.device_get(step.batch)
    if arrays:
        with replaced(folder / "batch.npz") as file:
            np.savez(file, **arrays)
    report = {
        "step": found.step,
        "reason": found.reason,
        "bound": found.bound,
        "start": start,
        # With the bits of other devices the divergence may come at another step, or not at all.
        "first": _first(step.number, step.bad),
        "bad": step.bad,
        "metrics": _plain(step.metrics),
        "metrics_before": _plain(previous[0].metrics) if previous else {},
        "row_before": dict(row),
        "key": {
            "data": np.asarray(jax.random.key_data(step.rng)).tolist(),
            "impl": str(jax.random.key_impl(step.rng)),
        },
        "batch": {key: [str(x.dtype), list(x.shape)] for key, x in arrays.items()},
    }
    run_folder.write_json(folder / "report.json", report)


def _first(number: int, bad: list[str]) -> dict[str, Any]:
    return {"step": number, "name": bad[0] if bad else None}


def _plain(metrics: Mapping[str, Any]) -> dict[str, float | str]:
    """For JSON, which has no number for NaN and infinities."""
    values = {key: float(value) for key, value in sorted(metrics.items())}
    return {key: value if np.isfinite(value) else repr(value) for key, value in values.items()}


def steps(workdir: Path) -> list[int]:
    """The steps whose divergence is recorded in a run folder, ascending."""
    found = (workdir / "crash").glob("step_*/report.json")
    numbers = (path.parent.name.removeprefix("step_") for path in found)
    return sorted(int(number) for number in numbers if number.isdecimal())


def _report(path: Path) -> dict[str, Any]:
    try:
        report = run_folder.read_json(path)
        numbers = {key: float(report[key]) for key in ("step", "bound")}
        return report | {"step": int(numbers["step"]), "bound": numbers["bound"]}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise RunFolderError(f"{path} is damaged ({error}); train again to record it") from error


def replay(experiment: Experiment, workdir: Path, step: int | None = None) -> dict[str, Any]:
    """Trains from the start of a chunk that diverged to its first bad step; that one eagerly.

    Args:
      experiment: of the run folder.
      workdir: the run folder.
      step: of the divergence; None for the last that is recorded.

    Returns:
      `step`, `reason` and `start` as recorded; `first` {`step`, `name`}, the first bad metric or
      leaf in this replay, name None if there is none; `same`, whether that is as recorded;
      `origin`, the sentence of the first operation that gave a bad value in the eager step, and
      `eager`, the name of that value; both None if no operation did.

    Raises:
      RunFolderError: there is no record of it.
      CheckpointError: the state at the start is damaged.
    """
    known = steps(workdir)
    if not known or step not in (None, *known):
        raise RunFolderError(
            f"{workdir} has no record of a divergence{'' if step is None else f' at step {step}'}; "
            f"recorded steps: {', '.join(map(str, known)) or 'none'}"
        )
    folder = workdir / "crash" / f"step_{known[-1] if step is None else step}"
    report = _report(folder / "report.json")
    stage, bound = experiment.stage(report["step"]), report["bound"]
    start, state = checkpoints.restore(folder, template(stage))
    if not start < report["step"]:
        raise RunFolderError(f"{folder} has a state of step {start}, which is not before its chunk")
    (last,) = deque(trained(stage, state, start, report["step"], bound), maxlen=1)
    outcome, found = nonfinite.origins(stage.scheme.step, last.before, last.batch, last.rng)
    after, metrics = outcome
    paths = jax.tree_util.tree_leaves_with_path(after)
    names = [*(nonfinite.name_of(path) for path, _ in paths), *sorted(metrics)]
    by_name = {name: origin for name, origin in zip(names, found, strict=True) if origin}
    eager = [name for name in bad_names(metrics, after, bound) if name in by_name]
    name = min(eager, default=None, key=lambda name: by_name[name].number)
    first = _first(last.number, last.bad)
    return {
        "step": report["step"],
        "reason": str(report.get("reason")),
        "start": start,
        "first": first,
        "same": first == report.get("first"),
        "eager": name,
        "origin": None if name is None else str(by_name[name]),
    }
