"""The plan of a program: its mapping, timed once in a folder, and its steps within the budget."""

import json
import logging
import time
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganjax import devices
from ganjax.comparison import Comparison
from ganjax.console import aside
from ganjax.memory import free_bytes
from ganjax.sweep.folder import DamageError, read_sealed, write_sealed
from ganjax.sweep.programs import Program
from ganjax.sweep.runner import MAPPINGS, Runner, runner

log = logging.getLogger(__name__)

TRIAL_SECONDS = 0.5  # of timing a mapping
MEMORY_SHARE = 0.9  # of the free memory that a program may use


def planned(
    program: Program, comparison: Comparison, workdir: Path, how: str
) -> tuple[Runner | None, dict[str, Any]]:
    """The compiled program and its plan: that of `plan.json` if there is one, else a new one.

    Returns:
      (runner, plan), a plan being JSON: `mapped`, `steps`, `seconds_per_step` {mapping: seconds}
      and `evaluations_per_step` {player: gradients}; or, if no mapping fits into memory, None for
      the runner and for `mapped`, and the `bytes` that are too many.
    """
    path, key = workdir / "plan.json", ",".join(program.cells)
    plans = _read(path)
    plan = json.loads(devices.text_from_first(json.dumps(plans.get(key))))
    if plan is not None:
        compiled = runner(program, comparison.seeds, plan["mapped"]) if plan["mapped"] else None
        return compiled, plan
    timed = {}
    for mapping in MAPPINGS if how == "auto" else (how,):
        candidate = runner(program, comparison.seeds, mapping)
        if devices.any_of(candidate.bytes > MEMORY_SHARE * free_bytes()):
            log.info("%s by %s needs %.1f GiB", key, mapping, candidate.bytes / 2**30)
            continue
        try:
            timed[mapping] = (*aside(partial(_timed, candidate)), candidate)
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
    write_sealed(path, {**plans, key: plan})
    return timed[plan["mapped"]][-1] if timed else None, plan


def _read(path: Path) -> dict[str, Any]:
    """The plans in a folder; {} if the file is damaged, so that they are made again."""
    if not path.exists():
        return {}
    try:
        plans = read_sealed(path, {})
    except DamageError as error:
        log.warning("programs are timed again: %s", error)
        return {}
    whole = {key: plan for key, plan in plans.items() if _is_plan(plan)}
    if whole != plans:
        log.warning("%s has odd plans, which are made again", path)
    return whole


def _is_plan(plan: Any) -> bool:
    if not isinstance(plan, dict) or plan.get("mapped") not in (None, *MAPPINGS):
        return False
    return isinstance(plan.get("steps" if plan.get("mapped") else "bytes"), int)


def _timed(compiled: Runner) -> tuple[float, dict[str, int]]:
    """Seconds of a step of one run, all runs together, and the gradients it evaluates."""
    states, outcome = compiled.play(compiled.init(), 0, 1)
    counts = {p: int(outcome.metrics[f"evaluations/{p}"][0]) for p in ("gen", "disc")}

    def seconds(states, length):
        began = time.perf_counter()
        states, outcome = compiled.play(states, 0, length)
        jax.block_until_ready(outcome)
        return states, time.perf_counter() - began

    states, once = seconds(states, 1)
    length = int(np.clip(TRIAL_SECONDS / once, 1, 100))
    best = once
    for _ in range(2):
        states, taken = seconds(states, length)
        best = min(best, taken / length)
    return best / compiled.runs, counts


def _steps(budget: tuple[str, float], seconds: float, evaluations: int) -> int:
    unit, amount = budget
    cost_of_step = {"steps": 1, "evaluations": evaluations, "seconds": seconds}[unit]
    return max(1, int(amount / cost_of_step))
