"""Many seeds in one program beside a loop of PyTorch runs: the small ring, steps of a run a second.

python scripts/benchmarks/sweep.py --cells 12 --seeds 16 --json sweep.json

Needs PyTorch (`pip install -e '.[benchmarks]'`). The game of both is `works.rings`' with z 2, MLPs
2x32 and batch 128; it is first shown that both make the same steps. Cells differ in the generator's
learning rate. PyTorch runs one seed after another, at its best number of threads.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from absl import flags

from ganjax import cli, run_folder
from ganjax.errors import MachineError

CELLS = flags.DEFINE_integer("cells", 12, "Learning rates.", lower_bound=1)
SEEDS = flags.DEFINE_integer("seeds", 16, "Seeds of each.", lower_bound=1)
STEPS = flags.DEFINE_integer("steps", 200, "Steps of a measurement.", lower_bound=1)
PROCESS_STEPS = flags.DEFINE_integer(
    "process_steps", 4_000, "Steps of a run in a process of its own.", lower_bound=1
)
PROCESSES = flags.DEFINE_integer("processes", 3, "Such processes.", lower_bound=1)
ROUNDS = flags.DEFINE_integer("rounds", 5, "Measurements of each, in turn.", lower_bound=1)
JSON = cli.define_output("json", (".json",), "Also write the figures to this JSON file.")

SIZES = 32, 128, 2  # units, batch, latents
ROOT = Path(__file__).parents[2]


def separate_process(config: dict, steps: int) -> float:
    """Seconds of `scripts/train.py` on a game for so many steps."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ring.py"
        config = {**config, "steps": steps, "log_every": steps, "sample_every": 0}
        path.write_text(
            "import ml_collections\n\n\n"
            f"def get_config():\n    return ml_collections.ConfigDict({config!r})\n",
            encoding="utf-8",
        )
        command = [sys.executable, str(ROOT / "scripts" / "train.py"), f"--config={path}"]
        began = time.perf_counter()
        subprocess.run([*command, f"--workdir={folder}/run"], check=True, capture_output=True)
        return time.perf_counter() - began


def in_one_program(config: dict) -> tuple[dict[str, Callable], int]:
    """({label: plays all runs}, number of runs) of cells by seeds."""
    import jax
    import numpy as np

    from ganjax import sweep
    from ganjax.config import merged, validate

    rates = np.geomspace(1e-4, 1e-2, CELLS.value).tolist()
    cells = {
        f"rate_{index}": validate(merged(config, {"gen_tx": {"learning_rate": rate}}))
        for index, rate in enumerate(rates)
    }
    (program,) = sweep.programs(cells)
    calls = {}
    for how in sweep.MAPPINGS:
        began = time.perf_counter()
        made = sweep.runner(program, tuple(range(SEEDS.value)), how)
        jax.block_until_ready(made.play(made.init(), 0, 1))
        print(f"{how}: compiled in {time.perf_counter() - began:.1f} s", file=sys.stderr)
        calls[f"ganjax, {how}"] = partial(lambda of: of.play(of.init(), 0, STEPS.value), made)
    return calls, made.runs


def main() -> None:
    """Measures in turn and prints the table."""
    cli.use_all_cores()
    try:
        import torch
    except ImportError:
        raise MachineError(
            "this benchmark compares with PyTorch, which is not installed: "
            "pip install -e '.[benchmarks]'"
        ) from None
    from timing import with_cpu
    from works import rings
    from works.work import with_threads

    config, forms = rings.ring_config(*SIZES), rings.alternating_forms()
    apart = rings.largest_difference(config, forms, 2, "cpu")
    print(f"the same steps to {apart:.1e}", file=sys.stderr)
    if not apart < 1e-5:
        raise AssertionError(f"the two libraries do not make the same step: {apart}")
    ours, runs = in_one_program(config)
    theirs, _ = with_threads(torch, rings.peers(SIZES, forms, 2, STEPS.value, "cpu"))
    times = with_cpu({**ours, **theirs}, ROUNDS.value, tell=True)
    steps = {name: STEPS.value * (runs if name in ours else 1) for name in times}
    each = {name: [wall / steps[name] for wall, _ in of] for name, of in times.items()}
    figures = {
        name: {
            "us": 1e6 * statistics.median(each[name]),
            "cpu_us": 1e6 * statistics.median(spent for _, spent in of) / steps[name],
        }
        for name, of in times.items()
    }
    best = {
        kind: min((name for name in times if name.startswith(kind)), key=lambda n: figures[n]["us"])
        for kind in ("ganjax", "eager", "torch.compile")
    }
    print(f"{CELLS.value} cells x {SEEDS.value} seeds; microseconds a step of a run")
    for name, of in figures.items():
        print(f"{name:36} {of['us']:9.1f} wall {of['cpu_us']:9.1f} CPU")
    ratios = {}
    for kind in ("eager", "torch.compile"):
        pairs = zip(each[best[kind]], each[best["ganjax"]], strict=True)
        ratios[kind] = statistics.median(theirs / ours for theirs, ours in pairs)
        print(f"{best['ganjax']} over {best[kind]}: {ratios[kind]:.1f} times the throughput")
    count = PROCESS_STEPS.value
    process = statistics.median(separate_process(config, count) for _ in range(PROCESSES.value))
    seed = 1e-6 * figures[best["ganjax"]]["us"] * count
    print(
        f"a run of {count} steps: {seed:.3f} s as a seed more of the sweep, {process:.2f} s as a "
        f"process of its own, {process / seed:.0f} times as long"
    )
    if JSON.value:
        outcome = {"figures": figures, "ratios": ratios, "difference": apart}
        outcome |= {"seed_seconds": seed, "process_seconds": process, "process_steps": count}
        run_folder.write_json(Path(JSON.value), outcome)


if __name__ == "__main__":
    sys.exit(cli.run(main))
