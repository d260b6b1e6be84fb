"""What a step takes on a pod, worked out from what it computes, moves and tells: plain arithmetic.

A chip needs the longest of its products, its memory's traffic and its elementwise work, and what
launching costs; then what it tells the others. Data are the vendors'; what is assumed says so.
"""

import math
from typing import NamedTuple

MXU = (128, 128, 128)  # loading 128 x 128 numbers takes as long as passing 128 rows by them
MMA = (64, 16, 8)  # a warp group's smallest product of bfloat16


class Chip(NamedTuple):
    """A chip and how it is joined to others; bytes and operations are those of a second.

    Attributes:
      bfloat16: FLOP/s of products, dense.
      float32: the same of float32 operands at JAX's default precision, which rounds them.
      vector: elementwise operations, lanes times clock.
      memory: bytes.
      capacity: of its memory, bytes.
      tile: rows, contracted numbers and columns that its matrix units take at a time.
      launch: seconds that a kernel takes at least; assumed.
      axes: of the torus that joins a group; 0 for a switch.
      group: chips that are joined so.
      link: bytes out of a chip to its group, one way, all links together.
      hop: seconds from a chip to the next; assumed.
      outside: bytes out of a chip to other groups, one way.
      far: seconds from a group to another; assumed.
      source: whose data they are.
    """

    bfloat16: float
    float32: float
    vector: float
    memory: float
    capacity: float
    tile: tuple[int, int, int]
    launch: float
    axes: int
    group: int
    link: float
    hop: float
    outside: float
    far: float
    source: str


CHIPS = {
    "TPU v5e": Chip(
        bfloat16=197e12,
        float32=197e12,
        vector=6.1e12,  # 1 core, 1,024 lanes of 4 units, 1.5 GHz
        memory=819e9,
        capacity=16e9,
        tile=MXU,
        launch=1e-6,
        axes=2,
        group=256,
        link=400e9 / 2,
        hop=1e-6,
        outside=6.4e12 / 8 / 256,
        far=10e-6,
        source='Google Cloud, "TPU v5e"',
    ),
    "TPU v5p": Chip(
        bfloat16=459e12,
        float32=459e12,
        vector=14e12,  # 2 cores, 1.75 GHz
        memory=2765e9,
        capacity=95e9,
        tile=MXU,
        launch=1e-6,
        axes=3,
        group=8960,
        link=1200e9 / 2,
        hop=1e-6,
        outside=math.nan,  # no pod here is larger than a torus
        far=math.nan,
        source='Google Cloud, "TPU v5p"',
    ),
    "H100": Chip(
        bfloat16=989e12,
        float32=989e12 / 2,  # TF32
        vector=33e12,  # 132 multiprocessors, 128 lanes, 1.98 GHz
        memory=3350e9,
        capacity=80e9,
        tile=MMA,
        launch=2e-6,
        axes=0,
        group=8,
        link=900e9 / 2,
        hop=1e-6,
        outside=400e9 / 8,
        far=5e-6,
        source='NVIDIA, "H100 Tensor Core GPU" (SXM), one 400 Gbit/s InfiniBand port a GPU',
    ),
}


class Load(NamedTuple):
    """What one chip does in a step.

    Attributes:
      flops: of its products, in whole tiles.
      bytes: through its memory.
      operations: elementwise.
      kernels: launched one after another.
      averaged: bytes that are averaged over all chips.
      gathered: bytes of its own that every chip is to have.
      rounds: collectives of which each waits for the one before.
      narrow: whether products are of bfloat16, else of float32.
    """

    flops: float
    bytes: float
    operations: float
    kernels: int
    averaged: float = 0.0
    gathered: float = 0.0
    rounds: int = 0
    narrow: bool = True


class Spent(NamedTuple):
    """Seconds of a step's parts; see `spent`."""

    products: float
    memory: float
    elementwise: float
    launches: float
    telling: float
    waiting: float

    @property
    def chip(self) -> float:
        """Of one chip alone."""
        return max(self.products, self.memory, self.elementwise) + self.launches

    @property
    def most(self) -> float:
        """Of the step, if a chip rests while it tells."""
        return self.chip + self.telling + self.waiting

    @property
    def least(self) -> float:
        """Of the step, if all that is told is told beside the work; rounds are waited for."""
        return max(self.chip, self.telling) + self.waiting


def sides(count: int, axes: int) -> list[int]:
    """A torus of so many chips, a power of two, as near to a cube as it can be."""
    power = count.bit_length() - 1
    return [2 ** ((power + axis) // axes) for axis in range(axes)]


def latency(chip: Chip, count: int) -> float:
    """Seconds of a collective of little: half around every axis and back, twice to a switch.

    Between groups twice the logarithm of their number.
    """
    inside = min(count, chip.group)
    if inside == 1:
        return 0.0
    hops = sum(2 * (side // 2) for side in sides(inside, chip.axes)) if chip.axes else 2
    outside = math.ceil(math.log2(_groups(chip, count)))
    return hops * chip.hop + (2 * outside * chip.far if outside else 0)


def averaging(chip: Chip, count: int, size: float) -> float:
    """Seconds in which bytes are averaged over so many chips, 2 (n - 1) / n of them on every link.

    Within groups they are summed and dealt out, every chip averages its share with those of other
    groups, and the shares are gathered within groups.
    """
    inside, groups = min(count, chip.group), _groups(chip, count)
    seconds = 2 * (inside - 1) / inside * size / chip.link
    if groups > 1:
        seconds += 2 * (groups - 1) / groups * size / inside / chip.outside
    return seconds


def gathering(chip: Chip, count: int, size: float) -> float:
    """Seconds in which every chip gets the bytes of all others: those of its own rank, then all."""
    inside, groups = min(count, chip.group), _groups(chip, count)
    seconds = (inside - 1) * groups * size / chip.link
    return seconds + ((groups - 1) * size / chip.outside if groups > 1 else 0)


def _groups(chip: Chip, count: int) -> int:
    return -(-count // chip.group)


def spent(load: Load, chip: Chip, count: int, efficiency: float) -> Spent:
    """What the parts of a step take.

    Args:
      load: of every chip.
      chip: all of one kind.
      count: of chips, a power of two.
      efficiency: of products in whole tiles, of the peak.
    """
    peak = chip.bfloat16 if load.narrow else chip.float32
    return Spent(
        products=load.flops / (peak * efficiency),
        memory=load.bytes / chip.memory,
        elementwise=load.operations / chip.vector,
        launches=load.kernels * chip.launch,
        telling=averaging(chip, count, load.averaged) + gathering(chip, count, load.gathered),
        waiting=load.rounds * latency(chip, count),
    )
