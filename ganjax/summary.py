"""Experiments and their scores as text for a terminal."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import jax

from ganjax import metrics, optimisers
from ganjax.config import in_order
from ganjax.experiment import Experiment, after_a_step, template

MEBIBYTE = 2**20


def report_table(report: Mapping[str, float]) -> str:
    """A table of scores, with those of real data (`NAME_real`), if any, in a second column.

    A score that is better than real data's own is marked; see `metrics.beyond_real`.
    """
    names = [name for name in report if not name.endswith("_real")]
    width = max(map(len, names))
    compared = len(names) < len(report)
    lines = [f"{'':{width}}  {'generated':>10}  {'real data':>10}"] if compared else []
    beyond = metrics.beyond_real(report)
    for name in names:
        real = report.get(f"{name}_real")
        line = f"{name:{width}}  {_number(report[name]):>10}  {_number(real):>10}".rstrip()
        lines.append(f"{line}  * {beyond[name]} real data's" if name in beyond else line)
    return "\n".join([*lines, f"* {metrics.BEYOND}"] if beyond else lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def describe(experiment: Experiment, compiled: jax.stages.Compiled) -> str:
    """The resolved config, learning rates, parameter counts and estimated memory.

    Args:
      experiment: from `experiment.build`; of its stages, those that are trained have a line each,
        and all else is about the last of them.
      compiled: its compiled chunk of steps, whose memory the compiler knows.

    Returns:
      Text of several lines; sizes in MiB.
    """
    state = template(experiment)
    lines = [json.dumps(experiment.config.to_dict(), indent=2)]
    # Stages behind the end of the run have no steps.
    trained = [stage for stage in experiment.stages if stage.begin.step < stage.config.steps]
    for stage in trained or (experiment,):
        lines += _rate_lines(stage)
    if trained:
        labels = in_order(experiment.config.stages)[: len(trained)]
        lines += ["stages:", *map(_stage_line, labels, trained)]
        lines.append(f"the stage that the run ends in, {labels[-1]}:")
    lines += [
        f"generator parameters: {_count(state.params.gen):,}",
        f"discriminator parameters: {_count(state.params.disc):,}",
        f"training state: {_bytes(state) / MEBIBYTE:.2f} MiB",
        f"data on the device: {_bytes(experiment.train) / MEBIBYTE:.2f} MiB",
    ]
    memory = compiled.memory_analysis()
    if memory is not None:
        temporary = memory.temp_size_in_bytes
        # The state is donated, but a copy of it is kept for the record of a divergence.
        total = temporary + memory.argument_size_in_bytes + memory.output_size_in_bytes
        lines.append(f"temporary memory of a step: {temporary / MEBIBYTE:.2f} MiB")
        lines.append(f"estimated memory of the device: {total / MEBIBYTE:.2f} MiB")
    return "\n".join(lines)


def _bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _count(params: Any) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def _stage_line(label: str, stage: Experiment) -> str:
    params = template(stage).params
    shape = "x".join(map(str, stage.data.shape)) if stage.data else "no data"
    return (
        f"  {label}: steps {stage.begin.step + 1} to {stage.config.steps}, {shape}, batches of "
        f"{stage.config.batch_size}, {_count(params.gen):,} generator and "
        f"{_count(params.disc):,} discriminator parameters"
    )


def _rate_lines(experiment: Experiment) -> list[str]:
    """Each player's learning rates at the first, the middle and the last step of a stage."""
    config, begin = experiment.config.to_dict(), experiment.begin.step
    steps = (begin, (begin + config["steps"] - 1) // 2, config["steps"] - 1)
    lines = [f"learning rates at steps {', '.join(str(step + 1) for step in steps)}:"]
    for where in ("gen_tx", "disc_tx", "scheme"):
        found = list(optimisers.rates(where, config[where]))
        if not found and where != "scheme":
            lines.append(f"  {where}: {config[where]['name']} without one")
        for path, rate in found:
            if not isinstance(rate, optimisers.Rate):
                lines.append(f"  {path}: {rate:g} throughout")
            elif rate.counts == "steps":
                lines.append(f"  {path}: {_values(rate, steps)}")
            else:
                each = _updates(experiment, where)
                counts = [(step - begin) * each for step in steps]
                values = _values(rate, counts)
                lines.append(f"  {path}: {values}, by its own updates, {each} a step")
    return lines


def _values(rate: optimisers.Rate, counts: Iterable[int]) -> str:
    return ", ".join(f"{float(rate.at(count)):g}" for count in counts)


def _updates(experiment: Experiment, where: str) -> int:
    """Updates of a player's optimiser in a step; 0 of an `inner_tx`, whose state is dropped."""

    def first(state):
        opt_state = {"gen_tx": state.opt_state.gen, "disc_tx": state.opt_state.disc}.get(where)
        kind = optimisers.Scheduled
        parts = jax.tree.leaves(opt_state, is_leaf=lambda part: isinstance(part, kind))
        return next((part.updates for part in parts if isinstance(part, kind)), 0)

    return int(after_a_step(experiment, first))
