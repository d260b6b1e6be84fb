"""What packing does to mode coverage, beside unrolling: a few seeds of the ring and of the grid.

python scripts/benchmarks/packing.py --seeds 3 --json packing.json

The protocol of VEEGAN and PacGAN (arXiv:1712.04086, table 1): 2,500 samples; the number of modes
with a sample within 3 standard deviations, the share of such samples, and the reverse KL in nats;
mean and standard error over seeds. Every cell is `configs/ring8_packed.py` or `grid25_packed.py`
with another packing or scheme.
"""

import json
import sys
import time
from pathlib import Path

from absl import flags

from ganjax import cli
from ganjax.errors import ConfigError, unknown

CONFIGS = Path(__file__).parents[2] / "configs"
PACKINGS = {"plain": 1, "packed_2": 2, "packed_3": 3, "packed_4": 4}
# name: (config, packing, scheme or None for the config's).
CELLS = {
    **{f"ring, {name}": ("ring8_packed", m, None) for name, m in PACKINGS.items()},
    "ring, unrolled_5": ("ring8_packed", 1, {"name": "unrolled", "unroll_steps": 5}),
    **{f"grid, {name}": ("grid25_packed", m, None) for name, m in PACKINGS.items()},
}
SCORES = ("modes", "high_quality", "reverse_kl")

ONLY = flags.DEFINE_string("cells", None, "Cells to run, by name, separated by ';'; all if none.")
SEEDS = flags.DEFINE_integer("seeds", 3, "Number of seeds, from 0 on.", lower_bound=2)
STEPS = flags.DEFINE_integer("steps", None, "Steps of training, instead of the configs'.", 1)
JSON = flags.DEFINE_string("json", None, "Also write every seed's scores to this JSON file.")


def resolved(name: str) -> dict:
    """The config of a cell."""
    import importlib.util

    stem, packing, scheme = CELLS[name]
    spec = importlib.util.spec_from_file_location(stem, CONFIGS / f"{stem}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = module.get_config().to_dict()
    return {
        **config,
        "game": {**config["game"], "packing": packing},
        "scheme": scheme or config["scheme"],
        "steps": STEPS.value or config["steps"],
    }


def run_cell(config: dict) -> list[dict]:
    """The report of every seed, all of them played by one compiled program."""
    import jax
    import jax.numpy as jnp

    from ganjax import experiment, train

    built, reports = experiment.build(config), []
    play = jax.jit(train.chunk(built, config["steps"]))
    start = jax.jit(lambda rng: experiment.initial_state(built, rng))
    for seed in range(SEEDS.value):
        keys = experiment.streams(seed)
        state, _ = play(start(keys.init), built.train, keys.play, jnp.int32(0))
        reports.append(built.evaluate(state, keys.evaluation, 2500))
    return reports


def main() -> None:
    """Runs the cells and prints the table."""
    import numpy as np

    names = ONLY.value.split(";") if ONLY.value else list(CELLS)
    for name in names:
        if name not in CELLS:
            raise ConfigError(unknown("cell", name, CELLS))
    results = {}
    print(f"{'':18} {'modes':>14} {'high quality':>14} {'reverse KL':>14}   seconds a seed")
    for name in names:
        began = time.perf_counter()
        reports = run_cell(resolved(name))
        seconds = (time.perf_counter() - began) / len(reports)
        results[name] = {score: [report[score] for report in reports] for score in SCORES}
        cells = []
        for score in SCORES:
            values = np.array(results[name][score], float)
            error = values.std(ddof=1) / np.sqrt(len(values))
            cells.append(f"{values.mean():.2f} +- {error:.2f}")
        print(
            f"{name:18} " + " ".join(f"{cell:>14}" for cell in cells) + f" {seconds:16.0f}",
            flush=True,
        )
    if JSON.value:
        Path(JSON.value).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(cli.run(main))
