"""Records of a run in its folder: rows of metrics, pictures, scores, the reason of a failure."""

import contextlib
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import jax
import numpy as np

from ganjax import checkpoints, devices, disclosure, disk, metrics, pictures, run_folder
from ganjax.chunks import FINITE, Chunk
from ganjax.errors import ConfigError, GanjaxError, NotFiniteError
from ganjax.experiment import Experiment, streams
from ganjax.types import GanState

REAL_SAMPLES = 1000  # points of data drawn behind generated ones

Row = dict[str, float]


def row(outcome: Chunk, step: int, rows: list[Row], rate: float) -> Row:
    """A chunk's row of metrics.jsonl; counts of evaluations add up over the rows before it.

    Args:
      outcome: of the chunk, on the host.
      step: the step after the chunk.
      rows: those before it.
      rate: steps per second.
    """
    before, new = rows[-1] if rows else {}, {"step": step}
    for key, value in sorted(outcome.metrics.items()):
        count = before.get(key, 0) if key.startswith("evaluations/") else 0
        new[key] = count + value.item()
    new["time/steps_per_second"] = round(rate, 2)
    new["time/unix"] = round(time.time(), 3)
    return new


def monitored(experiment: Experiment) -> Callable[[Callable[[], GanState], int, dict], Row]:
    """`(state, step, means) -> row` of the monitor's metrics, compiled; {} without a monitor.

    `state` is a thunk, called only if there is a monitor. The monitor gets a batch of its own,
    without sub-batches.
    """
    if experiment.monitor is None:
        return lambda state, step, means: {}

    @jax.jit
    def measured(state, train, rng, means):
        rng_batch, rng_monitor = jax.random.split(rng)
        batch = experiment.one_batch(train, rng_batch)
        return experiment.monitor(state, batch, rng_monitor, means)

    rng = streams(experiment.config.seed).monitor

    def row(state, step, means):
        metrics = measured(state(), experiment.train, jax.random.fold_in(rng, step), means)
        return {key: float(value) for key, value in sorted(jax.device_get(metrics).items())}

    return row


def check_finite(outcome: Chunk, workdir: Path, step: int, saved: int | None) -> None:
    """Ends a run whose chunk, from `step` on, is not finite; `saved` is its last checkpoint's step.

    Raises:
      NotFiniteError: it is not; status and means are in the folder.
    """
    if outcome.bad_step == FINITE:
        return
    bad = step + int(outcome.bad_step) + 1
    means = jax.device_get(outcome.metrics)
    culprits = ", ".join(sorted(key for key, value in means.items() if not np.isfinite(value)))
    reason = f"a loss, a gradient or the state is not finite at step {bad}"
    reason += f" (metrics: {culprits})" if culprits else ""
    last = "nothing was saved yet" if saved is None else f"the last checkpoint is of step {saved}"
    means = {key: repr(float(value)) for key, value in means.items()}
    crash = {"reason": reason, "metrics": means}
    run_folder.write_json(workdir / "crash" / f"step_{bad}.json", crash)
    run_folder.write_status(workdir, "diverged", bad, reason)
    raise NotFiniteError(
        f"{reason}; {last}. The same config diverges again: lower a learning rate or change the "
        "loss, in another --workdir"
    )


def draw(
    experiment: Experiment, workdir: Path, step: int, state: GanState, rows: list[Row]
) -> Path | None:
    """Draws the curves and, from the same latents each time, the samples.

    Real images are in `samples/real.png`: held-out ones, in the samples' order of classes.

    Returns:
      The picture of samples; None where there is none, and in all processes but the first.
    """
    if not devices.leads():
        return None
    origin = {"disclosure": disclosure.of_run(workdir, step)}
    pictures.save_curves(workdir / "curves.png", rows, f"{workdir.name}, step {step}", **origin)
    path = workdir / "samples" / f"step_{step}.png"
    rng_real, rng_fake = jax.random.split(streams(experiment.config.seed).pictures)
    if "panels" in experiment.game.queries:
        examples = experiment.data.show(rng_real, experiment.config.sample_count)
        panels = in_order(experiment.queries(state)["panels"])(examples, rng_fake)
        drawn = pictures.save_panels(path, panels, **origin)
    elif experiment.sample is not None:
        samples = experiment.sample(state, rng_fake, experiment.config.sample_count)
        real = _real(experiment, rng_real, len(samples))
        rows = len(experiment.classes) if experiment.labelled else None
        samples = np.asarray(samples)
        drawn = pictures.save_samples(path, samples, real, rows=rows, **origin)
        if drawn and samples.ndim == 4:
            origin = disclosure.of_run(workdir)._replace(source=disclosure.REAL)
            path_real = path.with_name("real.png")
            pictures.save_samples(path_real, real, None, rows=rows, disclosure=origin)
    else:
        return None
    return path if drawn else None


def _real(experiment: Experiment, rng: jax.Array, n: int) -> np.ndarray:
    """n real images to see beside samples, held out if they are; or points to draw beneath them."""
    data = experiment.data
    if len(data.shape) != 3 or not len(data.test.get("x", ())):
        n = n if len(data.shape) == 3 else REAL_SAMPLES
        return np.asarray(data.sample(experiment.train, rng, n)["x"])
    if not experiment.labelled or "y" not in data.test:
        return np.asarray(data.test["x"][:n])
    places = [np.flatnonzero(np.asarray(data.test["y"]) == y) for y in experiment.classes]
    order = [places[at % len(places)] for at in range(n)]
    chosen = [found[at // len(places) % len(found)] for at, found in enumerate(order) if len(found)]
    return np.asarray(data.test["x"][np.asarray(chosen)])


def in_order(query: Callable) -> Callable:
    """A compiled query; the dict it returns keeps its order, which XLA's would not."""
    titles = []

    @jax.jit
    def values(*arguments):
        result = query(*arguments)
        titles[:] = result
        return tuple(result.values())

    return lambda *arguments: dict(zip(titles, jax.device_get(values(*arguments)), strict=True))


def scores(
    experiment: Experiment, workdir: Path, step: int, state: GanState
) -> Mapping[str, float]:
    """The evaluation after a step, from the folder if it has been made before.

    The file has the protocol beside the scores. The status is "scoring" meanwhile.
    """
    config = experiment.config
    if experiment.evaluate is None or not devices.leads():
        return {}
    path, n = workdir / "eval" / f"step_{step}.json", config.evaluation_samples
    if not path.exists() or run_folder.read_json(path).get("evaluation_samples", n) != n:
        run_folder.write_status(workdir, "scoring", step)
        rng = streams(config.seed).evaluation
        found = experiment.evaluate(state, rng, n, devices.local_mesh())
        protocol = experiment.protocol(state, step=step, seed=config.seed, scores=found)
        content = {"protocol": protocol, "evaluation_samples": n, "scores": found}
        run_folder.write_json(path, content)
    return run_folder.read_json(path)["scores"]


def is_best(experiment: Experiment, workdir: Path, found: Mapping[str, float]) -> bool:
    """Whether scores are better than those of the checkpoint that is kept as the best, if any.

    Raises:
      ConfigError: the config's best is by a score that the evaluation does not give.
    """
    name = experiment.config.get("best", {"name": "none"})["name"]
    if name == "none" or not devices.leads():
        return False
    if name not in found:
        raise ConfigError(
            f"best.name={name!r}, but the evaluation gives {', '.join(found)}; name one of them"
        )
    kept = checkpoints.steps(workdir / "best")
    if not kept:
        return True
    before = run_folder.read_json(workdir / "eval" / f"step_{kept[-1]}.json")["scores"][name]
    if metrics.SCORES[name].better == "below":
        return found[name] < before
    return found[name] > before


def failure(workdir: Path, error: BaseException) -> None:
    """Leaves status and traceback in the folder, if the disk has room for them."""
    reason = disk.full(error, workdir) or error
    with contextlib.suppress(OSError, GanjaxError):
        rows = run_folder.read_metrics(workdir)
        step = rows[-1]["step"] if rows else 0
        run_folder.write_status(workdir, "failed", step, f"{type(reason).__name__}: {reason}")
    with contextlib.suppress(OSError, GanjaxError):
        run_folder.write_text(workdir / "crash" / "traceback.txt", traceback.format_exc())
