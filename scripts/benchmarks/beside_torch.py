"""Compares the throughput of ganjax and PyTorch on the same work, in turn in one run.

python scripts/benchmarks/beside_torch.py --work dcgan_32 --json results.json

Needs PyTorch (`pip install -e '.[benchmarks]'`). First both libraries must make the same step.
PyTorch runs with one thread and with one for every core, in every form that the work offers; its
fastest counts. Times are medians over alternating rounds, ratios medians of the ratios of rounds;
CPU time is that of all threads. Every work has its own process, as the remains of one slow the
next. The results file keeps the machine and one entry a work; later runs add to it.
"""

import importlib.util
import math
import multiprocessing
import platform
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from absl import flags

from ganjax import cli, run_folder
from ganjax.errors import ConfigError, MachineError, unknown

WORK = flags.DEFINE_multi_string("work", [], "Works to do; all if none is given.")
ROUNDS = flags.DEFINE_integer("rounds", 7, "Measurements of each call, in turn.", lower_bound=3)
JSON = cli.define_output("json", (".json",), "Also write the figures into this JSON file.")

SAME_STEP = 1e-4  # differences beyond this are another step, not rounding


def machine(torch) -> dict[str, str]:
    """The properties of the machine that the figures depend on."""
    import jax

    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), cpu)
    return {
        "device": jax.devices()[0].device_kind,
        "cpu": f"{cpu}, {cli.cores()} cores",
        "jax": jax.__version__,
        "torch": torch.__version__,
        "torch_mkl": str(torch.backends.mkl.is_available()),
    }


def matmul_rate(rounds: int, dtype: str) -> float:
    """FLOP/s of a matrix product of 2048 by XLA, the best of some calls."""
    import jax

    a = jax.random.normal(jax.random.key(0), (2048, 2048), dtype)
    product = jax.jit(lambda a: a @ a)
    taken = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        jax.block_until_ready(product(a))
        taken.append(time.perf_counter() - began)
    return 2 * 2048**3 / min(taken)


def measure(name: str, rounds: int) -> tuple[dict, dict]:
    """(machine, figures): builds a work, checks it, times it and prints its rows."""
    cli.use_all_cores()
    import torch
    from timing import with_cpu
    from works import WORKS
    from works.work import with_threads

    work = WORKS[name](torch, "cuda" if torch.cuda.is_available() else "cpu")
    print(f"{name}: same step to {work.difference:.1e}", file=sys.stderr, flush=True)
    if not work.difference < SAME_STEP:
        raise AssertionError(f"{name}: the two libraries do not make the same step")
    peers, of = with_threads(torch, work.peers)
    times = with_cpu({**work.ours, **peers}, rounds, tell=True)
    figures = {}
    for label, taken in times.items():
        steps = work.steps[label if label in work.ours else of[label]]
        wall, spent = (1e3 * statistics.median(t) / steps for t in zip(*taken, strict=True))
        figures[label] = {"ms": wall, "cpu_ms": spent, "steps": steps}

    def best(labels):
        return min(labels, key=lambda label: figures[label]["ms"])

    def rates(label):
        return [figures[label]["steps"] / wall for wall, _ in times[label]]

    ours = best(work.ours)
    ratios = {
        label: statistics.median(a / b for a, b in zip(rates(ours), rates(label), strict=True))
        for label in peers
    }
    outcome = {
        "figures": figures,
        "ours": ours,
        "peer": best(peers),
        "ratio": ratios[best(peers)],
        "ratios": ratios,
        "goal": work.goal,
        "difference": work.difference,
    }
    if not math.isnan(work.flops):
        rate = matmul_rate(rounds, work.compute)
        outcome |= {
            "flops": work.flops,
            "matmul_rate": rate,
            "share": work.flops / (figures[ours]["ms"] / 1e3) / rate,
        }
    for label, times in figures.items():
        over = f"{ratios[label]:6.2f}" if label in ratios else " " * 6
        print(f"  {label:44} {times['ms']:10.3f} ms {times['cpu_ms']:10.3f} CPU ms {over}")
    share = f", {outcome['share']:.0%} of the matmul rate" if "share" in outcome else ""
    ratio = f"{outcome['ratio']:.2f} times {outcome['peer']}"
    print(f"{name}: {ratio} (goal {work.goal}){share}", flush=True)
    return machine(torch), outcome


def show(works: dict[str, dict]) -> None:
    """Prints all works of the results as one Markdown table."""
    heads = (
        "work",
        "ganjax, ms a step (CPU)",
        "fastest of PyTorch",
        "ms (CPU)",
        "ganjax is faster by",
    )
    heads += ("goal", "GFLOP a step", "share of the matmul rate")
    print("\n| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")

    def ms(figures):
        return f"{figures['ms']:.4g} ({figures['cpu_ms']:.4g})"

    for name, of in works.items():
        ours, peer = (of["figures"][of[side]] for side in ("ours", "peer"))
        counted = ("-", "-")
        if "share" in of:
            counted = (f"{of['flops'] / 1e9:.4g}", f"{of['share']:.0%}")
        cells = (f"`{name}`", ms(ours), of["peer"], ms(peer), f"{of['ratio']:.2f}", of["goal"])
        print("| " + " | ".join(map(str, (*cells, *counted))) + " |")


def main() -> None:
    """Measures the requested works."""
    if not importlib.util.find_spec("torch"):
        raise MachineError(
            "this benchmark compares with PyTorch, which is not installed: "
            "pip install -e '.[benchmarks]'"
        )
    from works import WORKS

    for name in WORK.value:
        if name not in WORKS:
            raise ConfigError(unknown("work", name, WORKS))
    path = Path(JSON.value) if JSON.value else None
    outcome = run_folder.read_json(path) if path and path.exists() else {"works": {}}
    spawned = {"mp_context": multiprocessing.get_context("spawn"), "max_tasks_per_child": 1}
    with ProcessPoolExecutor(max_workers=1, **spawned) as alone:
        for name in WORK.value or WORKS:
            measured = alone.submit(measure, name, ROUNDS.value)
            outcome["machine"], outcome["works"][name] = measured.result()
            if path:
                run_folder.write_json(path, outcome)
    show(outcome["works"])


if __name__ == "__main__":
    sys.exit(cli.run(main))
