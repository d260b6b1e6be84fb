"""Collectives of a compiled program, counted in its text (optimised HLO).

Counts and bytes are those of one device and follow from the program alone: they hold on other
devices too, up to the number of messages that their compiler merges.
"""

import math
import re
from collections import Counter
from typing import NamedTuple

OPERATIONS = (
    "all-reduce",
    "all-gather",
    "reduce-scatter",
    "all-to-all",
    "collective-permute",
    "collective-broadcast",
)
BYTES = {"pred": 1, "bf16": 2} | {
    f"{kind}{bits}": bits // 8 for kind in "sufc" for bits in (8, 16, 32, 64, 128)
}

_COMPUTATION = re.compile(r"^(ENTRY )?%?([\w.-]+) \(.*\{$")
_RESULT = re.compile(r"= (.+?) ([a-z][\w-]*)\(")
_CALLED = re.compile(r"(?:to_apply|body|calls|true_computation|false_computation)=%?([\w.-]+)")
_BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
_ARRAY = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")


class Collective(NamedTuple):
    """Collectives of one name: how many, and the bytes of their results on one device."""

    count: int
    bytes: int


def counted(text: str) -> dict[str, Collective]:
    """The collectives of one run of a program, those of a loop's body once for every pass.

    A pair of `-start` and `-done` is one, of the size of its `-done`. All branches of a conditional
    are counted.

    Args:
      text: `jax.stages.Compiled.as_text()`.

    Returns:
      `Collective` by name, those of `OPERATIONS` that occur.

    Raises:
      ValueError: a loop with collectives in it does not say how often it runs.
    """
    entry, computations = _computations(text)
    totals = {}

    def total(name):
        if name not in totals:
            totals[name] = sum((_line(line) for line in computations[name]), Counter())
        return totals[name]

    def _line(line):
        match = _RESULT.search(line)
        if match is None:
            return Counter()
        shape, operation = match.groups()
        operation = operation.removesuffix("-done")
        if operation in OPERATIONS:
            return Counter({(operation, "count"): 1, (operation, "bytes"): size(shape)})
        called = _CALLED.findall(line)
        for names in _BRANCHES.findall(line):
            called += [name.strip().lstrip("%") for name in names.split(",")]
        inside = sum((total(name) for name in called), Counter())
        if operation != "while" or not inside:
            return inside
        trips = _TRIPS.search(line)
        if trips is None:
            raise ValueError(f"a loop with collectives does not say how often it runs: {line[:99]}")
        return Counter({key: int(trips[1]) * value for key, value in inside.items()})

    whole = total(entry)
    return {
        name: Collective(whole[name, "count"], whole[name, "bytes"])
        for name in OPERATIONS
        if (name, "count") in whole
    }


def _computations(text: str) -> tuple[str, dict[str, list[str]]]:
    """The entry's name, and the lines of every computation."""
    entry, name, computations = "", "", {}
    for line in text.splitlines():
        header = _COMPUTATION.match(line)
        if header:
            name = header[2]
            entry = name if header[1] else entry
            computations[name] = []
        elif name:
            computations[name].append(line)
    return entry, computations


def size(shape: str) -> int:
    """Bytes of a shape as HLO writes it, e.g. "(f32[8,2]{1,0}, s32[])"."""
    return sum(
        BYTES[kind] * math.prod(int(n) for n in dims.split(",") if n)
        for kind, dims in _ARRAY.findall(shape)
    )
