"""Trains an experiment and scores it; called again on the same folder, it resumes.

ganjax train --config digits_mlp --workdir runs/digits_mlp
"""

from pathlib import Path

from ganjax import cli

FLAGS = cli.Flags()
CONFIG = FLAGS.config()
WORKDIR = FLAGS.string("workdir", None, "Run folder; made if missing.", required=True)
FORM = FLAGS.enum(
    "form",
    "jit",
    ("jit", "pmap"),
    "How several devices share a batch: whole arrays that the compiler splits over a mesh (jit), "
    "or a replica of the state on every device (pmap).",
)
SHARD_OPTIMISER = FLAGS.bool(
    "shard_optimiser", False, "Every device keeps a part of the optimisers' state alone (jit)."
)
STATISTICS = FLAGS.enum(
    "statistics",
    "global",
    ("global", "device"),
    "Whose rows batch normalisation and all else that looks at a batch as one sees: the whole "
    "batch's, or its own device's (pmap).",
)
INIT_FROM = FLAGS.string(
    "init_from", None, "Run folder whose weights a new run starts from, with new optimisers."
)
PROCESSES = FLAGS.processes()
DRY_RUN = FLAGS.bool(
    "dry_run",
    False,
    "Show the resolved config, rates, parameter counts, stages, memory; train nothing.",
)


def main() -> None:
    """Builds the experiment of the flags, trains it and prints where its results are."""
    config = cli.resolved(CONFIG.value)
    from ganjax import devices, experiment, train
    from ganjax.summary import describe, report_table

    devices.initialise(*(flag.value for flag in PROCESSES))
    layout = devices.layout(FORM.value, SHARD_OPTIMISER.value, STATISTICS.value)
    layout = layout if layout.count > 1 else None
    built = experiment.build(config, layout.axis_name if layout else None)
    if DRY_RUN.value:
        chunk = train.compiled_chunk(built, min(built.config.log_every, built.config.steps))
        print(describe(built, chunk))
        return
    workdir = Path(WORKDIR.value)
    result = train.train(built, workdir, layout, INIT_FROM.value and Path(INIT_FROM.value))
    if not devices.leads():
        return
    print(f"{workdir}: {result.step} steps")
    if result.report:
        print(report_table(result.report))
    for label, path in (("pictures", result.picture), ("curves", workdir / "curves.png")):
        if path is not None:
            print(f"{label}: {path}")
