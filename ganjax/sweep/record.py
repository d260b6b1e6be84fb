"""The record of a cell: scores, samples and trajectories of its runs at every evaluation."""

import logging
from typing import Any

import jax
import numpy as np

from ganjax import dynamics, experiment, metrics
from ganjax.comparison import Comparison
from ganjax.errors import NotFiniteError
from ganjax.experiment import Experiment
from ganjax.sweep.runner import Played
from ganjax.types import GanState

log = logging.getLogger(__name__)

POINTS, IMAGES = 256, 25  # samples kept at every evaluation, of the first seed
LARGEST_TOY = 64  # parameters of a game whose trajectory is kept
ARROWS = 15  # of a toy's vector field, along a side
IN_SIGHT = 4  # the field reaches at most so many times as far as the start of the trajectory


class Record:
    """The record of one cell.

    Attributes:
      scores: `[evaluation][seed]` -> {name: score}; {} for a run that has diverged.
      seconds: a run's share of the machine at every evaluation.
    """

    def __init__(self, built: Experiment, comparison: Comparison):
        self.built, self.seeds = built, comparison.seeds
        self.steps, self.seconds, self.samples, self.trajectory = [], [], [], []
        self.stopped_at = [None] * len(self.seeds)
        self.scores, self.metrics = [], []
        self.evaluations = {"gen": [], "disc": []}
        self.mode_counts: list[list[int] | None] = []

    def evaluate(
        self,
        step: int,
        states: GanState,
        outcome: Played | None,
        first: int,
        seconds: float,
        *,
        last: bool,
    ) -> None:
        """Scores every run that has not diverged.

        Args:
          step: of the evaluation.
          states: of all runs of the program, on the host.
          outcome: of the steps since the previous evaluation; None at the start.
          first: index of the cell's first run among those of the program.
          seconds: a run's share of the machine so far.
          last: whether it is the last evaluation.
        """
        self.steps.append(step)
        self.seconds.append(round(seconds, 6))
        for player, counts in self.evaluations.items():
            more = 0 if outcome is None else int(outcome.metrics[f"evaluations/{player}"][first])
            counts.append((counts[-1] if counts else 0) + more)
        runs = range(first, first + len(self.seeds))
        scores, means, self.mode_counts = [], [], []
        for place, (run, seed) in enumerate(zip(runs, self.seeds, strict=True)):
            bad = -1 if outcome is None else int(outcome.bad_step[run])
            if bad >= 0 and self.stopped_at[place] is None:
                self.stopped_at[place] = bad
            state = jax.tree.map(lambda leaf, run=run: leaf[run], states)
            if self.stopped_at[place] is None and self._grown(state):
                self.stopped_at[place] = step
            alive = self.stopped_at[place] is None
            scores.append(_scores(self.built, state, seed) if alive else {})
            means.append(_means(outcome, run) if alive and outcome is not None else {})
            counts = _mode_counts(self.built, state, seed) if last and alive else None
            self.mode_counts.append(counts)
            if place == 0:
                self._keep_samples(state, seed)
        self.scores.append(scores)
        self.metrics.append(means)
        if self.built.data is None:
            self.trajectory.append([_flat(states, run) for run in runs])

    def _grown(self, state: GanState) -> bool:
        """Whether a parameter is beyond the config's bound."""
        bound, leaves = self.built.config.largest_parameter, jax.tree.leaves(state.params)
        return bound > 0 and any(np.abs(leaf).max(initial=0) > bound for leaf in leaves)

    def _keep_samples(self, state: GanState, seed: int) -> None:
        """Samples from the same latents at every evaluation."""
        if self.built.sample is not None:
            n = POINTS if len(self.built.data.shape) == 1 else IMAGES
            rng = experiment.streams(seed).pictures
            self.samples.append(np.asarray(self.built.sample(state, rng, n), np.float32))

    def result(self) -> dict[str, Any]:
        """The record as plain lists and arrays, see `folder.read`."""
        result = {
            "seeds": list(self.seeds),
            "status": ["done" if bad is None else "diverged" for bad in self.stopped_at],
            "stopped_at": self.stopped_at,
            "step": self.steps,
            "evaluations": self.evaluations,
            "scores": _by_name(self.scores),
            "metrics": _by_name(self.metrics),
        }
        if self.samples:
            result["samples"] = np.stack(self.samples)
        if len(self.built.data.centres if self.built.data else ()):
            result["centres"] = np.asarray(self.built.data.centres)
            result["mode_counts"] = self.mode_counts
        if self.trajectory and np.size(self.trajectory[0][0]) <= LARGEST_TOY:
            result["way"] = np.asarray(self.trajectory)
            result["eigenvalues"] = _eigenvalues(self.built)
            if result["way"].shape[-1] == 2:
                result |= _vector_field(self.built, result["way"])
        return result


def _scores(built: Experiment, state: GanState, seed: int) -> dict[str, float]:
    if built.evaluate is None:
        return {"distance": float(dynamics.distance_to_equilibrium(state.params))}
    rng = experiment.streams(seed).evaluation
    try:
        report = built.evaluate(state, rng, built.config.evaluation_samples)
    except NotFiniteError as error:  # this run has no score; the others go on
        log.warning("seed %d: %s", seed, error)
        return {}
    return {key: float(value) for key, value in report.items()}


def _means(outcome: Played, run: int) -> dict[str, float]:
    return {
        key: float(value[run])
        for key, value in outcome.metrics.items()
        if not key.startswith("evaluations/")
    }


def _mode_counts(built: Experiment, state: GanState, seed: int) -> list[int] | None:
    """Samples nearest to each mode of a mixture."""
    if built.data is None or not len(built.data.centres) or built.sample is None:
        return None
    n = built.config.evaluation_samples
    x = np.asarray(built.sample(state, experiment.streams(seed).evaluation, n))
    if not np.isfinite(x).all():
        return None
    counts = metrics.mode_coverage(x, built.data.centres, built.data.std).counts
    return [int(count) for count in counts]


def _by_name(rows: list[list[dict[str, float]]]) -> dict[str, list[list[float | None]]]:
    """{name: `[evaluation][seed]`}, None where a run has no finite value."""

    def plain(value):
        return value if value is not None and np.isfinite(value) else None

    names = sorted({key for row in rows for run in row for key in run})
    return {name: [[plain(run.get(name)) for run in row] for row in rows] for name in names}


def _flat(states: GanState, run: int) -> np.ndarray:
    """Parameters of one run, flat."""
    return np.concatenate([np.ravel(leaf[run]) for leaf in jax.tree.leaves(states.params)])


def _vector_field(built: Experiment, trajectory: np.ndarray) -> dict[str, np.ndarray]:
    """The direction of simultaneous gradient descent around the trajectories."""
    seen = np.abs(trajectory[np.isfinite(trajectory)])
    reach = 1.1 * min(seen.max(initial=1e-3), max(IN_SIGHT * np.abs(trajectory[0]).max(), 1e-3))
    ends = (-reach, reach)
    portrait = dynamics.phase_portrait(built.game, x_range=ends, y_range=ends, points=ARROWS)
    field = np.stack([portrait.u, portrait.v], -1)
    return {"field_x": portrait.x, "field_y": portrait.y, "field": field}


def _eigenvalues(built: Experiment) -> np.ndarray:
    """Of a step at the start, complex [n]."""
    state = experiment.initial_state(built, experiment.streams(0).init)
    return dynamics.update_map_spectrum(built.scheme.step, state)
