"""What a work is: the same steps by ganjax and by PyTorch, shown to be equal before any timing."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ganjax import cli

SAME_STEP = 1e-4  # differences beyond this are another step, not rounding

Forms = Mapping[str, bool]  # {form of PyTorch: whether its step is compared}


class Work(NamedTuple):
    """One row of the table.

    Attributes:
      ours: {label: call}, each making so many steps and waiting for them; the fastest counts.
      peers: the same by PyTorch, each once for every number of threads that is tried.
      steps: {label: steps of one call}, of `ours` and of `peers`, summed over runs side by side.
      difference: the largest difference of a parameter, relative to its layer's largest change,
        after the same step from the same start, of every peer from ours.
      goal: the ratio of throughputs to reach on the device at hand.
      flops: ideal FLOPs of a step, for the share of the matmul rate; nan where not counted.
      compute: dtype of the products, "float32" or "bfloat16".
      wrong: {form of PyTorch: reason} of forms that are left out: they fail, or make another step.
    """

    ours: Mapping[str, Callable[[], Any]]
    peers: Mapping[str, Callable[[], Any]]
    steps: Mapping[str, int]
    difference: float
    goal: float
    flops: float = math.nan
    compute: str = "float32"
    wrong: Mapping[str, str] = MappingProxyType({})


def difference(start: list[np.ndarray], ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """The largest difference of two moves, over the largest change of the same array.

    Args:
      start: the arrays before.
      ours: after one step.
      theirs: after the same step by the other library.
    """
    found = []
    for before, a, b in zip(start, ours, theirs, strict=True):
        apart, moved = np.abs(a - b).max(), np.abs(a - before).max()
        found.append(apart / moved if moved else apart)
    return float(max(found))


def reason(error: Exception) -> str:
    """An error as a note of the table."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def with_threads(
    torch, peers: Mapping[str, Callable]
) -> tuple[dict[str, Callable], dict[str, str]]:
    """Every peer once for every number of threads, and whose call it is; on a GPU as they are."""
    if torch.cuda.is_available():
        return dict(peers), {label: label for label in peers}

    def call(peer, threads):
        torch.set_num_threads(threads)
        return peer()

    calls, of = {}, {}
    for label, peer in peers.items():
        for threads in sorted({1, cli.cores()}):
            calls[f"{label}, {threads} threads"] = partial(call, peer, threads)
            of[f"{label}, {threads} threads"] = label
    return calls, of
