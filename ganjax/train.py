"""The training loop: chunks of steps, each followed by a row of metrics, and all that is then due.

It holds no mathematics: a step is the scheme's, a batch is the data's.
"""

import contextlib
import logging
import tempfile
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import checkpoints, cuts, devices, disk, records, run_folder
from ganjax import data as sources
from ganjax.chunks import FINITE as FINITE
from ganjax.chunks import Sums, as_sums, means, plain
from ganjax.chunks import chunk as chunk
from ganjax.chunks import compiled_chunk as compiled_chunk
from ganjax.console import Stop, aside, interruptible, progress
from ganjax.errors import DataError, Interrupted, NotFiniteError, RunFolderError
from ganjax.experiment import (
    Experiment,
    forms_of,
    grow,
    initial_state,
    load,
    restore,
    streams,
    template,
    warm_start,
)
from ganjax.records import Row
from ganjax.sinks import Factory, Sink, installed, opened
from ganjax.types import GanState

log = logging.getLogger(__name__)


class Result(NamedTuple):
    """The outcome of a run: its last step, its scores (or {}), its picture (or None)."""

    step: int
    report: dict[str, float]
    picture: Path | None


class _Run(NamedTuple):
    """A run underway; rows grow as it goes on."""

    experiment: Experiment
    workdir: Path
    layout: devices.Layout | None
    rows: list[Row]
    sink: Sink
    stop: Stop
    held: Callable[[], None]  # checks that the folder is still this process's
    feeds: contextlib.ExitStack  # closes the feed of the stage

    @property
    def settled(self) -> bool:
        """Whether the monitor of the last row says that training may stop."""
        return bool(self.rows) and self.rows[-1].get("monitor/stop", 0.0) == 1.0


def train(
    experiment: Experiment,
    workdir: Path,
    layout: devices.Layout | None = None,
    init_from: Path | None = None,
    sinks: Mapping[str, Factory] = MappingProxyType({}),
    held: Callable[[], None] | None = None,
) -> Result:
    """Trains to the config's number of steps, from the newest checkpoint if there is one.

    Of several processes the first writes the folder; the others read and write nothing there.

    Args:
      experiment: from `experiment.build`, with the layout's `axis_name`.
      workdir: the run folder; made if missing.
      layout: devices to spread over, from `devices.layout`; None for one device.
      init_from: run folder whose newest weights a new run starts from, see `experiment.warm_start`;
        the manifest records which. None for new weights.
      sinks: further places for metrics and pictures, by name, see `ganjax.sinks`.
      held: from `run_folder.locked`, if the folder is locked already.

    Raises:
      ConfigError: the weights of `init_from` do not fit, or a sink does not start.
      RunFolderError: the folder is in use, holds another config, or a run that starts otherwise.
      CheckpointError: it has checkpoints, and none is usable.
      MachineError: the disk is full.
      NotFiniteError: the run diverged; status and reason are in the folder.
      Interrupted: SIGINT, SIGTERM or SIGHUP came; the state is saved and the same command resumes.
    """
    for stage in experiment.stages or (experiment,):
        if layout is not None and stage.data is not None:
            devices.check_batch(stage.config.batch_size, layout.count)
    if not devices.leads():
        with tempfile.TemporaryDirectory() as other:
            return _train(experiment, Path(other), layout, init_from, {}, None)
    with disk.writing(workdir):
        return _train(experiment, workdir, layout, init_from, sinks, held)


def _train(
    experiment: Experiment,
    workdir: Path,
    layout: devices.Layout | None,
    init_from: Path | None,
    factories: Mapping[str, Factory],
    held: Callable[[], None] | None,
) -> Result:
    config = experiment.config
    with (
        contextlib.nullcontext(held) if held else run_folder.locked(workdir) as held,
        interruptible() as stop,
        contextlib.ExitStack() as feeds,
    ):
        stop.at_once = devices.alone()
        origin, first = _origin(experiment, workdir, init_from)
        trained = max(checkpoints.steps(workdir / "checkpoints"), default=0)
        run_folder.claim(workdir, config.to_dict(), trained=trained)
        run = None
        try:
            step, state = _start(experiment, workdir, first)
            rows = run_folder.rewind_metrics(workdir, step)
            run = _Run(
                experiment, workdir, layout, rows, opened({}, workdir, {}, step), stop, held, feeds
            )
            if step >= config.steps or devices.any_of(run.settled):
                log.info("%s is done already, at step %d", workdir, step)
            else:
                more = {"data": forms_of(experiment), "init_from": origin}
                names = list(map(str, jax.devices()))
                run_folder.write_manifest(workdir, names, config.seed, **more)
                run_folder.write_status(workdir, "running", step)
                factories = {**installed(), **factories}
                run = run._replace(sink=opened(factories, workdir, config.to_dict(), step))
                step, state = _advance(run, step, state)
            return _finish(run, step, state)
        except NotFiniteError:  # it has left its status
            raise
        except (Interrupted, KeyboardInterrupt):
            saved = max(checkpoints.steps(workdir / "checkpoints"), default=0)
            run_folder.write_status(workdir, "interrupted", saved, "asked to stop")
            raise
        except BaseException as error:
            records.failure(workdir, error)
            raise
        finally:
            if run is not None:
                run.sink.close()


def _origin(
    experiment: Experiment, workdir: Path, init_from: Path | None
) -> tuple[dict[str, Any] | None, GanState | None]:
    """The record of the run whose weights this one starts from, and the state to start at, if any.

    Those of the first process; the others get the state from it.
    """
    manifest, begun = run_folder.read_manifest(workdir), checkpoints.steps(workdir / "checkpoints")
    record = manifest.get("init_from")
    known, wanted = (record or {}).get("workdir"), init_from and str(init_from.resolve())
    if (manifest or begun) and wanted != known and (wanted or not begun):
        raise RunFolderError(
            f"{workdir} holds a run that starts from {known or 'new weights'}, not from "
            f"{wanted or 'new weights'}; call it as before, or choose another --workdir"
        )
    if wanted is None or begun:
        return record, None
    if not devices.leads():
        return None, jax.tree.map(jnp.zeros_like, template(experiment.stage(0)))
    other = load(init_from, data=False)
    state = jax.jit(
        lambda state, rng, train: warm_start(experiment, other._replace(state=state), rng, train)
    )(other.state, streams(experiment.config.seed).init, experiment.stage(0).train)
    log.info("starting from the weights of %s at step %d", init_from, other.step)
    digest = checkpoints.digest(init_from / "checkpoints", other.step)
    return {"workdir": wanted, "step": other.step, "checkpoint_sha256": digest}, state


@sources.errors_of_reading()
def _start(experiment: Experiment, workdir: Path, first: GanState | None) -> tuple[int, GanState]:
    """Step and state of the newest checkpoint, or of a fresh start; the first process's for all."""
    step, state = _newest(experiment, workdir, first)
    step = int(devices.from_first(np.int32(step)))
    if not devices.leads() and step:
        state = jax.tree.map(jnp.zeros_like, template(experiment.stage(step)))
    return step, devices.from_first(state) if step or first is not None else state


def _newest(experiment: Experiment, workdir: Path, first: GanState | None) -> tuple[int, GanState]:
    if checkpoints.steps(workdir / "checkpoints"):
        step, state = restore(experiment, workdir)
        _check_data(experiment.stage(step), workdir, step)
        log.info("resuming %s at step %d", workdir, step)
        return step, state
    if first is not None:
        return 0, first
    stage, rng = experiment.stage(0), streams(experiment.config.seed).init
    return 0, compiled_start(stage)(rng, stage.train)


def compiled_start(experiment: Experiment) -> Callable[[jax.Array, sources.Batch], GanState]:
    """A program of the state before the first step, as a function of its key and the data."""
    program = jax.jit(partial(initial_state, experiment))
    return aside(program.lower(jax.random.key(0), experiment.train).compile)


def _check_data(stage: Experiment, workdir: Path, step: int) -> None:
    """Refuses data of other content than the checkpoint was trained on."""
    then, now = checkpoints.manifest(workdir / "checkpoints", step).get("data"), _digest(stage)
    if then is not None and then != now:
        where = stage.data.source.where if now else "the config's data"
        raise DataError(
            f"{where} has changed since step {step} of {workdir}: its digest was {then} and is "
            f"{now}; restore the data, or train in another --workdir"
        )


def _digest(stage: Experiment) -> str | None:
    """Of the data, where they have a source; all others follow from the config."""
    return stage.data.source.digest if stage.data and stage.data.source else None


@sources.errors_of_reading()
def _advance(run: _Run, step: int, state: GanState) -> tuple[int, GanState]:
    """Trains from `step` to the end, which is `config.steps` or where the monitor stops it.

    Chunks end where a stage does, and at multiples of `log_every`. Checkpoints, pictures and rows
    are in the folder as soon as they are due.
    """
    config, stage, saved = run.experiment.config, run.experiment.stage(step), step or None
    placed, advance, monitored = _begun(run, stage, step, state)
    sums, taken = _sums(run, advance.zero, step), (0, 0.0)  # steps since the last row, and seconds
    whole = cache(partial(_whole, run.layout, placed))
    with progress(step, config.steps) as show:
        while step < config.steps and not run.settled:
            if step == stage.config.steps:
                stage, run.stop.at_once = run.experiment.stage(step + 1), devices.alone()
                placed, advance, monitored = _begun(run, stage, step, _grown(stage, step, whole()))
                sums = advance.zero
            placed, sums, new = advance(placed, sums, step)
            taken = np.add(taken, (new - step, advance.seconds))
            step, outcome = new, means(sums)
            whole = cache(partial(_whole, run.layout, placed))  # gathered only where it is due
            records.check_finite(outcome, run.workdir, step - int(sums.steps), saved)
            if step % config.log_every and step != stage.config.steps:  # within a chunk
                if devices.any_of(run.stop.is_set()):
                    _save(run, step, whole(), sums=sums)
                    raise _stopped(config, step)
                continue
            run.held()
            row = records.row(outcome, step, run.rows, np.divide(*taken))
            run.rows.append(row | monitored(whole, step, outcome.metrics))
            sums, taken = advance.zero, (0, 0.0)
            done, ends = step == config.steps or run.settled, step == stage.config.steps
            if config.evaluate_every and (done or _due(config.evaluate_every, step)):
                run.rows[-1].update(_scored(run, stage, step, whole()))
            run_folder.append_metrics(run.workdir, run.rows[-1])
            run.sink.row(run.rows[-1])
            show(run.rows[-1])

            stopping = devices.any_of(run.stop.is_set()) and not done
            if stopping or done or ends or _due(config.checkpoint_every, step):
                _save(run, step, whole())  # called by all processes, which hold a part each
                saved = step
            if (ends or _due(config.sample_every, step)) and not done:
                _show(run, stage, step, whole())
            if stopping:
                raise _stopped(config, step)
    return step, whole()


def _begun(
    run: _Run, stage: Experiment, step: int, state: GanState
) -> tuple[Any, cuts.Cuts, Callable]:
    """A stage's state on its devices, its training, and its monitor."""
    advance = cuts.Cuts(run.experiment, stage, step, run.layout, run.stop, run.feeds)
    placed = state if run.layout is None else devices.put(run.layout, state)
    return placed, advance, records.monitored(stage)


def _sums(run: _Run, zero: Sums, step: int) -> Sums:
    """Since the last row, of a checkpoint within a chunk; the first process's for all."""
    folder, saved = run.workdir / "checkpoints", None
    if step in checkpoints.steps(folder):
        saved = checkpoints.manifest(folder, step).get("sums")
    return devices.from_first(zero if saved is None else as_sums(zero, saved))


def _whole(layout: devices.Layout | None, placed: Any) -> GanState:
    return placed if layout is None else devices.take(layout, placed)


def _grown(stage: Experiment, step: int, state: GanState) -> GanState:
    """The first state of a stage; its new layers are a function of (seed, step)."""
    log.info("a new stage begins at step %d", step)
    rng = jax.random.fold_in(streams(stage.config.seed).init, step)
    return aside(partial(jax.jit(partial(grow, stage)), state, rng, stage.train))


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0


def _stopped(config: Any, step: int) -> Interrupted:
    return Interrupted(
        f"stopped and saved at step {step} of {config.steps}; the same command resumes"
    )


def _save(
    run: _Run,
    step: int,
    state: GanState,
    folder: str = "checkpoints",
    sums: Sums | None = None,
) -> None:
    """Saves; within a chunk with the sums since the last row."""
    if devices.leads():
        run.held()
        keep = run.experiment.config.keep_checkpoints if folder == "checkpoints" else 1
        data = _digest(run.experiment.stage(step))
        record = {"data": data, "sums": sums and plain(sums)}
        checkpoints.save(run.workdir / folder, step, state, keep=keep, record=record)


def _scored(run: _Run, stage: Experiment, step: int, state: GanState) -> Row:
    """The scores as metrics, and the checkpoint kept if they are the best so far."""
    found = records.scores(stage, run.workdir, step, state)
    if records.is_best(stage, run.workdir, found):
        _save(run, step, state, "best")
    if devices.leads():
        run_folder.write_status(run.workdir, "running", step)
    return {f"score/{name}": value for name, value in found.items()}


def _show(run: _Run, stage: Experiment, step: int, state: GanState) -> Path | None:
    """Draws, and passes the picture on to the sinks."""
    picture = records.draw(stage, run.workdir, step, state, run.rows)
    if picture is not None:
        run.sink.picture(step, picture)
    return picture


@sources.errors_of_reading()
def _finish(run: _Run, step: int, state: GanState) -> Result:
    """Draws and scores the last state, and marks the run as done."""
    stage, run.stop.at_once = run.experiment.stage(step), devices.alone()
    picture = _show(run, stage, step, state)
    result = Result(step, records.scores(stage, run.workdir, step, state), picture)
    reason = stage.stop_reason if run.settled else ""
    run_folder.write_status(run.workdir, "done", step, reason)
    devices.wait()
    return result
