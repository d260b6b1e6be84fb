"""Training of a comparison in its folder: missing cells are trained, finished ones are kept.

`folder` has the files of cells; beside them `plan.json` keeps the decisions made by timing, before
training, and `power.json` the differences that the seeds can detect, by the first cells.
"""

import contextlib
import logging
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganjax import devices, disk, partners, run_folder
from ganjax.comparison import Comparison
from ganjax.console import aside, interruptible
from ganjax.errors import ConfigError, Interrupted, unknown
from ganjax.sweep.folder import claim, read, read_cell, write
from ganjax.sweep.plan import planned
from ganjax.sweep.programs import Program, programs, raised
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
    that diverges, a program that needs more memory than there is, or a cell that fails while it is
    trained, is a result. Files of cells that are damaged count as missing. Cells may be added to a
    folder; any other change needs another folder.

    Args:
      comparison: from `comparison.resolve`.
      workdir: the folder; made if missing.
      how: a row of `MAPPINGS`, or "auto" for the faster, which is timed once for every program.
      held: from `run_folder.locked`, if the folder is locked already.

    Raises:
      RunFolderError: the folder is in use, or holds another comparison.
      ConfigError: a cell cannot be built, which is known before any is trained, or its evaluation
        does not report the score.
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
        compiled_together = programs(comparison.cells)
        claim(workdir, comparison)
        run_folder.write_manifest(workdir, list(map(str, jax.devices())), seed=comparison.seeds[0])
        _log_limits(comparison)
        logged = False
        # The baseline first: differences from it soon show how large a difference is detectable.
        for program in sorted(
            compiled_together, key=lambda program: comparison.baseline not in program.cells
        ):
            absent = np.array([read_cell(workdir, name) is None for name in program.cells])
            absent = devices.from_first(absent)
            missing = [name for name, a in zip(program.cells, absent, strict=True) if a]
            if not missing:
                continue
            log.info("%s: %d seeds", ", ".join(program.cells), len(comparison.seeds))
            results = _results(program, comparison, workdir, how, stop_asked)
            held()
            for name in missing:
                write(workdir, name, *results[name])
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


def _results(
    program: Program, comparison: Comparison, workdir: Path, how: str, stop_asked: threading.Event
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """{cell: (result, costs)} of a program; cells that fail together are trained alone."""
    try:
        compiled, plan = planned(program, comparison, workdir, how)
        if compiled is not None:
            return _trained(program, comparison, compiled, plan, stop_asked)
        failed = _untrained("out of memory", comparison, bytes=plan["bytes"])
        return dict.fromkeys(program.cells, failed)
    except (Interrupted, ConfigError):
        raise
    except Exception as error:
        if disk.full(error, workdir) is not None or partners.lost(error):
            raise
        log.warning("%s: %s", ", ".join(program.cells), raised(error))
        if len(program.cells) == 1:
            why = {"reason": raised(error), "traceback": traceback.format_exc()}
            failed = _untrained("failed", comparison, **why)
            return dict.fromkeys(program.cells, failed)
    results = {}
    for name in program.cells:
        (alone,) = programs({name: comparison.cells[name]})
        results |= _results(alone, comparison, workdir, how, stop_asked)
    return results


def _untrained(status: str, comparison: Comparison, **why: Any):
    """`(result, costs)` of a cell without scores."""
    seeds = list(comparison.seeds)
    result = {"seeds": seeds, "status": [status] * len(seeds)}
    result |= {"stopped_at": [0] * len(seeds), "step": [0], "scores": {}, "metrics": {}}
    result |= {"evaluations": {"gen": [0], "disc": [0]}, **why}
    return result, {"seconds": [0.0], "mapped": None}


def _trained(
    program: Program,
    comparison: Comparison,
    compiled: Runner,
    plan: dict[str, Any],
    stop_asked: threading.Event,
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """{cell: (result, costs)} of a program, trained and evaluated to its last step."""
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
    return {
        name: (record.result(), {"seconds": record.seconds, "mapped": plan["mapped"]})
        for name, record in records.items()
    }


def _played(compiled: Runner, states: Any, before: int, step: int) -> tuple[Any, Any]:
    states, outcome = compiled.play(states, before, step - before)
    return states, devices.gathered(outcome)


def _check_score(score: str, scores: list[list[dict[str, float]]]) -> None:
    known = {key for row in scores for run in row for key in run}  # of runs that have not diverged
    if known and score not in known:
        raise ConfigError(unknown("score", score, known))
