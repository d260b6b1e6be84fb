"""Trains a comparison's cells over its seeds and prints the table; called again, it resumes.

ganjax compare --config compare_ring8 --workdir runs/compare_ring8
"""

from collections.abc import Callable
from pathlib import Path

from ml_collections import config_flags

from ganjax import cli, comparison, partners
from ganjax.config_files import SHIPPED
from ganjax.nested import difference

FLAGS = cli.Flags()
CONFIG = FLAGS.config(sections=("shared", "cells", "product", "search"))
WORKDIR = FLAGS.string("workdir", None, "Folder of the comparison.", required=True)
MAPPED = FLAGS.enum(
    "mapped",
    "auto",
    ("auto", "vmap", "map"),
    "How the runs of a program share a device: side by side (vmap), one after another (map), or "
    "whichever is faster.",
)
SEARCH = FLAGS.enum(
    "search",
    "none",
    ("none", "random", "halving"),
    "Draw the numbers of the config's `search` for every cell: train all draws to the end "
    "(random), or the best half again and again (successive halving).",
)
PROCESSES = FLAGS.processes()
DRY_RUN = FLAGS.bool(
    "dry_run",
    False,
    "Show each cell's difference from the base, the compiled programs and the number of seeds "
    "needed; train nothing.",
)
JSON = FLAGS.output("json", (".json",), "Also write the table to this JSON file.")


def base(name: str) -> dict:
    """The config of a file beside the comparison's, else the shipped one of that name."""
    file = cli.find_config(config_flags.get_config_filename(FLAGS.values["config"]))
    beside, shipped = (folder / f"{name}.py" for folder in (file.parent, SHIPPED))
    return cli.read_config(str(shipped if shipped.exists() and not beside.exists() else beside))


def described(resolved: comparison.Comparison) -> str:
    """The plan: cells by their difference from the base, programs, limits of the seeds."""
    from ganjax import sweep

    unit, amount = resolved.budget
    settings = resolved._asdict()
    lines = [
        resolved.question,
        f"cells: {len(resolved.cells)}, seeds: {len(resolved.seeds)}, {unit} a run: {amount:g}; "
        f"{resolved.score} at the end, {'small' if resolved.goal == 'min' else 'large'} is good",
    ]
    for name, cell in resolved.cells.items():
        lines.append(f"{name}{' (baseline)' if name == resolved.baseline else ''}:")
        lines += [f"  {line}" for line in difference(resolved.base, cell)] or ["  as the base"]
    together = [", ".join(program.cells) for program in sweep.programs(resolved.cells)]
    lines.append(f"compiled programs, {len(together)}: {'; '.join(together)}")
    return "\n".join([*lines, sweep.limits(sweep.power(settings, {}), settings)]).rstrip()


def main() -> None:
    """Trains the missing runs and prints the table."""
    given = {key: value for key, value in CONFIG.value.to_dict().items() if value != {}}
    resolved = comparison.resolve(given, base)
    with (
        partners.watched([flag.value for flag in PROCESSES]),
        cli.locked(WORKDIR.value, PROCESSES, DRY_RUN.value) as held,
    ):
        _compare(resolved, held)


def _compare(resolved: comparison.Comparison, held: Callable[[], None] | None) -> None:
    cli.use_all_cores()
    from ganjax import devices, standings, sweep

    devices.initialise(*(flag.value for flag in PROCESSES))
    workdir = Path(WORKDIR.value)
    if DRY_RUN.value:
        print(described(resolved if SEARCH.value == "none" else sweep.drawn(resolved)))
        return
    if SEARCH.value == "halving":
        *_, workdir = sweep.halve(resolved, workdir, MAPPED.value)
    else:
        resolved = sweep.drawn(resolved) if SEARCH.value == "random" else resolved
        sweep.run(resolved, workdir, MAPPED.value, held)
    if not devices.leads():
        return
    table = standings.table(workdir)
    standings.write(workdir / "table.json", table)
    print(standings.text(table, sweep.read(workdir)))
    if JSON.value:
        standings.write(Path(JSON.value), table)
