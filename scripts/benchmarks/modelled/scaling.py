"""A work on 1 to 2,048 chips: what each of them does, what that takes, and where it stops."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from modelled import counted
from modelled.chips import Chip, Load, Spent, spent

COUNTS = (1, *(2**power for power in range(3, 12)))
SEEDS = 10_000
FREE = 0.9  # of a chip's memory, for what is counted here
STOP = 0.5  # below this efficiency it has stopped scaling


class Setting(NamedTuple):
    """How a work is spread.

    Attributes:
      name: of the work, a row of `counted.WORKS`.
      scaling: "strong", one batch for all chips, or "weak", one for each.
      batch: that batch.
      form: as in `ganjax.devices.Layout`, as are the next two.
      statistics: see there.
      shard_optimiser: see there.
      seeds: runs beside each other, each spread over its part of the chips.
    """

    name: str
    scaling: str
    batch: int
    form: str = "jit"
    statistics: str = "global"
    shard_optimiser: bool = False
    seeds: int = 1


class Point(NamedTuple):
    """A work on so many chips.

    Attributes:
      chips: how many.
      batch: images or seeds of a chip.
      spent: of a step.
      rate: images, or steps of seeds, in a second: (if nothing overlaps, if all does).
      efficiency: that over the rate of so many chips on their own: likewise.
      losses: seconds that a step takes longer than one chip's share of the work, by what for.
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
    """What one of so many chips does in a step of a work, `batch` images being its own."""
    step = counted.step(setting.name, batch)
    moved = step.bytes
    if setting.shard_optimiser:
        moved -= (1 - 1 / count) * counted.optimiser(setting.name)
    alone = Load(step.tiles[chip.tile], moved, step.operations, step.kernels)
    if count == 1:
        return alone
    told = counted.told(setting.name, counted.WORKS[setting.name].each, setting.statistics)
    share = batch / counted.WORKS[setting.name].each
    gathered, scattered = share * told.gathered, share * told.scattered
    if setting.form == "pmap":
        return alone._replace(
            averaged=told.averaged, gathered=gathered + scattered, rounds=told.rounds
        )
    # As compiled for a mesh: in float32 and not bfloat16, twice the rows forwards, once backwards.
    averaged = told.averaged + 2 * (2 * gathered + scattered)
    return alone._replace(averaged=averaged, rounds=told.rounds)


def points(setting: Setting, chip: Chip, efficiency: float) -> Iterator[Point]:
    """A work on every number of chips that its rows go round."""
    one = None
    room = largest(setting.name, chip)
    for count in COUNTS:
        parts = max(1, count // setting.seeds)  # of one run's chips
        batch = setting.batch if setting.scaling == "weak" else setting.batch // parts
        if not batch:
            return
        found = spent(load(setting, chip, parts, batch), chip, parts, efficiency)
        one = one or (found.chip, batch, found)
        yield _point(count, batch, found, one, fits=batch <= room)


def seed_points(chip: Chip, efficiency: float, seeds: int = SEEDS) -> Iterator[Point]:
    """The sweep on every number of chips; nothing is told while it plays."""
    one = None
    for count in COUNTS:
        own = -(-seeds // count)
        found = spent(seeds_load(chip, own), chip, 1, efficiency)
        one = one or (found.chip, own, found)
        yield _point(count, seeds / count, found, one)


def seeds_load(chip: Chip, seeds: int) -> Load:
    """What a chip does in a step of so many runs side by side."""
    step, _ = counted.seed()
    work = (seeds * of for of in (step.tiles[chip.tile], step.bytes, step.operations))
    return Load(*work, kernels=step.kernels, narrow=False)


def _point(count: int, batch: float, found: Spent, one: tuple, fits: bool = True) -> Point:
    alone, whole, first = one
    fair = batch / whole
    busiest = max(("products", "memory", "elementwise"), key=lambda part: getattr(found, part))
    work = [max(of.products, of.memory, of.elementwise) for of in (found, first)]
    losses = {
        busiest: work[0] - fair * work[1],
        "launches": found.launches - fair * first.launches,
        "telling": found.telling,
        "waiting": found.waiting,
    }
    taken = found.most, found.least
    return Point(
        chips=count,
        batch=math.ceil(batch),
        spent=found,
        rate=tuple(count * batch / seconds for seconds in taken),
        efficiency=tuple(fair * alone / seconds for seconds in taken),
        losses=losses,
        fits=fits,
    )


def largest(name: str, chip: Chip, sharded_over: int = 1) -> int:
    """The largest batch of a chip whose state, gradients and kept values fit into its memory."""
    memory = counted.memory(name)
    fixed = memory.params + memory.gradients + memory.moments / sharded_over
    return max(0, int((FREE * chip.capacity - fixed) // memory.kept))


def crossing(of: Sequence[Point], which: int) -> float | None:
    """The number of chips at which the efficiency is `STOP`, on a line between points, log-log.

    Args:
      of: a work on rising numbers of chips.
      which: 0 if nothing overlaps, 1 if all does.

    Returns:
      None if it does not fall so far.
    """
    for before, after in pairwise(of):
        high, low = (math.log(point.efficiency[which] / STOP) for point in (before, after))
        if low < 0:
            return before.chips * (after.chips / before.chips) ** (high / (high - low))
    return None


def stop(of: Sequence[Point]) -> Point:
    """The first point below `STOP` if nothing overlaps, or the last of all."""
    return next((point for point in of if point.efficiency[0] < STOP), of[-1])
