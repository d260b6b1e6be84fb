"""Records of a run in its folder: rows of metrics, pictures, scores, the traceback of a failure."""

import contextlib
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import jax
import numpy as np

from ganjax import (
    checkpoints,
    devices,
    disclosure,
    disk,
    metrics,
    partners,
    pictures,
    run_folder,
)
from ganjax.chunks import Chunk
from ganjax.errors import ConfigError, GanjaxError, Interrupted
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


def picture(workdir: Path, step: int) -> Path:
    """The file of a step's samples."""
    return workdir / "samples" / f"step_{step}.png"


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
    path = picture(workdir, step)
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
    n, kept = config.evaluation_samples, run_folder.read_evaluation(workdir, step)
    if kept is None or kept.get("evaluation_samples", n) != n:
        run_folder.write_status(workdir, "scoring", step)
        rng = streams(config.seed).evaluation
        found = experiment.evaluate(state, rng, n, devices.local_mesh())
        protocol = experiment.protocol(state, step=step, seed=config.seed, scores=found)
        kept = {"protocol": protocol, "evaluation_samples": n, "scores": found}
        run_folder.write_json(workdir / "eval" / f"step_{step}.json", kept)
    return kept["scores"]


def is_best(
    experiment: Experiment, workdir: Path, rows: list[Row], found: Mapping[str, float]
) -> bool:
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
    kept, key = checkpoints.steps(workdir / "best"), f"score/{name}"
    scored = [row[key] for row in rows if row["step"] in kept and key in row]
    if not scored:
        return True
    if metrics.SCORES[name].better == "below":
        return found[name] < scored[-1]
    return found[name] > scored[-1]


class Clock:
    """Seconds of a run by kind of work, over all calls that trained it, in `summary.json`."""

    def __init__(self, workdir: Path):
        self._path, self._seconds = workdir / "summary.json", defaultdict(float)
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            before = run_folder.read_json(self._path)["seconds"]
            self._seconds.update({kind: float(seconds) for kind, seconds in before.items()})

    @contextlib.contextmanager
    def __call__(self, kind: str) -> Iterator[float]:
        """Adds the time of the block; gives `time.perf_counter()` at its beginning."""
        began = time.perf_counter()
        try:
            yield began
        finally:
            self._seconds[kind] += time.perf_counter() - began

    def write(self) -> None:
        """Writes the file."""
        seconds = {kind: round(value, 3) for kind, value in sorted(self._seconds.items())}
        run_folder.write_json(self._path, {"seconds": seconds})


def failure(workdir: Path, error: BaseException) -> None:
    """Leaves status and traceback in the folder, if the disk has room for them.

    The status is "interrupted", without a traceback, if nothing is wrong with the run.
    """
    gone = partners.lost(error)
    if gone or isinstance(error, Interrupted | KeyboardInterrupt):
        saved = max(checkpoints.steps(workdir / "checkpoints"), default=0)
        reason = partners.REASON if gone else "asked to stop"
        run_folder.write_status(workdir, "interrupted", saved, reason)
        return
    reason = disk.full(error, workdir) or error
    with contextlib.suppress(OSError, GanjaxError):
        rows = run_folder.read_metrics(workdir)
        step = rows[-1]["step"] if rows else 0
        run_folder.write_status(workdir, "failed", step, f"{type(reason).__name__}: {reason}")
    with contextlib.suppress(OSError, GanjaxError):
        run_folder.write_text(workdir / "crash" / "traceback.txt", traceback.format_exc())
