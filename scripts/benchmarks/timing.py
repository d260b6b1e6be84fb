"""Timing of alternatives in turn, so that a busy machine slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import jax


def in_turn(
    calls: Mapping[Hashable, Callable[[], Any]], repetitions: int
) -> dict[Hashable, list[float]]:
    """Seconds of every call, waited for, one after the other; a first round is not counted."""
    times = {name: [] for name in calls}
    for repetition in range(repetitions + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            jax.block_until_ready(call())
            if repetition:
                times[name].append(time.perf_counter() - began)
    return times


def ratio(times: list[float], first: list[float]) -> float:
    """The median ratio of calls that followed each other."""
    return statistics.median(b / a for a, b in zip(first, times, strict=True))
