"""The training loop: chunks of steps, each followed by a row of metrics, and all that is then due.

It holds no mathematics: a step is the scheme's, a batch is the data's.
"""

import contextlib
import logging
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import (
    checkpoints,
    consistency,
    crashes,
    cuts,
    devices,
    disk,
    origins,
    records,
    run_folder,
)
from ganjax import data as sources
from ganjax.chunks import FINITE as FINITE
from ganjax.chunks import as_sums, means
from ganjax.chunks import chunk as chunk
from ganjax.chunks import compiled_chunk as compiled_chunk
from ganjax.chunks import compiled_start as compiled_start
from ganjax.console import Stop, aside, interruptible, progress
from ganjax.errors import Interrupted, MachineError, NotFiniteError
from ganjax.experiment import (
    Experiment,
    belonging,
    forms_of,
    grow,
    streams,
    template,
)
from ganjax.records import Row
from ganjax.saver import Saver
from ganjax.sinks import Factory, Sink, installed, opened
from ganjax.types import GanState

log = logging.getLogger(__name__)

STATUS_SECONDS = 1  # between updates of status.json, apart from those at checkpoints


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
    saver: Saver
    rows: list[Row]
    written: consistency.Rows
    clock: records.Clock
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
    trust: Collection[str] = (),
    held: Callable[[], None] | None = None,
) -> Result:
    """Trains to the config's number of steps, from the newest checkpoint if there is one.

    Of several processes the first writes the folder; the others read and write nothing there but
    their parts of a sharded state, if they see the folder.

    Args:
      experiment: from `experiment.build`, with the layout's `axis_name`.
      workdir: the run folder; made if missing.
      layout: devices to spread over, from `devices.layout`; None for one device.
      init_from: run folder whose newest weights a new run starts from, see `experiment.warm_start`;
        the manifest records which. None for new weights.
      sinks: further places for metrics and pictures, by name, see `ganjax.sinks`.
      trust: modules whose functions the config of `init_from` may name, see `experiment.load`.
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
            return _train(experiment, Path(other), layout, init_from, {}, trust, None, workdir)
    with disk.writing(workdir):
        return _train(experiment, workdir, layout, init_from, sinks, trust, held, workdir)


def _train(
    experiment: Experiment,
    workdir: Path,
    layout: devices.Layout | None,
    init_from: Path | None,
    factories: Mapping[str, Factory],
    trust: Collection[str],
    held: Callable[[], None] | None,
    place: Path,
) -> Result:
    config = experiment.config
    with (
        contextlib.nullcontext(held) if held else run_folder.locked(workdir) as held,
        interruptible() as stop,
        contextlib.ExitStack() as feeds,
    ):
        stop.at_once = devices.alone()
        origin, first = origins.origin(experiment, workdir, init_from, trust)
        saved = consistency.newest(workdir, belonging(experiment, workdir))
        run_folder.claim(workdir, config.to_dict(), trained=saved.get("step", 0))
        run, clock = None, records.Clock(workdir)
        try:
            forms = forms_of(experiment)
            digests = _digests(experiment, forms)
            _check_data(experiment.stage(saved.get("step", 0)), workdir, saved, digests)
            step, state = _start(experiment, workdir, saved, first)
            rows = run_folder.rewind_metrics(workdir, step)
            for folder, keep in (("checkpoints", config.keep_checkpoints), ("best", 1)):
                checkpoints.tidy(workdir / folder, step, keep)
            sink, written = opened({}, workdir, {}, step), consistency.Rows(workdir, rows)
            spread = place if devices.parted(layout) else None
            saver = Saver(experiment, workdir, digests, written, clock, held, spread)
            run = _Run(
                *(experiment, workdir, layout, saver, rows, written, clock, sink, stop, held),
                feeds,
            )
            if step >= config.steps or devices.any_of(run.settled):
                log.info("%s is done already, at step %d", workdir, step)
            else:
                more = {"data": forms, "init_from": origin}
                names = list(map(str, jax.devices()))
                run_folder.write_manifest(workdir, names, config.seed, **more)
                run_folder.write_status(workdir, "running", step)
                factories = {**installed(), **factories}
                run = run._replace(sink=opened(factories, workdir, config.to_dict(), step))
                step, state = _advance(run, step, state, saved.get("sums"))
            return _finish(run, step, state)
        except BaseException as error:
            with contextlib.suppress(OSError, MachineError):
                clock.write()
            if not isinstance(error, NotFiniteError):  # which has left its status
                records.failure(workdir, error)
            raise
        finally:
            if run is not None:
                run.sink.close()


@sources.errors_of_reading()
def _start(
    experiment: Experiment, workdir: Path, saved: Mapping[str, Any], first: GanState | None
) -> tuple[int, GanState]:
    """Step and state of a checkpoint, or of a fresh start; the first process's for all."""
    step, state = saved.get("step", 0), first
    if saved:
        state = checkpoints.read(workdir / "checkpoints", saved, template(experiment.stage(step)))
        log.info("resuming %s at step %d", workdir, step)
    elif first is None:
        stage, rng = experiment.stage(0), streams(experiment.config.seed).init
        state = compiled_start(stage)(rng, stage.train)
    step = int(devices.from_first(np.int32(step)))
    if not devices.leads() and step:
        state = jax.tree.map(jnp.zeros_like, template(experiment.stage(step)))
    return step, devices.from_first(state) if step or first is not None else state


def _digests(experiment: Experiment, forms: list) -> dict[int, str | None]:
    """The digest of the data of each stage, by its last step."""
    steps = [stage.config.steps for stage in experiment.stages or (experiment,)]
    return {end: form and form["digest"] for end, form in zip(steps, forms, strict=True)}


def _check_data(stage: Experiment, workdir: Path, saved: dict, digests: dict) -> None:
    source = stage.data.source if stage.data else None
    where = source.where if source else "the config's data"
    consistency.check_data(workdir, saved, digests[stage.config.steps], where)


@sources.errors_of_reading()
def _advance(
    run: _Run, step: int, state: GanState, sums: dict[str, Any] | None
) -> tuple[int, GanState]:
    """Trains from `step` to the end, which is `config.steps` or where the monitor stops it.

    Chunks end where a stage does, and at multiples of `log_every`. Checkpoints, pictures and rows
    are in the folder as soon as they are due.
    """
    config, stage, saved = run.experiment.config, run.experiment.stage(step), step or None
    told, kept = time.monotonic(), crashes.Kept()
    _make_up(run, stage, step, state)
    placed, advance, monitored = _begun(run, stage, step, state)
    sums = devices.from_first(as_sums(advance.zero, sums) if sums else advance.zero)
    taken = 0, 0.0  # steps since the last row, and seconds
    whole = cache(partial(_whole, run.layout, placed))
    with progress(step, config.steps) as show, run.saver:
        while step < config.steps and not run.settled:
            if run.saver.ended():
                run_folder.write_status(run.workdir, "running", step)
            if step == stage.config.steps:
                run.saver.wait()  # or a signal would leave at once
                stage, run.stop.at_once = run.experiment.stage(step + 1), devices.alone()
                placed, advance, monitored = _begun(run, stage, step, _grown(stage, step, whole()))
                sums, kept = advance.zero, crashes.Kept()
            kept.keep(step, placed)
            before, (placed, sums, step) = step, advance(placed, sums, step)
            taken, outcome = np.add(taken, (step - before, advance.seconds)), means(sums)
            whole = cache(partial(_whole, run.layout, placed))  # gathered only where it is due
            within = step % config.log_every and step != stage.config.steps  # a chunk
            bound, length = 0 if within else stage.config.largest_parameter, int(sums.steps)
            fault = crashes.fault(outcome, step - length, length, bound)
            if fault is not None:
                _crash(run, stage, fault, kept, before, saved)
            if within:
                if devices.any_of(run.stop.is_set()):
                    run.saver.begin(step, placed if run.saver.together else whole(), sums=sums)
                    _stopped(run, step)
                continue
            run.held()
            row = records.row(outcome, step, run.rows, np.divide(*taken))
            run.rows.append(row | monitored(whole, step, outcome.metrics))
            sums, taken = advance.zero, (0, 0.0)
            done, ends = step == config.steps or run.settled, step == stage.config.steps
            if config.evaluate_every and (done or _due(config.evaluate_every, step)):
                run.rows[-1].update(_scored(run, stage, step, whole()))
            run.written.append(run.rows[-1])
            run.sink.row(run.rows[-1])
            show(run.rows[-1])

            stopping = devices.any_of(run.stop.is_set()) and not done
            if stopping or done or ends or _due(config.checkpoint_every, step):
                run.saver.begin(step, placed if run.saver.together else whole())
                saved = step
            if saved == step or time.monotonic() - told > STATUS_SECONDS:
                run_folder.write_status(run.workdir, "running", step)
                told = time.monotonic()
            if (ends or _due(config.sample_every, step)) and not done:
                _show(run, stage, step, whole())
            if stopping:
                _stopped(run, step)
    return step, whole()


def _begun(
    run: _Run, stage: Experiment, step: int, state: GanState
) -> tuple[Any, cuts.Cuts, Callable]:
    """A stage's state on its devices, its training, and its monitor."""
    advance = cuts.Cuts(run.experiment, stage, step, run.layout, run.stop, run.feeds, run.clock)
    placed = state if run.layout is None else devices.put(run.layout, state)
    return placed, advance, records.monitored(stage)


def _whole(layout: devices.Layout | None, placed: Any) -> GanState:
    return placed if layout is None else devices.take(layout, placed)


def _grown(stage: Experiment, step: int, state: GanState) -> GanState:
    """The first state of a stage; its new layers are a function of (seed, step)."""
    log.info("a new stage begins at step %d", step)
    rng = jax.random.fold_in(streams(stage.config.seed).init, step)
    return aside(partial(jax.jit(partial(grow, stage)), state, rng, stage.train))


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0


def _stopped(run: _Run, step: int) -> NoReturn:
    """Leaves once the state is saved."""
    run.saver.wait()
    devices.wait()  # JAX would end the first process while it saves, once the others have left
    raise Interrupted(
        f"stopped and saved at step {step} of {run.experiment.config.steps}; the same command "
        "resumes"
    )


def _crash(
    run: _Run,
    stage: Experiment,
    fault: crashes.Fault,
    kept: crashes.Kept,
    start: int,
    saved: int | None,
) -> NoReturn:
    """Marks the run as diverged, and leaves the record of the chunk after step `start`."""
    run.saver.wait()
    run_folder.write_status(run.workdir, "diverged", fault.step, fault.reason)
    state = _whole(run.layout, kept.state)

    def save(step, state, folder):
        run.saver.begin(step, state, folder)
        run.saver.wait()

    if devices.leads():
        row, at = run.rows[-1] if run.rows else {}, {"kept": (kept.step, state), "start": start}
        crashes.recorded(stage, run.workdir, fault, **at, row=row, save=save)
    devices.wait()  # as `_stopped` does
    last = "nothing was saved yet" if saved is None else f"the last checkpoint is of step {saved}"
    raise NotFiniteError(
        f"{fault.reason}; {last}. `ganjax replay --workdir {run.workdir}` names the operation. The "
        "same config diverges again: lower a learning rate or change the loss, in another --workdir"
    )


def _scored(run: _Run, stage: Experiment, step: int, state: GanState) -> Row:
    """The scores as metrics, and the checkpoint kept if they are the best so far."""
    with run.clock("scoring"):
        found = records.scores(stage, run.workdir, step, state)
    run.saver.wait()  # the best so far is in its folder
    if records.is_best(stage, run.workdir, run.rows, found):
        run.saver.begin(step, state, "best")
    if devices.leads():
        run_folder.write_status(run.workdir, "running", step)
    return {f"score/{name}": value for name, value in found.items()}


def _make_up(run: _Run, stage: Experiment, step: int, state: GanState) -> None:
    """Scores and picture that were due at the step where a run resumes, if they are missing."""
    if not step or not devices.leads():
        return
    if _due(run.experiment.config.evaluate_every, step):
        with run.clock("scoring"):
            records.scores(stage, run.workdir, step, state)
    pictured = step == stage.config.steps or _due(run.experiment.config.sample_every, step)
    if pictured and not records.picture(run.workdir, step).exists():
        _show(run, stage, step, state)


def _show(run: _Run, stage: Experiment, step: int, state: GanState) -> Path | None:
    """Draws, and passes the picture on to the sinks."""
    with run.clock("pictures"):
        picture = records.draw(stage, run.workdir, step, state, run.rows)
    if picture is not None:
        run.sink.picture(step, picture)
    return picture


@sources.errors_of_reading()
def _finish(run: _Run, step: int, state: GanState) -> Result:
    """Draws and scores the last state, and marks the run as done."""
    stage, run.stop.at_once = run.experiment.stage(step), devices.alone()
    picture = _show(run, stage, step, state)
    with run.clock("scoring"):
        result = Result(step, records.scores(stage, run.workdir, step, state), picture)
    run.clock.write()
    reason = stage.stop_reason if run.settled else ""
    run_folder.write_status(run.workdir, "done", step, reason)
    devices.wait()
    return result
