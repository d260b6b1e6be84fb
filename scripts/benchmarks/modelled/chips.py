"""The time of a step on a pod from what each chip computes, moves and sends: plain arithmetic.

Numbers of chips are their vendors'; assumed ones are marked.
"""

import math
from typing import NamedTuple

MXU = (128, 128, 128)  # loading 128 x 128 numbers takes as long as 128 rows
MMA = (64, 16, 8)  # the smallest bfloat16 product of a warp group


class Chip(NamedTuple):
    """A chip and its links. Rates are a second; bytes/s out of a chip are one way, all links.

    Attributes:
      bfloat16: FLOP/s of dense products; `float32` those of float32 operands at JAX's default
        precision, which rounds them.
      vector: elementwise operations/s, lanes times clock.
      memory: bytes/s; `capacity` bytes.
      tile: rows, contracted numbers and columns that a matrix unit takes at a time.
      launch: least seconds of a kernel; assumed.
      axes: of the torus that joins a `group` of chips; 0 for a switch.
      link: bytes/s to the group; `hop` seconds to the next chip, assumed.
      outside: bytes/s to other groups; `far` seconds to another group, assumed.
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


# Google Cloud, "TPU v5e": 1 core of 1,024 lanes with 4 units, 1.5 GHz; "TPU v5p": 2 cores, 1.75
# GHz, no pod here is larger than its torus. NVIDIA, "H100 Tensor Core GPU" (SXM): TF32, 132
# multiprocessors of 128 lanes, 1.98 GHz, one InfiniBand port of 400 Gbit/s a GPU.
CHIPS = {
    "TPU v5e": Chip(
        *(197e12, 197e12, 6.1e12, 819e9, 16e9, MXU, 1e-6),
        *(2, 256, 400e9 / 2, 1e-6, 6.4e12 / 8 / 256, 10e-6),
    ),
    "TPU v5p": Chip(
        *(459e12, 459e12, 14e12, 2765e9, 95e9, MXU, 1e-6),
        *(3, 8960, 1200e9 / 2, 1e-6, math.nan, math.nan),
    ),
    "H100": Chip(
        *(989e12, 989e12 / 2, 33e12, 3350e9, 80e9, MMA, 2e-6),
        *(0, 8, 900e9 / 2, 1e-6, 400e9 / 8, 5e-6),
    ),
}


class Load(NamedTuple):
    """One chip's step: FLOPs in whole tiles, bytes of memory, elementwise operations, kernels.

    Attributes:
      averaged: bytes averaged over all chips.
      gathered: bytes of its own that every chip receives.
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
    """Seconds of a step's parts."""

    products: float
    memory: float
    elementwise: float
    launches: float
    sending: float
    waiting: float

    @property
    def chip(self) -> float:
        """One chip alone."""
        return max(self.products, self.memory, self.elementwise) + self.launches

    @property
    def most(self) -> float:
        """The step if a chip rests while it sends."""
        return self.chip + self.sending + self.waiting

    @property
    def least(self) -> float:
        """The step if all bytes are sent during the work; rounds are waited for."""
        return max(self.chip, self.sending) + self.waiting


def latency(chip: Chip, count: int) -> float:
    """Seconds of a small collective over a power of two of chips.

    Half around every axis of a torus near to a cube and back, or twice to a switch; between groups
    twice the logarithm of their number.
    """
    inside, power = min(count, chip.group), min(count, chip.group).bit_length() - 1
    if inside == 1:
        return 0.0
    sides = [2 ** ((power + axis) // chip.axes) for axis in range(chip.axes)]
    hops = sum(2 * (side // 2) for side in sides) if sides else 2
    outside = math.ceil(math.log2(_groups(chip, count)))
    return hops * chip.hop + (2 * outside * chip.far if outside else 0)


def averaging(chip: Chip, count: int, size: float) -> float:
    """Seconds to average bytes over chips, 2 (n - 1) / n of them on every link.

    Chips reduce-scatter within groups, average their shares over groups, and gather within groups.
    """
    inside, groups = min(count, chip.group), _groups(chip, count)
    seconds = 2 * (inside - 1) / inside * size / chip.link
    if groups > 1:
        seconds += 2 * (groups - 1) / groups * size / inside / chip.outside
    return seconds


def gathering(chip: Chip, count: int, size: float) -> float:
    """Seconds in which every chip receives the bytes of all others."""
    inside, groups = min(count, chip.group), _groups(chip, count)
    seconds = (inside - 1) * groups * size / chip.link
    return seconds + ((groups - 1) * size / chip.outside if groups > 1 else 0)


def _groups(chip: Chip, count: int) -> int:
    return -(-count // chip.group)


def spent(load: Load, chip: Chip, count: int, efficiency: float) -> Spent:
    """The parts of a step on `count` chips, a power of two, of which each has the load.

    Products in whole tiles run at `efficiency` of the peak.
    """
    peak = chip.bfloat16 if load.narrow else chip.float32
    return Spent(
        products=load.flops / (peak * efficiency),
        memory=load.bytes / chip.memory,
        elementwise=load.operations / chip.vector,
        launches=load.kernels * chip.launch,
        sending=averaging(chip, count, load.averaged) + gathering(chip, count, load.gathered),
        waiting=load.rounds * latency(chip, count),
    )
