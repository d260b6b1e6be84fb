"""Training of a comparison in its folder: missing cells are trained, finished ones are kept.

`folder` has the files of cells; beside them `plan.json` keeps the decisions made by timing, before
training, and `power.json` the differences that the seeds can detect, by the first cells.
"""

import contextlib
import logging
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganjax import devices, disk, run_folder
from ganjax.comparison import Comparison
from ganjax.console import aside, interruptible
from ganjax.errors import ConfigError, Interrupted, unknown
from ganjax.sweep.folder import claim, read, result_path, write
from ganjax.sweep.plan import planned
from ganjax.sweep.programs import Program, programs
from ganjax.sweep.record import Record
from ganjax.sweep.runner import MAPPINGS, Runner
from ganjax.sweep.seeds import limits, power, reach

log = logging.getLogger(__name__)


def run(
    comparison: Comparison,
    workdir: Path,
    how: str = "auto",
    held: Callable[[], None] | None = None,
) -> None:
    """Trains the cells that are missing in the folder.

    Of several processes the first keeps the folder, and all train their share of the runs. A run
    that diverges, or a program that needs more memory than there is, is a result. Cells may be
    added to a folder; any other change needs another folder.

    Args:
      comparison: from `comparison.resolve`.
      workdir: the folder; made if missing.
      how: a row of `MAPPINGS`, or "auto" for the faster, which is timed once for every program.
      held: from `run_folder.locked`, if the folder is locked already.

    Raises:
      RunFolderError: the folder is in use, or holds another comparison.
      ConfigError: a cell cannot be built, or its evaluation does not report the score.
      MachineError: the disk is full.
      Interrupted: SIGINT, SIGTERM or SIGHUP came; the same command trains the missing cells.
    """
    if how not in (*MAPPINGS, "auto"):
        raise ConfigError(unknown("mapping", how, (*MAPPINGS, "auto")))
    if devices.leads():
        with disk.writing(workdir):
            _run(comparison, workdir, how, held)
    else:
        with tempfile.TemporaryDirectory() as other:
            _run(comparison, Path(other), how, None)
    devices.wait()


def _run(comparison: Comparison, workdir: Path, how: str, held: Callable[[], None] | None) -> None:
    with (
        contextlib.nullcontext(held) if held else run_folder.locked(workdir) as held,
        interruptible() as stop_asked,
    ):
        stop_asked.at_once = devices.alone()
        claim(workdir, comparison)
        run_folder.write_manifest(workdir, list(map(str, jax.devices())), seed=comparison.seeds[0])
        _log_limits(comparison)
        logged = False
        # The baseline first: differences from it soon show how large a difference is detectable.
        for program in sorted(
            programs(comparison.cells), key=lambda program: comparison.baseline not in program.cells
        ):
            absent = np.array([not result_path(workdir, name).exists() for name in program.cells])
            absent = devices.from_first(absent)
            missing = [name for name, a in zip(program.cells, absent, strict=True) if a]
            if not missing:
                continue
            log.info("%s: %d seeds", ", ".join(program.cells), len(comparison.seeds))
            compiled, plan = planned(program, comparison, workdir, how)
            if compiled is None:
                results, costs = _out_of_memory(program, comparison, plan)
            else:
                results, costs = _trained(program, comparison, compiled, plan, stop_asked)
            held()
            for name in missing:
                write(workdir, name, results[name], costs[name])
            logged = logged or _log_reach(workdir, comparison)


def _log_limits(comparison: Comparison) -> None:
    """Logs whether so many seeds can show anything."""
    described = comparison._asdict()
    if devices.leads() and len(comparison.cells) > 1:
        log.info("%s", limits(power(described, {}), described))


def _log_reach(workdir: Path, comparison: Comparison) -> bool:
    """Logs and keeps the detectable difference; False if no cell's spread is known yet."""
    described = comparison._asdict()
    found = power(described, read(workdir)) if devices.leads() else {"detectable": {}}
    if found["detectable"]:
        log.info(
            "%s", reach(found, described, list(found["detectable"])) or limits(found, described)
        )
        run_folder.write_json(workdir / "power.json", found)
    return bool(found["detectable"])


def _out_of_memory(program: Program, comparison: Comparison, plan: dict[str, Any]):
    """`({cell: result}, {cell: costs})` of a program that fits into memory by no mapping."""
    seeds = list(comparison.seeds)
    result = {"seeds": seeds, "status": ["out of memory"] * len(seeds)}
    result |= {"stopped_at": [0] * len(seeds), "step": [0], "scores": {}, "metrics": {}}
    result |= {"evaluations": {"gen": [0], "disc": [0]}, "bytes": plan["bytes"]}
    costs = {"seconds": [0.0], "mapped": None}
    return dict.fromkeys(program.cells, result), dict.fromkeys(program.cells, costs)


def _trained(
    program: Program,
    comparison: Comparison,
    compiled: Runner,
    plan: dict[str, Any],
    stop_asked: threading.Event,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`({cell: result}, {cell: costs})` of a program, trained and evaluated to its last step."""
    records = {name: Record(program.experiment, comparison) for name in program.cells}
    steps = np.unique(np.linspace(0, plan["steps"], comparison.looks + 1).round().astype(int))
    logged = set(steps[:: -(-len(steps) // 10)])
    states, seconds, outcome = aside(compiled.init), 0.0, None
    for before, step in zip((0, *steps[:-1]), steps, strict=True):
        if devices.any_of(stop_asked.is_set()):
            raise Interrupted("stopped; the same command trains the missing cells")
        if step > before:
            began = time.perf_counter()
            states, outcome = aside(partial(_played, compiled, states, int(before), int(step)))
            seconds += time.perf_counter() - began
        host, share = devices.gathered(states), seconds / compiled.runs
        for index, record in enumerate(records.values()):
            first, last = index * len(comparison.seeds), step == steps[-1]
            aside(partial(record.evaluate, int(step), host, outcome, first, share, last=last))
            if step == 0:
                _check_score(comparison.score, record.scores)
        if step in logged:
            log.info("  step %d of %d, %.0f s", step, plan["steps"], seconds)
    return (
        {name: record.result() for name, record in records.items()},
        {name: {"seconds": r.seconds, "mapped": plan["mapped"]} for name, r in records.items()},
    )


def _played(compiled: Runner, states: Any, before: int, step: int) -> tuple[Any, Any]:
    states, outcome = compiled.play(states, before, step - before)
    return states, devices.gathered(outcome)


def _check_score(score: str, scores: list[list[dict[str, float]]]) -> None:
    known = {key for row in scores for run in row for key in run}
    if score not in known:
        raise ConfigError(unknown("score", score, known))
