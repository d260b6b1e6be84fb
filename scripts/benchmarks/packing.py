"""The effect of packing on mode coverage, and that of unrolling: seeds of the ring and of the grid.

python scripts/benchmarks/packing.py --seeds 3 --json packing.json

The protocol of VEEGAN and PacGAN (arXiv:1712.04086, table 1): 2,500 samples; the number of modes
with a sample within 3 standard deviations, the share of such samples, and the reverse KL in nats;
mean and standard deviation over the finite seeds, and the number of diverged ones. Every cell is
`configs/ring8_packed.py` or `grid25_packed.py` with another packing or scheme, and as many packs a
batch as those: larger packs see more samples, as in the paper.
"""

import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags

from ganjax import cli, run_folder
from ganjax.errors import ConfigError, NotFiniteError, unknown

PACKINGS = {"plain": 1, "packed_2": 2, "packed_3": 3, "packed_4": 4}
# name: (config, packing, scheme or None for the config's).
CELLS = {
    **{f"ring, {name}": ("ring8_packed", m, None) for name, m in PACKINGS.items()},
    "ring, unrolled_5": ("ring8_packed", 1, {"name": "unrolled", "unroll_steps": 5}),
    **{f"grid, {name}": ("grid25_packed", m, None) for name, m in PACKINGS.items()},
}
GRID = ";".join(name for name in CELLS if name.startswith("grid"))
SCORES = ("modes", "high_quality", "reverse_kl")
SAMPLES = 2500

ONLY = flags.DEFINE_string("cells", None, "Cells to run, by name, separated by ';'; all if none.")
SEEDS = flags.DEFINE_integer("seeds", 3, "Number of seeds, from 0 on.", lower_bound=1)
STEPS = flags.DEFINE_integer("steps", None, "Steps of training, instead of the configs'.", 1)
JSON = cli.define_output("json", (".json",), "Also write every seed's scores to this JSON file.")
PICTURE = cli.define_output(
    "picture",
    cli.FIGURES,
    "Draw the first seed's samples of every cell over the modes into this file.",
)


class Cell(NamedTuple):
    """The results of a cell.

    Attributes:
      scores: score -> its value for every finite seed.
      diverged: the other seeds.
      samples: those of the first finite seed [samples, 2]; None if there is none.
      centres: of the data's modes [modes, 2].
      seconds: a seed.
    """

    scores: dict[str, list[float]]
    diverged: list[int]
    samples: Any
    centres: Any
    seconds: float


def resolved(name: str) -> dict:
    """The config of a cell."""
    stem, packing, scheme = CELLS[name]
    config = cli.read_config(stem)
    return {
        **config,
        "batch_size": config["batch_size"] // config["game"]["packing"] * packing,
        "game": {**config["game"], "packing": packing},
        "scheme": scheme or config["scheme"],
        "steps": STEPS.value or config["steps"],
    }


def run_cell(config: dict) -> Cell:
    """Trains every seed by one compiled program and scores the finite ones."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from ganjax import experiment, train

    began, built = time.perf_counter(), experiment.build(config)
    scores, diverged, samples = {score: [] for score in SCORES}, [], None
    play = jax.jit(train.chunk(built, config["steps"]))
    start = jax.jit(lambda rng: experiment.initial_state(built, rng))
    for seed in range(SEEDS.value):
        keys = experiment.streams(seed)
        state, metrics = play(start(keys.init), built.train, keys.play, jnp.int32(0))
        if metrics.bad_step != train.FINITE:
            diverged.append(seed)
            continue
        report = built.evaluate(state, keys.evaluation, SAMPLES)
        for score in SCORES:
            scores[score].append(report[score])
        if samples is None:
            samples = np.asarray(built.sample(state, keys.evaluation, SAMPLES))
    seconds = (time.perf_counter() - began) / SEEDS.value
    return Cell(scores, diverged, samples, built.data.centres, seconds)


def line(name: str, cell: Cell) -> str:
    """A cell's row of the table."""
    import numpy as np

    columns = []
    for values in cell.scores.values():
        spread = np.std(values, ddof=1) if len(values) > 1 else np.nan
        columns.append(f"{np.mean(values):.2f} +- {spread:.2f}" if values else "-")
    columns.append(f"{len(cell.diverged)} of {SEEDS.value}")
    return f"{name:18} " + " ".join(f"{c:>14}" for c in columns) + f" {cell.seconds:16.0f}"


def main() -> None:
    """Runs the cells, prints the table and draws the picture."""
    names = [name.strip() for name in ONLY.value.split(";")] if ONLY.value else list(CELLS)
    for name in names:
        if name not in CELLS:
            raise ConfigError(unknown("cell", name, CELLS))
    if PICTURE.value and len({CELLS[name][0] for name in names}) > 1:
        raise ConfigError(
            "--picture draws cells of one mixture; give --cells of the ring or of the grid alone, "
            f"e.g. --cells={GRID!r}"
        )
    heads = ("modes", "high quality", "reverse KL", "diverged")
    print(f"{'':18} " + " ".join(f"{head:>14}" for head in heads) + "   seconds a seed")
    cells = {}
    for name in names:
        cells[name] = run_cell(resolved(name))
        print(line(name, cells[name]), flush=True)
    if JSON.value:
        results = {name: {**cell.scores, "diverged": cell.diverged} for name, cell in cells.items()}
        run_folder.write_json(Path(JSON.value), results)
    drawn = {
        f"{name}: {cell.scores['modes'][0]:.0f} of {len(cell.centres)} modes,\n"
        f"{cell.scores['high_quality'][0]:.0%} of the samples sharp": cell.samples
        for name, cell in cells.items()
        if cell.samples is not None
    }
    if PICTURE.value:
        if not drawn:
            raise NotFiniteError("every seed of every cell diverged; there is nothing to draw")
        from ganjax import pictures
        from ganjax.disclosure import Disclosure

        centres, origin = cells[names[0]].centres, Disclosure()
        pictures.save_panels(Path(PICTURE.value), drawn, marks=centres, disclosure=origin)


if __name__ == "__main__":
    sys.exit(cli.run(main))
