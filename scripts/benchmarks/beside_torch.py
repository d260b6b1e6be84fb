"""Compares the throughput of ganjax and PyTorch on the same work, in turn in one run.

python scripts/benchmarks/beside_torch.py --work dcgan_32 --json results.json

Needs PyTorch (`pip install -e '.[benchmarks]'`). First both libraries must make the same step.
PyTorch runs with one thread and with one for every core, in every form that the work offers; its
fastest counts. Times are medians over alternating rounds, ratios medians of the ratios of rounds;
CPU time is that of all threads. Every work has its own process, as the remains of one slow the
next. The results file keeps the machine and one entry a work; later runs add to it.
"""

import importlib.util
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from absl import flags

from ganjax import cli, run_folder
from ganjax.errors import ConfigError, MachineError, unknown

WORK = flags.DEFINE_multi_string("work", [], "Works to do; all if none is given.")
ROUNDS = flags.DEFINE_integer("rounds", 7, "Measurements of each call, in turn.", lower_bound=3)
JSON = cli.define_output("json", (".json",), "Also write the figures into this JSON file.")


def measure(name: str, rounds: int) -> tuple[dict, dict]:
    """(machine, figures): builds a work, checks it, times it and prints its rows."""
    cli.use_all_cores()
    import torch
    from works import WORKS
    from works.measured import machine, measured
    from works.work import SAME_STEP

    work = WORKS[name](torch, "cuda" if torch.cuda.is_available() else "cpu")
    print(f"{name}: same step to {work.difference:.1e}", file=sys.stderr, flush=True)
    if not work.difference < SAME_STEP:
        raise AssertionError(f"{name}: the two libraries do not make the same step")
    for form, reason in work.wrong.items():
        print(f"{name}: {form} is left out: {reason}", file=sys.stderr, flush=True)
    outcome = measured(torch, work, rounds)
    ratios = outcome["ratios"]
    for label, times in outcome["figures"].items():
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
