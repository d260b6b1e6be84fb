"""Experiments and their scores as text for a terminal."""

import json
import math
from collections.abc import Mapping

import jax

from ganjax.experiment import Experiment, template

MEBIBYTE = 2**20


def report_table(report: Mapping[str, float]) -> str:
    """A table of scores, those of real data (`NAME_real`), if any, in a column beside."""
    names = [name for name in report if not name.endswith("_real")]
    width = max(map(len, names))
    beside = len(names) < len(report)
    lines = [f"{'':{width}}  {'generated':>10}  {'real data':>10}"] if beside else []
    for name in names:
        real = report.get(f"{name}_real")
        lines.append(f"{name:{width}}  {_number(report[name]):>10}  {_number(real):>10}".rstrip())
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _bytes(tree) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def describe(experiment: Experiment, compiled: jax.stages.Compiled) -> str:
    """The resolved config, parameter counts and estimated memory of an experiment.

    Args:
      experiment: from `experiment.build`.
      compiled: its compiled chunk of steps, whose memory the compiler knows.

    Returns:
      Text of several lines; sizes in MiB.
    """
    state = template(experiment)

    def count(params):
        return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))

    lines = [
        json.dumps(experiment.config.to_dict(), indent=2),
        f"generator parameters: {count(state.params.gen):,}",
        f"discriminator parameters: {count(state.params.disc):,}",
        f"training state: {_bytes(state) / MEBIBYTE:.2f} MiB",
        f"data on the device: {_bytes(experiment.train) / MEBIBYTE:.2f} MiB",
    ]
    memory = compiled.memory_analysis()
    if memory is not None:
        temporary = memory.temp_size_in_bytes
        total = temporary + memory.argument_size_in_bytes + memory.output_size_in_bytes
        total -= memory.alias_size_in_bytes
        lines.append(f"temporary memory of a step: {temporary / MEBIBYTE:.2f} MiB")
        lines.append(f"estimated memory of the device: {total / MEBIBYTE:.2f} MiB")
    return "\n".join(lines)
