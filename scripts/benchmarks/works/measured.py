"""The figures of a work: both libraries' times in turn, and the share of the matmul rate."""

import math
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import jax
from timing import with_cpu

from ganjax import cli
from works.work import Work, with_threads


def machine(torch: Any = None) -> dict[str, str]:
    """The properties of the machine that the figures depend on."""
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), cpu)
    found = {
        "device": jax.devices()[0].device_kind,
        "cpu": f"{cpu}, {cli.cores()} cores",
        "jax": jax.__version__,
    }
    if torch is not None:
        found |= {"torch": torch.__version__, "torch_mkl": str(torch.backends.mkl.is_available())}
    return found


def matmul_rate(rounds: int, dtype: str, size: int = 2048) -> float:
    """FLOP/s of a product of square matrices by XLA, the best of some calls."""
    a = jax.random.normal(jax.random.key(0), (size, size), dtype)
    product = jax.jit(lambda a: a @ a)
    taken = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        jax.block_until_ready(product(a))
        taken.append(time.perf_counter() - began)
    return 2 * size**3 / min(taken)


def measured(torch: Any, work: Work, rounds: int, matmul: int = 2048) -> dict[str, Any]:
    """Times of a work's calls by turns, and what follows from them.

    Args:
      torch: the module; None for a work without peers.
      work: its `ours` and `peers` are timed.
      rounds: measurements of each call.
      matmul: side of the matrices of the matmul rate.

    Returns:
      `figures`, {label: ms, cpu_ms, steps}; `ours`, the fastest; with peers `peer`, their fastest,
      and `ratio`, how many times faster than that ours is; with FLOPs `share` of the matmul rate.
    """
    peers, of = with_threads(torch, work.peers) if work.peers else ({}, {})
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
    outcome = {"figures": figures, "ours": ours, "goal": work.goal, "difference": work.difference}
    if peers:
        ratios = {
            label: statistics.median(a / b for a, b in zip(rates(ours), rates(label), strict=True))
            for label in peers
        }
        fastest = best(peers)
        outcome |= {"peer": fastest, "ratio": ratios[fastest], "ratios": ratios}
    if work.wrong:
        outcome["wrong"] = dict(work.wrong)
    if not math.isnan(work.flops):
        rate = matmul_rate(rounds, work.compute, matmul)
        share = work.flops / (figures[ours]["ms"] / 1e3) / rate
        outcome |= {"flops": work.flops, "matmul_rate": rate, "share": share}
    return outcome
