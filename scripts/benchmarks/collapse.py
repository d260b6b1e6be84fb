r"""How often unrolling cures mode collapse: many seeds of a ring of 8 Gaussians in one program.

python scripts/benchmarks/collapse.py --out runs/collapse
python scripts/benchmarks/collapse.py --out runs/collapse --picture docs/unrolling.png \
  --cells=unrolled_0_faster,unrolled_5_faster

Cells have the rates of the paper, 1e-4, and are `configs/ring8_collapse.py` under unrolled play;
`..._faster` ones are `configs/ring8_unrolled.py`: ten times the rates, which fall to 0, and samples
of the average. Groups of 16 seeds that are done stay in the folder and are not run again, so that
more seeds or cells only add to them; after each group the script says how long the rest takes. The
table uses 2,500 samples a seed after the last step: the share of seeds that cover all 8 modes
(reverse KL at most 0.05) with its 95% Wilson interval, and the mean share of samples within 3
standard deviations of a mode.
"""

import json
import sys
import time
from itertools import chain
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
    "unrolled_0_faster": {"unroll_steps": 0},
    "unrolled_5_faster": {"unroll_steps": 5},
}
FASTER = "_faster"  # the end of the names of cells of `ring8_unrolled`; others are `ring8_collapse`
COVERED = 0.05  # largest reverse KL of a seed that covers all modes, in nats
DRAWN = 500  # samples of a seed in the picture
GROUP = 16  # seeds of a program and of a file
SCORES = ("reverse_kl", "modes", "high_quality")
LISTS = (*SCORES, "samples")  # [evaluation][seed]
SHOWN = ("unrolled_0", "unrolled_1", "unrolled_5", "unrolled_10")  # and those at faster rates

OUT = flags.DEFINE_string("out", None, "Folder of the cells' results.", required=True)
ONLY = flags.DEFINE_list("cells", None, "Cells to run, by name; all by default.")
SEEDS = flags.DEFINE_integer("seeds", 16, "Number of seeds, from 0 on.", lower_bound=1)
STEPS = flags.DEFINE_integer("steps", 15_000, "Steps of training.", lower_bound=1)
EVERY = flags.DEFINE_integer("every", 1000, "Steps between two evaluations.", lower_bound=1)
PICTURE = cli.define_output(
    "picture", cli.FIGURES, "Draw samples of one or two seeds a cell into this file."
)


def resolved(name: str) -> dict:
    """The config of a cell."""
    faster = cli.read_config("ring8_unrolled")
    config = faster if name.endswith(FASTER) else cli.read_config("ring8_collapse")
    return {**config, "scheme": {**faster["scheme"], **CELLS[name]}}


def run_group(config: dict, seeds: range) -> dict:
    """Trains seeds of one cell: reverse KL, modes and samples [evaluation][seed], and seconds."""
    from functools import partial

    import jax
    import jax.numpy as jnp
    import numpy as np

    from ganjax import experiment, train

    steps, every = STEPS.value, EVERY.value
    built = experiment.build(config)

    def mapped(function, *arguments):
        """Maps over seeds in one program; a CPU multiplies single matrices faster than a stack."""
        if jax.default_backend() == "cpu":
            return jax.lax.map(lambda given: function(*given), arguments)
        return jax.vmap(function)(*arguments)

    keys = [experiment.streams(seed) for seed in seeds]
    inits, plays = (jnp.stack([getattr(k, name) for k in keys]) for name in ("init", "play"))
    states = jax.jit(partial(mapped, partial(experiment.initial_state, built)))(inits)
    steps_of = train.chunk(built, every)

    @partial(jax.jit, donate_argnums=0)
    def play(states, plays, first_step):
        return mapped(lambda s, k: steps_of(s, built.train, k, first_step), states, plays)

    began, found = time.perf_counter(), {"step": [], **{key: [] for key in LISTS}}
    for step in range(0, steps + 1, every):
        if step:
            states, _ = play(states, plays, jnp.int32(step - every))
        reports, samples = [], []
        for at, key in enumerate(keys):
            state = jax.tree.map(lambda leaf, at=at: leaf[at], states)
            reports.append(built.evaluate(state, key.evaluation, 2500))
            x = np.asarray(built.sample(state, key.evaluation, DRAWN))
            samples.append(np.round(x, 3).tolist())
        found["samples"].append(samples)
        found["step"].append(step)
        for score in SCORES:
            found[score].append([round(report[score], 4) for report in reports])
        seconds = time.perf_counter() - began
        print(f"  step {step}, {seconds:.0f} s: {found['reverse_kl'][-1]}", file=sys.stderr)
    return {"config": config, "seconds": round(seconds, 1), **found}


def check(path: Path, part: dict, name: str, seeds: int) -> None:
    """Refuses a file of other seeds, steps or settings than this cell's."""
    kept = (len(part["modes"][0]), part["step"][-1], part["step"][1])
    if kept != (seeds, STEPS.value, EVERY.value):
        raise ConfigError(
            f"{path} holds {kept[0]} seeds of {kept[1]} steps, evaluated every {kept[2]}; "
            "give the same --seeds, --steps and --every, or another --out"
        )
    if part["config"] != json.loads(json.dumps(resolved(name))):
        raise ConfigError(f"{path} is of another config; give another --out")


def joined(parts: list[dict]) -> dict:
    """A cell from its groups of seeds, in order."""
    lists = {
        key: [list(chain(*groups)) for groups in zip(*(part[key] for part in parts), strict=True)]
        for key in LISTS
    }
    return {**parts[0], **lists, "seconds": sum(part["seconds"] for part in parts)}


def draw(results: dict, path: Path) -> None:
    """One row a number of unrolled steps, one column a time, as in figure 2 of the paper.

    A cell that covers the ring with some of its seeds has two rows, a covered seed and a failing
    one. The last column has the reverse KL of every seed, which that figure leaves out.
    """
    import drawing
    import numpy as np

    from ganjax import data

    cells = {name: results[name] for name in results if name.removesuffix(FASTER) in SHOWN}
    steps = next(iter(cells.values()))["step"]
    times = [(len(steps) - 1) * part // 3 for part in range(4)]
    rows, curves = {}, {}
    for name, result in cells.items():
        for seed in examples(result):
            covered = result["reverse_kl"][-1][seed] <= COVERED
            label = f"{name}, {share(result)}\nseed {seed}: {'' if covered else 'not '}covered"
            rows[label] = [np.array(result["samples"][at][seed]) for at in times]
            curves[label] = np.array(result["step"]), np.array(result["reverse_kl"])
    titles = [f"step {steps[at]:,}" for at in times]
    drawing.point_panels(
        path,
        rows,
        titles,
        marks=np.asarray(data.ring().centres),
        curves=curves,
        curve_title="reverse KL, every seed",
    )


def examples(result: dict) -> list[int]:
    """The first covered and the first failing seed, where there are both; else the first."""
    covered = [kl <= COVERED for kl in result["reverse_kl"][-1]]
    return sorted({covered.index(True), covered.index(False)}) if len(set(covered)) == 2 else [0]


def share(result: dict) -> str:
    """The number of seeds that cover all modes at the end."""
    last = result["reverse_kl"][-1]
    return f"{sum(kl <= COVERED for kl in last)} of {len(last)} seeds"


def main() -> None:
    """Runs missing cells, prints the table, draws the picture."""
    import numpy as np
    from scipy import stats

    from ganjax import run_folder

    names = ONLY.value or list(CELLS)
    if STEPS.value % EVERY.value:
        raise ConfigError(f"--steps={STEPS.value} must be a multiple of --every={EVERY.value}")
    for name in names:
        if name not in CELLS:
            raise ConfigError(unknown("cell", name, CELLS))
    out = Path(OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    groups = [range(at, min(at + GROUP, SEEDS.value)) for at in range(0, SEEDS.value, GROUP)]
    paths = {
        (name, group): out / f"{name}_{group.start}.json" for group in groups for name in names
    }
    parts, seconds = {}, {}
    for (name, group), path in paths.items():
        missing = not path.exists()
        if missing:
            print(f"{name}, seeds {group.start} to {group[-1]}", file=sys.stderr, flush=True)
            run_folder.write_json(path, run_group(resolved(name), group))
        part = run_folder.read_json(path)
        check(path, part, name, len(group))
        seconds[name] = part["seconds"] / len(group)
        parts.setdefault(name, []).append(part)
        if missing:
            slowest = max(seconds.values())  # of a cell that has not run yet
            left = sum(
                len(group) * seconds.get(name, slowest)
                for (name, group), path in paths.items()
                if not path.exists()
            )
            print(f"about {left / 3600:.1f} h left", file=sys.stderr, flush=True)
    results = {name: joined(found) for name, found in parts.items()}
    heads = "covered  of  share  95% interval   reverse KL, median  high quality   seconds a seed"
    print(f"{'':30} {heads}")
    for name, result in results.items():
        last = result["reverse_kl"][-1]
        good, seeds = sum(kl <= COVERED for kl in last), len(last)
        low, high = stats.binomtest(good, seeds).proportion_ci(method="wilson")
        quality = np.mean(result["high_quality"][-1])
        print(
            f"{name:30} {good:7} {seeds:3} {good / seeds:6.2f}  {low:.2f} to {high:.2f} "
            f"{np.median(last):20.3f} {quality:13.3f} {result['seconds'] / seeds:16.0f}"
        )
    if PICTURE.value:
        draw(results, Path(PICTURE.value))
        print(f"samples: {PICTURE.value}")


if __name__ == "__main__":
    sys.exit(cli.run(main))
