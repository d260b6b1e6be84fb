"""A comparison played in a folder: what is missing is done, what is done is kept.

`cells/NAME.json` and `.npz` hold what a cell's runs came to, the same bits whenever they are made;
`costs/NAME.json` its seconds; `plan.json` what was decided by timing, before anything was played;
`power.json` what the seeds can show, by the first cells.
"""

import json
import logging
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganjax import devices, dynamics, experiment, metrics, run_folder
from ganjax.comparison import Comparison
from ganjax.config import difference
from ganjax.console import interruptible
from ganjax.errors import ConfigError, Interrupted, NotFiniteError, RunFolderError, unknown
from ganjax.experiment import Experiment
from ganjax.sweep.programs import Program, programs
from ganjax.sweep.runner import MAPPINGS, Runner, runner
from ganjax.sweep.seeds import limits, power, reach
from ganjax.types import GanState

log = logging.getLogger(__name__)

POINTS, IMAGES = 256, 25  # samples kept at every look, of the first seed
LARGEST_TOY = 64  # parameters of a game whose way is kept
ARROWS = 15  # of a toy's field, along a side
IN_SIGHT = 4  # how many times as far as its start a toy's way is shown
TRIAL_SECONDS = 0.5  # of timing a mapping
MEMORY_SHARE = 0.9  # of the free memory that a program may plan to use
# What a folder may be asked anew without playing anything again.
ASKED_ONLY = ("question", "base", "baseline", "score", "goal", "bound")


def run(comparison: Comparison, workdir: Path, how: str = "auto") -> None:
    """Plays the cells that the folder does not hold yet.

    Of several processes the first keeps the folder, and the others play their share of the runs. A
    run that diverges, or a program that needs more memory than there is, is a result. Cells may
    be added to a folder; whatever else changes needs another folder.

    Args:
      comparison: from `comparison.resolve`.
      workdir: the folder; made if missing.
      how: a row of `MAPPINGS`, or "auto" for the faster, which is timed once for every program.

    Raises:
      RunFolderError: the folder is in use, or holds another comparison.
      ConfigError: a cell cannot be built, or its evaluation does not report the score.
      Interrupted: SIGINT or SIGTERM came; the same command does what is missing.
    """
    if how not in (*MAPPINGS, "auto"):
        raise ConfigError(unknown("mapping", how, (*MAPPINGS, "auto")))
    if devices.leads():
        _run(comparison, workdir, how)
    else:
        with tempfile.TemporaryDirectory() as aside:
            _run(comparison, Path(aside), how)
    devices.wait()


def _run(comparison: Comparison, workdir: Path, how: str) -> None:
    with run_folder.locked(workdir), interruptible() as stop_asked:
        _claim(workdir, comparison)
        for part in ("cells", "costs"):
            (workdir / part).mkdir(exist_ok=True)
        run_folder.write_manifest(workdir, list(map(str, jax.devices())), seed=comparison.seeds[0])
        _tell_limits(comparison)
        told = False
        # The baseline's first: differences from it say early what the seeds can show.
        for program in sorted(
            programs(comparison.cells), key=lambda program: comparison.baseline not in program.cells
        ):
            absent = np.array([not _path(workdir, name).exists() for name in program.cells])
            absent = devices.from_first(absent)
            missing = [
                name for name, is_absent in zip(program.cells, absent, strict=True) if is_absent
            ]
            if missing:
                log.info("%s: %d seeds", ", ".join(program.cells), len(comparison.seeds))
                results, costs = _results(program, comparison, workdir, how, stop_asked)
                for name in missing:
                    _write(workdir, name, results[name], costs[name])
                told = told or _tell_reach(workdir, comparison)


def _tell_limits(comparison: Comparison) -> None:
    """Logs whether so many seeds can show anything."""
    asked = comparison._asdict()
    if devices.leads() and len(comparison.cells) > 1:
        log.info("%s", limits(power(asked, {}), asked))


def _tell_reach(workdir: Path, comparison: Comparison) -> bool:
    """Logs and keeps how large a difference the seeds find, once cells' spreads say it."""
    asked = comparison._asdict()
    found = power(asked, read(workdir)) if devices.leads() else {"detectable": {}}
    if found["detectable"]:
        log.info("%s", reach(found, asked, list(found["detectable"])) or limits(found, asked))
        run_folder.write_json(workdir / "power.json", found)
    return bool(found["detectable"])


def read(workdir: Path) -> dict[str, dict[str, Any]]:
    """What a folder holds: {cell: result}, samples and trajectories as arrays among it.

    Returns:
      For every finished cell `seeds`; `status` by seed, "done", "diverged" or "out of memory";
      `stopped_at` by seed, the step of divergence or None; `step` of every look; `evaluations`
      {player: count at every look}; `scores` {name: `[look][seed]`}, None after divergence;
      `metrics` the same of the means since the look before; `seconds` of a run's share of the
      machine at every look, and `mapped`; `samples` [look, n, ...] of the first seed; for toys
      `way` [look, seed, parameters] and `eigenvalues` of a step, and of two parameters the arrows
      of gradient play there, `field` [y, x, 2] at `field_x` and `field_y`.

    Raises:
      RunFolderError: it is no folder of a comparison.
    """
    found = {}
    for name in described(workdir)["cells"]:
        path = _path(workdir, name)
        if path.exists():
            arrays = np.load(path.with_suffix(".npz")) if path.with_suffix(".npz").exists() else {}
            costs = run_folder.read_json(workdir / "costs" / path.name)
            found[name] = {**run_folder.read_json(path), **costs, **dict(arrays)}
    return found


def described(workdir: Path) -> dict[str, Any]:
    """The comparison that a folder holds, as plain JSON.

    Of a folder made before bases were kept, `base` is the baseline's config.

    Raises:
      RunFolderError: it is no folder of a comparison.
    """
    try:
        found = run_folder.read_json(workdir / "comparison.json")
    except FileNotFoundError:
        raise RunFolderError(
            f"{workdir} is not the folder of a comparison: it has no comparison.json"
        ) from None
    return {"base": found["cells"][found["baseline"]], **found}


def _claim(workdir: Path, comparison: Comparison) -> None:
    """Writes `comparison.json`; in an old folder, insists that what was played is the same."""
    path = workdir / "comparison.json"
    new = json.loads(json.dumps(comparison._asdict()))
    if path.exists():
        old = run_folder.read_json(path)
        cells = {name: new["cells"].get(name) for name in old["cells"]}
        asked = {key: new[key] for key in ASKED_ONLY}
        old = {key: old.get(key) for key in new}  # older folders hold the cells' overrides too
        changes = difference({**old, **asked}, {**new, "cells": cells})
        if changes:
            raise RunFolderError(
                f"{workdir} holds another comparison:\n  "
                + "\n  ".join(changes)
                + "\nChoose another --workdir; cells alone may be added to this one."
            )
    run_folder.write_json(path, new)


def _path(workdir: Path, name: str) -> Path:
    return workdir / "cells" / f"{name}.json"


def _write(workdir: Path, name: str, result: dict[str, Any], costs: dict[str, Any]) -> None:
    """The JSON file of the result last: where it is, all is."""
    arrays = {key: value for key, value in result.items() if isinstance(value, np.ndarray)}
    path = _path(workdir, name)
    if arrays:
        draft = path.with_name(f".{name}.draft.npz")
        np.savez_compressed(draft, **arrays)
        os.replace(draft, path.with_suffix(".npz"))
    run_folder.write_json(workdir / "costs" / path.name, costs)
    run_folder.write_json(path, {key: result[key] for key in result if key not in arrays})


def _results(program, comparison, workdir, how, stop_asked):
    """`({cell: result}, {cell: costs})` of a program, played from the first step."""
    made, plan = _planned(program, comparison, workdir, how)
    if made is None:
        return _no_memory(program, comparison, plan)
    return _play(program, comparison, made, plan, stop_asked)


def _planned(
    program: Program, comparison: Comparison, workdir: Path, how: str
) -> tuple[Runner | None, dict[str, Any]]:
    """The compiled program and what was decided about it, now or when the folder was begun."""
    path = workdir / "plan.json"
    plans = run_folder.read_json(path) if path.exists() else {}
    key = ",".join(program.cells)
    plan = json.loads(devices.text_from_first(json.dumps(plans.get(key))))
    if plan is not None:
        made = runner(program, comparison.seeds, plan["mapped"]) if plan["mapped"] else None
        return made, plan
    timed = {}
    for mapping in MAPPINGS if how == "auto" else (how,):
        candidate = runner(program, comparison.seeds, mapping)
        if devices.any_of(candidate.bytes > MEMORY_SHARE * _free_bytes()):
            log.info("%s by %s needs %.1f GiB", key, mapping, candidate.bytes / 2**30)
            continue
        try:
            timed[mapping] = (*_timed(candidate), candidate)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            log.info("%s by %s: out of memory", key, mapping)
    if not timed:
        plan = {"mapped": None, "bytes": candidate.bytes}
    else:
        mapped = min(timed, key=lambda mapping: timed[mapping][0])
        seconds, evaluations, _ = timed[mapped]
        plan = {
            "mapped": mapped,
            "seconds_per_step": {name: row[0] for name, row in timed.items()},
            "evaluations_per_step": evaluations,
            "steps": _steps(comparison.budget, seconds, sum(evaluations.values())),
        }
        log.info("%s by %s, %.3g s a step of a run", key, mapped, seconds)
    plan = json.loads(devices.text_from_first(json.dumps(plan)))
    run_folder.write_json(path, {**plans, key: plan})
    return timed[plan["mapped"]][-1] if timed else None, plan


def _timed(made: Runner) -> tuple[float, dict[str, int]]:
    """Seconds that a step of one run takes, all runs together, and the gradients it evaluates."""
    states, told = made.play(made.init(), 0, 1)
    counts = {player: int(told.metrics[f"evaluations/{player}"][0]) for player in ("gen", "disc")}

    def seconds(states, length):
        began = time.perf_counter()
        states, told = made.play(states, 0, length)
        jax.block_until_ready(told)
        return states, time.perf_counter() - began

    states, once = seconds(states, 1)
    length = int(np.clip(TRIAL_SECONDS / once, 1, 100))
    best = once
    for _ in range(2):
        states, taken = seconds(states, length)
        best = min(best, taken / length)
    return best / made.runs, counts


def _steps(budget: tuple[str, float], seconds: float, evaluations: int) -> int:
    unit, amount = budget
    each = {"steps": 1, "evaluations": evaluations, "seconds": seconds}[unit]
    return max(1, int(amount / each))


def _free_bytes() -> float:
    """Memory that a program may have on one device."""
    told = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in told:
        return told["bytes_limit"] - told.get("bytes_in_use", 0)
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return pages / jax.local_device_count()
    return float("inf")


def _no_memory(program, comparison, plan):
    seeds = list(comparison.seeds)
    result = {"seeds": seeds, "status": ["out of memory"] * len(seeds)}
    result |= {"stopped_at": [0] * len(seeds), "step": [0], "scores": {}, "metrics": {}}
    result |= {"evaluations": {"gen": [0], "disc": [0]}, "bytes": plan["bytes"]}
    costs = {"seconds": [0.0], "mapped": None}
    return dict.fromkeys(program.cells, result), dict.fromkeys(program.cells, costs)


def _play(
    program: Program,
    comparison: Comparison,
    made: Runner,
    plan: dict[str, Any],
    stop_asked: threading.Event,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Plays to the end of the budget and looks on the way."""
    count = len(comparison.seeds)
    records = {name: _Record(program.experiment, comparison) for name in program.cells}
    looks = np.unique(np.linspace(0, plan["steps"], comparison.looks + 1).round().astype(int))
    told_of = set(looks[:: -(-len(looks) // 10)])
    states, seconds, told = made.init(), 0.0, None
    for before, step in zip((0, *looks[:-1]), looks, strict=True):
        if devices.any_of(stop_asked.is_set()):
            raise Interrupted("stopped; the same command plays the cells that are missing")
        if step > before:
            began = time.perf_counter()
            states, told = made.play(states, int(before), int(step - before))
            told = devices.gathered(told)
            seconds += time.perf_counter() - began
        host = devices.gathered(states)
        for index, record in enumerate(records.values()):
            runs = range(index * count, (index + 1) * count)
            last = step == looks[-1]
            record.look(int(step), host, told, runs, seconds / made.runs, last=last)
            if step == 0:
                _check_score(comparison.score, record.scores)
        if step in told_of:
            log.info("  step %d of %d, %.0f s", step, plan["steps"], seconds)
    return (
        {name: record.result() for name, record in records.items()},
        {
            name: {"seconds": record.seconds, "mapped": plan["mapped"]}
            for name, record in records.items()
        },
    )


class _Record:
    """What is seen of the runs of one cell."""

    def __init__(self, built: Experiment, comparison: Comparison):
        self.built, self.comparison = built, comparison
        self.steps, self.seconds, self.samples, self.way = [], [], [], []
        self.stopped_at = [None] * len(comparison.seeds)
        self.scores, self.metrics = [], []
        self.evaluations = {"gen": [], "disc": []}
        self.mode_counts: list[list[int] | None] = []

    def look(
        self, step: int, host: GanState, told: Any, runs: range, seconds: float, *, last: bool
    ) -> None:
        """Scores every run that has not diverged."""
        self.steps.append(step)
        self.seconds.append(round(seconds, 6))
        for player, counts in self.evaluations.items():
            more = 0 if told is None else int(told.metrics[f"evaluations/{player}"][runs[0]])
            counts.append((counts[-1] if counts else 0) + more)
        scores, means, self.mode_counts = [], [], []
        for place, run in enumerate(runs):
            bad = -1 if told is None else int(told.bad_step[run])
            if bad >= 0 and self.stopped_at[place] is None:
                self.stopped_at[place] = bad
            alive = self.stopped_at[place] is None
            state = jax.tree.map(lambda leaf, run=run: leaf[run], host)
            seed = self.comparison.seeds[place]
            scores.append(_scores(self.built, state, seed) if alive else {})
            means.append(
                {}
                if told is None or not alive
                else {
                    key: float(value[run])
                    for key, value in told.metrics.items()
                    if not key.startswith("evaluations/")
                }
            )
            self.mode_counts.append(
                _mode_counts(self.built, state, seed) if last and alive else None
            )
            if place == 0:
                self._keep(state, seed)
        self.scores.append(scores)
        self.metrics.append(means)
        if self.built.data is None:
            self.way.append([_flat(jax.tree.map(lambda x, run=run: x[run], host)) for run in runs])

    def _keep(self, state: GanState, seed: int) -> None:
        """Samples of the first seed, from the same latents at every look."""
        if self.built.sample is not None:
            n = POINTS if len(self.built.data.shape) == 1 else IMAGES
            rng = experiment.streams(seed).pictures
            self.samples.append(np.asarray(self.built.sample(state, rng, n), np.float32))

    def result(self) -> dict[str, Any]:
        """Plain lists and arrays of all that was seen."""
        result = {
            "seeds": list(self.comparison.seeds),
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
        if self.way and np.size(self.way[0][0]) <= LARGEST_TOY:
            result["way"] = np.asarray(self.way)
            result["eigenvalues"] = _eigenvalues(self.built)
            if result["way"].shape[-1] == 2:
                result |= _portrait(self.built, result["way"])
        return result


def _scores(built: Experiment, state: GanState, seed: int) -> dict[str, float]:
    if built.evaluate is None:
        return {"distance": float(dynamics.distance_to_equilibrium(state.params))}
    rng = experiment.streams(seed).evaluation
    try:
        report = built.evaluate(state, rng, built.config.evaluation_samples)
    except NotFiniteError as error:  # a run without a score, not the end of the others
        log.warning("seed %d: %s", seed, error)
        return {}
    return {key: float(value) for key, value in report.items()}


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


def _check_score(score: str, scores: list[list[dict[str, float]]]) -> None:
    known = {key for look in scores for row in look for key in row}
    if score not in known:
        raise ConfigError(unknown("score", score, known))


def _by_name(rows: list[list[dict[str, float]]]) -> dict[str, list[list[float | None]]]:
    """{name: [look][seed]}, None where a run has none."""
    names = sorted({key for look in rows for row in look for key in row})
    return {name: [[_plain(row.get(name)) for row in look] for look in rows] for name in names}


def _plain(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _flat(state: GanState) -> np.ndarray:
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(state.params)])


def _portrait(built: Experiment, way: np.ndarray) -> dict[str, np.ndarray]:
    """The direction of gradient play where the runs went, as far as they stayed in sight."""
    seen = np.abs(way[np.isfinite(way)])
    reach = 1.1 * min(seen.max(initial=1e-3), max(IN_SIGHT * np.abs(way[0]).max(), 1e-3))
    ends = (-reach, reach)
    of = dynamics.phase_portrait(built.game, x_range=ends, y_range=ends, points=ARROWS)
    return {"field_x": of.x, "field_y": of.y, "field": np.stack([of.u, of.v], -1)}


def _eigenvalues(built: Experiment) -> np.ndarray:
    """Of a step at the start, complex [n]."""
    state = experiment.initial_state(built, experiment.streams(0).init)
    return dynamics.update_map_spectrum(built.scheme.step, state)
