"""The training loop: compiled chunks of steps, metrics, pictures, checkpoints, resuming.

It holds no mathematics: what a step does is the scheme's, what a batch is the data's.
"""

import contextlib
import logging
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganjax import checkpoints, devices, events, pictures, run_folder, spread
from ganjax.console import interruptible, progress
from ganjax.errors import GanjaxError, Interrupted, NotFiniteError, RunFolderError
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
from ganjax.types import GanState

log = logging.getLogger(__name__)

REAL_SAMPLES = 1000  # points of data drawn behind generated ones
FINITE = -1  # a chunk's `bad_step` when all was finite

Row = dict[str, float]


class Chunk(NamedTuple):
    """What a compiled chunk of steps tells the host.

    Attributes:
      metrics: mean over the chunk's steps of every metric, the sum for counts of evaluations.
      bad_step: index within the chunk of the first step with a loss or gradient that is not finite,
        the last if only something in the state is, or `FINITE`.
    """

    metrics: dict[str, jax.Array]
    bad_step: jax.Array


class Result(NamedTuple):
    """What a finished run leaves: its last step, the report (or {}), the picture (or None)."""

    step: int
    report: dict[str, float]
    picture: Path | None


def chunk(experiment: Experiment, length: int) -> Callable:
    """`(state, train, rng, first_step) -> (state, Chunk)`: `length` steps as one scan, pure.

    Step number s draws from `fold_in(rng, s)` alone, so that resuming needs no replay and no draw
    is made twice. Map it over states and keys for many seeds in one program.
    """

    axis = batch_axis(experiment)

    def run(state, train, rng, first_step):
        def body(state, step):
            rng_batch, rng_step = jax.random.split(jax.random.fold_in(rng, step))
            batch = experiment.batch(train, rng_batch)
            deal = partial(spread.dealt, axis_name=experiment.axis_name, axis=axis)
            batch = jax.tree.map(deal, spread.rows(batch, axis))
            return experiment.scheme.step(state, batch, rng_step)

        state, metrics = jax.lax.scan(body, state, first_step + jnp.arange(length))
        return state, Chunk(_reduced(metrics), _bad_step(metrics, state, length))

    return run


def batch_axis(experiment: Experiment) -> int:
    """Which axis of a batch's arrays is the batch: behind those of the scheme's sub-batches."""
    rng = jax.random.key(0)
    told = (
        jax.eval_shape(of, experiment.train, rng) for of in (experiment.batch, experiment.one_batch)
    )
    many, one = (jax.tree.leaves(batch) for batch in told)
    return many[0].ndim - one[0].ndim if one else 0


def compiled_chunk(
    experiment: Experiment, length: int, layout: devices.Layout | None = None
) -> Callable:
    """`chunk` as a compiled program; the state is donated.

    Args:
      experiment: from `experiment.build`, with the layout's `axis_name`.
      length: steps.
      layout: devices to spread over, None for one; states are to be laid out by `devices.put`.
    """
    arguments = (template(experiment), experiment.train, jax.random.key(0), jnp.int32(0))
    if layout is not None:
        return devices.compiled(layout, chunk(experiment, length), *arguments)
    return jax.jit(chunk(experiment, length), donate_argnums=0).lower(*arguments).compile()


def _reduced(metrics: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {
        key: jnp.sum(value) if key.startswith("evaluations/") else jnp.mean(value)
        for key, value in metrics.items()
    }


def _bad_step(metrics: dict[str, jax.Array], state: Any, length: int) -> jax.Array:
    watched = [value for key, value in metrics.items() if key.startswith(("loss/", "grad_norm/"))]
    finite = jnp.all(jnp.isfinite(jnp.stack(watched)), axis=0)  # [length]
    floats = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.inexact)]
    state_finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in floats]))
    in_state = jnp.where(state_finite, FINITE, length - 1)
    return jnp.where(jnp.all(finite), in_state, jnp.argmin(finite))


def train(
    experiment: Experiment,
    workdir: Path,
    layout: devices.Layout | None = None,
    init_from: Path | None = None,
) -> Result:
    """Trains to the config's number of steps, from the newest checkpoint if there is one.

    Of several processes the first keeps the folder; the others play along, and read nothing there.

    Args:
      experiment: from `experiment.build`, with the layout's `axis_name`.
      workdir: the run folder; made if missing.
      layout: devices to spread over, from `devices.layout`; None for one device.
      init_from: run folder whose newest weights a new run starts from, see `experiment.warm_start`;
        the manifest records which. None for new weights.

    Returns:
      `Result`.

    Raises:
      ConfigError: the weights of `init_from` do not fit.
      RunFolderError: the folder is in use, holds another config, or a run that starts otherwise.
      CheckpointError: it has checkpoints, and none is usable.
      NotFiniteError: the run diverged; status and reason are in the folder.
      Interrupted: SIGINT or SIGTERM came; the state is saved and the same command resumes.
    """
    for stage in experiment.stages or (experiment,):
        if layout is not None and stage.data is not None:
            devices.check_batch(stage.config.batch_size, layout.count)
    if not devices.leads():
        with tempfile.TemporaryDirectory() as aside:
            return _train(experiment, Path(aside), layout, init_from)
    return _train(experiment, workdir, layout, init_from)


def _train(
    experiment: Experiment, workdir: Path, layout: devices.Layout | None, init_from: Path | None
) -> Result:
    config, shown = experiment.config, events.NONE
    with run_folder.locked(workdir), interruptible() as stop_asked:
        origin, first = _origin(experiment, workdir, init_from)
        trained = max(checkpoints.steps(workdir / "checkpoints"), default=0)
        run_folder.claim(workdir, config.to_dict(), trained=trained)
        try:
            step, state = _start(experiment, workdir, first)
            rows = run_folder.rewind_metrics(workdir, step)
            if step < config.steps and not devices.any_of(_settled(rows)):
                more = {"data": forms_of(experiment), "init_from": origin}
                names = list(map(str, jax.devices()))
                run_folder.write_manifest(workdir, names, config.seed, **more)
                run_folder.write_status(workdir, "running", step)
                shown = events.tensorboard(workdir, step)
                step, state = _play(
                    experiment, workdir, layout, step, state, rows, stop_asked, shown
                )
            else:
                log.info("%s is done already, at step %d", workdir, step)
            stage = experiment.stage(step)
            picture = _draw(stage, workdir, step, state, rows)
            shown.picture(step, picture)
            result = Result(step, _report(stage, workdir, step, state), picture)
            reason = stage.stop_reason if _settled(rows) else ""
            run_folder.write_status(workdir, "done", step, reason)
            devices.wait()
            return result
        except (NotFiniteError, Interrupted):  # these have left their status
            raise
        except BaseException as error:
            _note_failure(workdir, error)
            raise
        finally:
            shown.close()


def _origin(
    experiment: Experiment, workdir: Path, init_from: Path | None
) -> tuple[dict[str, Any] | None, GanState | None]:
    """The record of the run whose weights this one starts from, and the state to start at, if any.

    The first process's: others get the state from it.
    """
    manifest, begun = run_folder.read_manifest(workdir), checkpoints.steps(workdir / "checkpoints")
    record = manifest.get("init_from")
    known, asked = (record or {}).get("workdir"), init_from and str(init_from.resolve())
    if (manifest or begun) and asked != known and (asked or not begun):
        raise RunFolderError(
            f"{workdir} holds a run that starts from {known or 'new weights'}, not from "
            f"{asked or 'new weights'}; call it as before, or choose another --workdir"
        )
    if asked is None or begun:
        return record, None
    if not devices.leads():
        return None, jax.tree.map(jnp.zeros_like, template(experiment.stage(0)))
    other = load(init_from, data=False)
    state = jax.jit(lambda state, rng: warm_start(experiment, other._replace(state=state), rng))(
        other.state, streams(experiment.config.seed).init
    )
    log.info("starting from the weights of %s at step %d", init_from, other.step)
    digest = checkpoints.digest(init_from / "checkpoints", other.step)
    return {"workdir": asked, "step": other.step, "checkpoint_sha256": digest}, state


def _start(experiment: Experiment, workdir: Path, first: GanState | None) -> tuple[int, GanState]:
    """The newest checkpoint's step and state, or a fresh start; the first process's."""
    step, state = _newest(experiment, workdir, first)
    step = int(devices.from_first(np.int32(step)))
    if not devices.leads() and step:
        state = jax.tree.map(jnp.zeros_like, template(experiment.stage(step)))
    return step, devices.from_first(state) if step or first is not None else state


def _newest(experiment: Experiment, workdir: Path, first: GanState | None) -> tuple[int, GanState]:
    if checkpoints.steps(workdir / "checkpoints"):
        step, state = restore(experiment, workdir)
        log.info("resuming %s at step %d", workdir, step)
        return step, state
    if first is not None:
        return 0, first
    rng = streams(experiment.config.seed).init
    return 0, jax.jit(partial(initial_state, experiment.stage(0)))(rng)


def _play(
    experiment: Experiment,
    workdir: Path,
    layout: devices.Layout | None,
    step: int,
    state: GanState,
    rows: list[Row],
    stop_asked: threading.Event,
    shown: events.Events,
) -> tuple[int, GanState]:
    """Plays from `step` to the end and appends to `rows`; everything due on the way is on disk.

    The end is the config's number of steps, or where the monitor says that play may stop. Chunks
    end where a stage does, and at multiples of `log_every`.
    """
    config, saved, compiled = experiment.config, step or None, {}
    stage = experiment.stage(step)
    rng = streams(config.seed).play
    put, share, take = _placing(layout)
    monitored = _monitored(stage)
    played, train, rng = put(state), share(stage.train), share(rng)
    state = cache(partial(take, played))
    with progress(step, config.steps) as show:
        while step < config.steps and not _settled(rows):
            if step == stage.config.steps:
                stage, compiled = experiment.stage(step + 1), {}
                played, train = put(_grown(stage, step, state())), share(stage.train)
                monitored = _monitored(stage)
            length = min(config.log_every - step % config.log_every, stage.config.steps - step)
            if length not in compiled:
                began = time.perf_counter()
                compiled[length] = compiled_chunk(stage, length, layout)
                log.info("compiled %d steps in %.1f s", length, time.perf_counter() - began)
            began = time.perf_counter()
            first_step = share(jax.device_put(np.int32(step)))
            with jax.transfer_guard("disallow"):  # the loop waits for nothing but its means
                played, told = compiled[length](played, train, rng, first_step)
            told = jax.device_get(told)
            state = cache(partial(take, played))  # devices gather it only where something is due
            _check_finite(told, workdir, step, saved)
            step += length
            rows.append(_row(told, step, rows, length / (time.perf_counter() - began)))
            rows[-1] |= monitored(state, step, told.metrics)
            run_folder.append_metrics(workdir, rows[-1])
            shown.row(rows[-1])
            show(rows[-1])

            last, ends = step == config.steps or _settled(rows), step == stage.config.steps
            stopping = devices.any_of(stop_asked.is_set()) and not last
            if stopping or last or ends or _due(config.checkpoint_every, step):
                whole = state()  # by all processes, which hold a part each
                if devices.leads():
                    folder = workdir / "checkpoints"
                    checkpoints.save(folder, step, whole, keep=config.keep_checkpoints)
                saved = step
            if (ends or _due(config.sample_every, step)) and not last:
                shown.picture(step, _draw(stage, workdir, step, state(), rows))
            if stopping:
                run_folder.write_status(workdir, "interrupted", step, "asked to stop")
                raise Interrupted(
                    f"stopped and saved at step {step} of {config.steps}; the same command resumes"
                )
    return step, state()


def _placing(layout: devices.Layout | None) -> tuple[Callable, Callable, Callable]:
    """How a state is laid out, how data are, and how a state of one device is had back."""
    if layout is None:
        return (lambda tree: tree,) * 3
    return tuple(partial(of, layout) for of in (devices.put, devices.share, devices.take))


def _grown(stage: Experiment, step: int, state: GanState) -> GanState:
    """The first state of a stage; its new layers are a function of (seed, step)."""
    log.info("a new stage begins at step %d", step)
    rng = jax.random.fold_in(streams(stage.config.seed).init, step)
    return jax.jit(partial(grow, stage))(state, rng)


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0


def _settled(rows: list[Row]) -> bool:
    """Whether the monitor's last word was that play may stop."""
    return bool(rows) and rows[-1].get("monitor/stop", 0.0) == 1.0


def _monitored(experiment: Experiment) -> Callable[[Callable[[], GanState], int, dict], Row]:
    """`(state, step, means) -> row` of the monitor's metrics, compiled; {} without a monitor.

    The state is had by calling it, which nobody does without a monitor. The
    row draws a batch of its own, shaped as if the scheme wanted no sub-batches.
    """
    if experiment.monitor is None:
        return lambda state, step, means: {}

    @jax.jit
    def look(state, train, rng, means):
        rng_batch, rng_look = jax.random.split(rng)
        return experiment.monitor(state, experiment.one_batch(train, rng_batch), rng_look, means)

    rng = streams(experiment.config.seed).monitor

    def row(state, step, means):
        told = look(state(), experiment.train, jax.random.fold_in(rng, step), means)
        return {key: float(value) for key, value in sorted(jax.device_get(told).items())}

    return row


def _check_finite(told: Chunk, workdir: Path, step: int, saved: int | None) -> None:
    if told.bad_step == FINITE:
        return
    bad = step + int(told.bad_step) + 1
    reason = f"a loss, a gradient or the state is not finite at step {bad}"
    last = "nothing was saved yet" if saved is None else f"the last checkpoint is of step {saved}"
    means = {key: repr(float(value)) for key, value in told.metrics.items()}
    (workdir / "crash").mkdir(exist_ok=True)
    run_folder.write_json(
        workdir / "crash" / f"step_{bad}.json", {"reason": reason, "metrics": means}
    )
    run_folder.write_status(workdir, "diverged", bad, reason)
    raise NotFiniteError(
        f"{reason}; {last}. The same config diverges again: lower a learning rate or change the "
        "loss, in another --workdir"
    )


def _row(told: Chunk, step: int, rows: list[Row], rate: float) -> Row:
    """One row of metrics.jsonl; counts of evaluations run on from the last row."""
    before, row = rows[-1] if rows else {}, {"step": step}
    for key, value in sorted(told.metrics.items()):
        count = before.get(key, 0) if key.startswith("evaluations/") else 0
        row[key] = count + value.item()
    row["time/steps_per_second"] = round(rate, 2)
    row["time/unix"] = round(time.time(), 3)
    return row


def _draw(
    experiment: Experiment, workdir: Path, step: int, state: GanState, rows: list[Row]
) -> Path | None:
    """Draws the curves and, from the same latents each time, the samples."""
    if not devices.leads():
        return None
    pictures.save_curves(workdir / "curves.png", rows, f"{workdir.name}, step {step}")
    path = workdir / "samples" / f"step_{step}.png"
    rng_real, rng_fake = jax.random.split(streams(experiment.config.seed).pictures)
    if "panels" in experiment.game.queries:
        rows_shown = experiment.data.show(rng_real, experiment.config.sample_count)
        panels = in_order(experiment.queries(state)["panels"])(rows_shown, rng_fake)
        drawn = pictures.save_panels(path, panels)
    elif experiment.sample is not None:
        samples = experiment.sample(state, rng_fake, experiment.config.sample_count)
        real = experiment.data.sample(experiment.train, rng_real, REAL_SAMPLES)["x"]
        rows_shown = len(experiment.classes) if experiment.labelled else None
        drawn = pictures.save_samples(path, np.asarray(samples), np.asarray(real), rows=rows_shown)
    else:
        return None
    return path if drawn else None


def in_order(query: Callable) -> Callable:
    """A query compiled, the dict it returns in its own order: one of XLA's comes back sorted."""
    titles = []

    @jax.jit
    def values(*arguments):
        result = query(*arguments)
        titles[:] = result
        return tuple(result.values())

    return lambda *arguments: dict(zip(titles, jax.device_get(values(*arguments)), strict=True))


def _report(
    experiment: Experiment, workdir: Path, step: int, state: GanState
) -> Mapping[str, float]:
    """The evaluation after the last step, from the folder if it has been made before.

    The file names the protocol beside the scores.
    """
    config = experiment.config
    if experiment.evaluate is None or not devices.leads():
        return {}
    path, n = workdir / "eval" / f"step_{step}.json", config.evaluation_samples
    if not path.exists() or run_folder.read_json(path).get("evaluation_samples", n) != n:
        rng = streams(config.seed).evaluation
        path.parent.mkdir(exist_ok=True)
        scores = experiment.evaluate(state, rng, n)
        protocol = experiment.protocol(state, step=step, seed=config.seed, scores=scores)
        told = {"protocol": protocol, "evaluation_samples": n, "scores": scores}
        run_folder.write_json(path, told)
    return run_folder.read_json(path)["scores"]


def _note_failure(workdir: Path, error: BaseException) -> None:
    """Leaves status and traceback in the folder, unless the disk is what failed."""
    status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    with contextlib.suppress(OSError, GanjaxError):
        run_folder.write_text(workdir / "crash" / "traceback.txt", traceback.format_exc())
        rows = run_folder.read_metrics(workdir)
        step = rows[-1]["step"] if rows else 0
        run_folder.write_status(workdir, status, step, f"{type(error).__name__}: {error}")
