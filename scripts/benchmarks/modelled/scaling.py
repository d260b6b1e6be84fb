"""A work on 1 to 2,048 chips: load of each chip, time of a step, and where scaling stops."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from modelled import counted
from modelled.chips import Chip, Load, Spent, spent

COUNTS = (1, *(2**power for power in range(3, 12)))
SEEDS = 10_000
FREE = 0.9  # of a chip's memory
STOP = 0.5  # the efficiency below which scaling has stopped


class Setting(NamedTuple):
    """A work of `counted.WORKS` spread over chips.

    Attributes:
      scaling: "strong", one batch for all chips, or "weak", one for each.
      batch: that batch.
      form, statistics, shard_optimiser: as in `ganjax.devices.Layout`.
      seeds: parallel runs, each on its part of the chips.
    """

    name: str
    scaling: str
    batch: int
    form: str = "jit"
    statistics: str = "global"
    shard_optimiser: bool = False
    seeds: int = 1


class Point(NamedTuple):
    """A work on a number of chips.

    Attributes:
      batch: images or seeds of a chip.
      spent: parts of a step.
      rate: images, or steps of seeds, a second: (without overlap, with full overlap).
      efficiency: the rate over that of as many chips on their own: likewise.
      losses: seconds beyond one chip's share of the work, by part.
      fits: whether the batch fits into the memory.
    """

    chips: int
    batch: int
    spent: Spent
    rate: tuple[float, float]
    efficiency: tuple[float, float]
    losses: dict[str, float]
    fits: bool = True


def load(setting: Setting, chip: Chip, count: int, batch: int) -> Load:
    """The load of one of `count` chips with `batch` images of its own."""
    step = counted.step(setting.name, batch)
    moved = step.bytes
    if setting.shard_optimiser:
        moved -= (1 - 1 / count) * counted.optimiser(setting.name)
    alone = Load(step.tiles[chip.tile], moved, step.operations, step.kernels)
    if count == 1:
        return alone
    each = counted.WORKS[setting.name].each
    sent = counted.sent(setting.name, each, setting.statistics)
    gathered, scattered = batch / each * sent.gathered, batch / each * sent.scattered
    if setting.form == "pmap":
        gathered, averaged = gathered + scattered, sent.averaged
    else:  # As compiled for a mesh: in float32, not bfloat16, twice the rows forwards, once back.
        gathered, averaged = 0.0, sent.averaged + 2 * (2 * gathered + scattered)
    return alone._replace(averaged=averaged, gathered=gathered, rounds=sent.rounds)


def points(setting: Setting, chip: Chip, efficiency: float) -> Iterator[Point]:
    """A work on every number of chips that its rows suffice for."""
    one, room = None, largest(setting.name, chip)
    for count in COUNTS:
        parts = max(1, count // setting.seeds)  # chips of one run
        batch = setting.batch if setting.scaling == "weak" else setting.batch // parts
        if not batch:
            return
        found = spent(load(setting, chip, parts, batch), chip, parts, efficiency)
        one = one or (batch, found)
        yield _point(count, batch, found, one, fits=batch <= room)


def seed_points(chip: Chip, efficiency: float, seeds: int = SEEDS) -> Iterator[Point]:
    """The sweep on every number of chips; its runs send nothing."""
    one = None
    for count in COUNTS:
        own = -(-seeds // count)
        found = spent(seeds_load(chip, own), chip, 1, efficiency)
        one = one or (own, found)
        yield _point(count, seeds / count, found, one)


def seeds_load(chip: Chip, seeds: int) -> Load:
    """The load of a chip that runs so many seeds side by side."""
    step, _ = counted.seed()
    work = (seeds * each for each in (step.tiles[chip.tile], step.bytes, step.operations))
    return Load(*work, kernels=step.kernels, narrow=False)


def _point(count: int, batch: float, found: Spent, one: tuple, fits: bool = True) -> Point:
    whole, first = one
    fair = batch / whole
    busiest = max(("products", "memory", "elementwise"), key=lambda part: getattr(found, part))
    losses = {
        busiest: found.chip - found.launches - fair * (first.chip - first.launches),
        "launches": found.launches - fair * first.launches,
        "sending": found.sending,
        "waiting": found.waiting,
    }
    taken = found.most, found.least
    rate = tuple(count * batch / seconds for seconds in taken)
    efficiency = tuple(fair * first.chip / seconds for seconds in taken)
    return Point(count, math.ceil(batch), found, rate, efficiency, losses, fits)


def largest(name: str, chip: Chip, sharded_over: int = 1) -> int:
    """The largest batch whose state, gradients and kept values fit into a chip's memory."""
    memory = counted.memory(name)
    fixed = memory.params + memory.gradients + memory.moments / sharded_over
    return max(0, int((FREE * chip.capacity - fixed) // memory.kept))


def crossing(found: Sequence[Point], which: int) -> float | None:
    """The number of chips at which the efficiency is `STOP`, log-log between points, or None.

    `which` is 0 without overlap and 1 with full overlap.
    """
    for before, after in pairwise(found):
        high, low = (math.log(point.efficiency[which] / STOP) for point in (before, after))
        if low < 0:
            return before.chips * (after.chips / before.chips) ** (high / (high - low))
    return None


def stop(found: Sequence[Point]) -> Point:
    """The first point below `STOP` without overlap, or the last one."""
    return next((point for point in found if point.efficiency[0] < STOP), found[-1])
