"""How often unrolling cures mode collapse: many seeds of a ring of 8 Gaussians in one program.

python scripts/benchmarks/collapse.py --out runs/collapse --picture docs/collapse.png

Every cell is `configs/ring8_unrolled.py` with other options of its scheme. A finished cell is kept
in the folder and not run again. The table is of 2,500 samples a seed after the last step: the share
of seeds that cover all 8 modes (reverse KL at most 0.05) with its 95% Wilson interval.
"""

import json
import sys
import time
from pathlib import Path

from absl import flags

from ganjax import cli
from ganjax.errors import ConfigError, unknown

CELLS = {
    "unrolled_0": {"unroll_steps": 0},
    "unrolled_1": {"unroll_steps": 1},
    "unrolled_5": {"unroll_steps": 5},
    "unrolled_10": {"unroll_steps": 10},
    "unrolled_5_simultaneous": {"unroll_steps": 5, "order": "simultaneous"},
    "unrolled_5_disc_first": {"unroll_steps": 5, "order": "disc_first"},
    "unrolled_5_first_order": {"unroll_steps": 5, "first_order": True},
    "unrolled_5_fresh_batches": {"unroll_steps": 5, "fresh_batches": True},
}
COVERED = 0.05  # largest reverse KL of a seed that covers all modes, in nats
SHOWN = ("unrolled_0", "unrolled_1", "unrolled_5", "unrolled_10")

OUT = flags.DEFINE_string("out", None, "Folder of the cells' results.", required=True)
ONLY = flags.DEFINE_list("cells", None, "Cells to run, by name; all by default.")
SEEDS = flags.DEFINE_integer("seeds", 16, "Number of seeds, from 0 on.", lower_bound=1)
STEPS = flags.DEFINE_integer("steps", 15_000, "Steps of training.", lower_bound=1)
EVERY = flags.DEFINE_integer("every", 1000, "Steps between two looks.", lower_bound=1)
PICTURE = cli.define_output("picture", cli.FIGURES, "Draw the samples of seed 0 into this file.")


def resolved(options: dict) -> dict:
    """The config of a cell."""
    config = cli.read_config("ring8_unrolled")
    return {**config, "scheme": {**config["scheme"], **options}}


def run_cell(config: dict) -> dict:
    """Plays one cell: reverse KL and modes [looks][seeds], samples of seed 0 [looks], seconds."""
    from functools import partial

    import jax
    import jax.numpy as jnp
    import numpy as np

    from ganjax import experiment, train

    seeds, steps, every = SEEDS.value, STEPS.value, EVERY.value
    built = experiment.build(config)

    def mapped(function, *arguments):
        """Over seeds, in one program; a CPU multiplies one seed's matrices faster than a stack."""
        if jax.default_backend() == "cpu":
            return jax.lax.map(lambda given: function(*given), arguments)
        return jax.vmap(function)(*arguments)

    keys = [experiment.streams(seed) for seed in range(seeds)]
    inits, plays = (jnp.stack([getattr(k, name) for k in keys]) for name in ("init", "play"))
    states = jax.jit(partial(mapped, partial(experiment.initial_state, built)))(inits)
    steps_of = train.chunk(built, every)

    @partial(jax.jit, donate_argnums=0)
    def play(states, plays, first_step):
        return mapped(lambda s, k: steps_of(s, built.train, k, first_step), states, plays)

    began, looks = time.perf_counter(), {"step": [], "reverse_kl": [], "modes": [], "samples": []}
    for step in range(0, steps + 1, every):
        if step:
            states, _ = play(states, plays, jnp.int32(step - every))
        reports = []
        for seed in range(seeds):
            state = jax.tree.map(lambda leaf, seed=seed: leaf[seed], states)
            reports.append(built.evaluate(state, keys[seed].evaluation, 2500))
            if seed == 0:
                x = np.asarray(built.sample(state, keys[seed].evaluation, 2500))
                looks["samples"].append(np.round(x, 3).tolist())
        looks["step"].append(step)
        looks["reverse_kl"].append([round(report["reverse_kl"], 4) for report in reports])
        looks["modes"].append([report["modes"] for report in reports])
        seconds = time.perf_counter() - began
        print(f"  step {step}, {seconds:.0f} s: {looks['reverse_kl'][-1]}", file=sys.stderr)
    return {"config": config, "seconds": round(seconds, 1), **looks}


def draw(results: dict, path: Path) -> None:
    """One row a number of unrolled steps, one column a time, as in the paper's figure 2.

    The last column has what that figure leaves out: every seed's reverse KL.
    """
    import numpy as np

    from ganjax import data, pictures

    rows = {name: results[name] for name in SHOWN if name in results}
    looks = next(iter(rows.values()))["step"]
    times = [looks[(len(looks) - 1) * part // 3] for part in range(4)]
    labels = {name: f"{name}\n{share(result)}" for name, result in rows.items()}
    pictures.save_point_panels(
        path,
        {
            labels[name]: [np.array(result["samples"][result["step"].index(t)]) for t in times]
            for name, result in rows.items()
        },
        [f"seed 0, step {step:,}" for step in times],
        marks=np.asarray(data.ring().centres),
        curves={
            labels[name]: (np.array(result["step"]), np.array(result["reverse_kl"]))
            for name, result in rows.items()
        },
        curve_title="reverse KL, every seed",
    )


def share(result: dict) -> str:
    """How many seeds cover all modes at the end."""
    last = result["reverse_kl"][-1]
    return f"{sum(kl <= COVERED for kl in last)} of {len(last)} seeds"


def main() -> None:
    """Runs what is missing, prints the table, draws the picture."""
    import numpy as np
    from scipy import stats

    from ganjax import run_folder

    names = ONLY.value or list(CELLS)
    if STEPS.value % EVERY.value:
        raise ConfigError(f"--steps={STEPS.value} must be a multiple of --every={EVERY.value}")
    for name in names:
        if name not in CELLS:
            raise ConfigError(unknown("cell", name, CELLS))
    out, results = Path(OUT.value), {}
    out.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = out / f"{name}.json"
        if not path.exists():
            print(name, file=sys.stderr, flush=True)
            run_folder.write_json(path, run_cell(resolved(CELLS[name])))
        results[name] = cell = run_folder.read_json(path)
        kept = (len(cell["modes"][0]), cell["step"][-1], cell["step"][1])
        if kept != (SEEDS.value, STEPS.value, EVERY.value):
            raise ConfigError(
                f"{path} holds {kept[0]} seeds of {kept[1]} steps, looked at every {kept[2]}; "
                "give the same --seeds, --steps and --every, or another --out"
            )
        if cell["config"] != json.loads(json.dumps(resolved(CELLS[name]))):
            raise ConfigError(f"{path} is of another config; give another --out")
    print(f"{'':30} covered  of  share  95% interval   reverse KL, median   seconds a seed")
    for name, result in results.items():
        last = result["reverse_kl"][-1]
        good, seeds = sum(kl <= COVERED for kl in last), len(last)
        low, high = stats.binomtest(good, seeds).proportion_ci(method="wilson")
        print(
            f"{name:30} {good:7} {seeds:3} {good / seeds:6.2f}  {low:.2f} to {high:.2f} "
            f"{np.median(last):20.3f} {result['seconds'] / seeds:16.0f}"
        )
    if PICTURE.value:
        draw(results, Path(PICTURE.value))
        print(f"samples of seed 0: {PICTURE.value}")


if __name__ == "__main__":
    sys.exit(cli.run(main))
