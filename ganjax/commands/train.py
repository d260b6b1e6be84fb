"""Trains an experiment and scores it; called again with the same folder, it resumes.

ganjax train --config digits_mlp --workdir runs/digits_mlp
ganjax train --config digits_mlp --workdir runs/slow --config.gen_tx.learning_rate=1e-4
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganjax import cli, partners

FLAGS = cli.Flags()
CONFIG = FLAGS.config()
WORKDIR = FLAGS.string("workdir", None, "Run folder; made if missing.", required=True)
FORM = FLAGS.enum(
    "form",
    "jit",
    ("jit", "pmap"),
    "How several devices share a batch: arrays that the compiler splits over a mesh (jit), or one "
    "replica of the state per device (pmap).",
)
SHARD_OPTIMISER = FLAGS.bool(
    "shard_optimiser", False, "Split the optimisers' state over the devices (jit)."
)
STATISTICS = FLAGS.enum(
    "statistics",
    "global",
    ("global", "device"),
    "Rows that batch normalisation and other batch-wide operations see: the whole batch's, or "
    "only the device's (pmap).",
)
INIT_FROM = FLAGS.string(
    "init_from", None, "Run folder whose weights a new run starts from, with new optimisers."
)
TRUST = FLAGS.trust()
SINK = FLAGS.strings(
    "sink",
    [],
    "Function module:function that takes metrics and pictures elsewhere, see ganjax/sinks.py; may "
    "be repeated. TensorBoard's is on where tensorboardX is installed.",
)
PROCESSES = FLAGS.processes()
DRY_RUN = FLAGS.bool(
    "dry_run",
    False,
    "Show the resolved config, rates, parameter counts, stages, memory; train nothing.",
)


def main() -> None:
    """Builds the experiment, trains it and prints its scores and the paths of its pictures."""
    config = cli.resolved(CONFIG.value)
    workdir = None if DRY_RUN.value else Path(WORKDIR.value)
    with (
        partners.watched([flag.value for flag in PROCESSES], workdir),
        cli.locked(WORKDIR.value, PROCESSES, DRY_RUN.value) as held,
    ):
        _train(config, held)


def _train(config: dict[str, Any], held: Callable[[], None] | None) -> None:
    from ganjax import devices, experiment, names, train
    from ganjax.sinks import SINKS
    from ganjax.summary import describe, report_table

    sinks = {name: names.lookup("sink", name, SINKS) for name in SINK.value}
    devices.initialise(*(flag.value for flag in PROCESSES))
    layout = devices.layout(FORM.value, SHARD_OPTIMISER.value, STATISTICS.value)
    layout = layout if layout.count > 1 else None
    built = experiment.build(config, layout.axis_name if layout else None)
    if DRY_RUN.value:
        chunk = train.compiled_chunk(built, min(built.config.log_every, built.config.steps))
        print(describe(built, chunk))
        return
    workdir = Path(WORKDIR.value)
    init_from = Path(INIT_FROM.value) if INIT_FROM.value else None
    result = train.train(built, workdir, layout, init_from, sinks, TRUST.value, held)
    if not devices.leads():
        return
    print(f"{workdir}: {result.step} steps")
    if result.report:
        print(report_table(result.report))
    for label, path in (("pictures", result.picture), ("curves", workdir / "curves.png")):
        if path is not None:
            print(f"{label}: {path}")
