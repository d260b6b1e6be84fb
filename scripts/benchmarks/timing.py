"""Timing of alternatives in turn, so that a busy machine slows all of them alike."""

import statistics
import sys
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import jax


def with_cpu(
    calls: Mapping[Hashable, Callable[[], Any]], repetitions: int, *, tell: bool = False
) -> dict[Hashable, list[tuple[float, float]]]:
    """(wall, CPU) seconds of every call, waited for, one after the other.

    CPU time is that of all threads of this process. A first round is not counted.

    Args:
      calls: by name.
      repetitions: rounds that are counted.
      tell: whether to say on stderr how long first calls took, which may compile.
    """
    times = {name: [] for name in calls}
    for repetition in range(repetitions + 1):
        for name, call in calls.items():
            began, spent = time.perf_counter(), time.process_time()
            jax.block_until_ready(call())
            outcome = time.perf_counter() - began, time.process_time() - spent
            if repetition:
                times[name].append(outcome)
            elif tell:
                print(f"  {name}: first {outcome[0]:.1f} s", file=sys.stderr, flush=True)
    return times


def in_turn(
    calls: Mapping[Hashable, Callable[[], Any]], repetitions: int
) -> dict[Hashable, list[float]]:
    """Seconds of every call by the clock, as `with_cpu`."""
    return {name: [wall for wall, _ in of] for name, of in with_cpu(calls, repetitions).items()}


def ratio(times: list[float], first: list[float]) -> float:
    """The median ratio of calls that followed each other."""
    return statistics.median(b / a for a, b in zip(first, times, strict=True))
