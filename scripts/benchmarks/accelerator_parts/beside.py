"""Works of ganjax beside PyTorch in bfloat16, and their share of the matmul rate."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from works import images
from works.cycle import cycle, cycle_config
from works.measured import measured
from works.sngan import sngan, sngan_config
from works.work import SAME_STEP, reason

from accelerator_parts import Row, Settings, peer

FASTER, SHARE = 1.3, 0.2
# PyTorch's code in channels_last is compared with ours in float64, before its compiler gets it.
FORMS = {"channels_last": True, "torch.compile": False}


class Pair(NamedTuple):
    """A work that ganjax and PyTorch both run.

    Attributes:
      work: one of `works`.
      config: its config, by the same sizes.
      sizes: those of the measurement.
      tiny: those of a rehearsal.
      data: the kind of `works.noise`.
      steps: of PyTorch in a measurement.
    """

    work: Callable
    config: Callable
    sizes: dict[str, int]
    tiny: dict[str, int]
    data: str = "images"
    steps: int = 1


_PENALISED = {"kind": "r1_r2"}
PAIRS = {
    "dcgan_64": Pair(
        images.dcgan,
        images.dcgan_config,
        {"size": 64, "width": 128, "batch_size": 1_024},
        {"size": 8, "width": 4, "batch_size": 4},
    ),
    "r1_r2_64": Pair(
        partial(images.penalised, goal=(FASTER, FASTER), **_PENALISED),
        partial(images.penalised_config, **_PENALISED),
        {"size": 64, "width": 128, "batch_size": 1_024},
        {"size": 8, "width": 4, "batch_size": 4},
    ),
    "sngan_32": Pair(
        sngan,
        sngan_config,
        {"width": 256, "batch_size": 256},
        {"width": 2, "batch_size": 2},
    ),
    "cycle_128": Pair(
        cycle,
        cycle_config,
        {"size": 128, "width": 64, "blocks": 6},
        {"size": 24, "width": 2, "blocks": 1},
        "domains",
        3,
    ),
}


def rows(settings: Settings, name: str) -> Iterator[Row]:
    """The time of a step and its share of the matmul rate; each form of PyTorch beside it."""
    pair = PAIRS[name]
    sizes = pair.tiny if settings.tiny else pair.sizes
    data = {"name": f"works.noise:{pair.data}", "size": sizes.get("size", 32)}
    sections = {"compute": "bfloat16", "data": data}
    steps, rounds, matmul = (1, 1, 256) if settings.tiny else (pair.steps, 7, 8_192)
    torch, lacking = peer.torch, peer.lacking()
    alone = images.alone(pair.config(**sizes, **sections), steps, FASTER)
    found = measured(None, alone, rounds, matmul)
    yield Row(f"{name}: ganjax", found["figures"][found["ours"]]["ms"], "ms a step")
    yield Row(
        f"{name}: share of the bfloat16 matmul rate",
        found["share"],
        goal=f"{SHARE}",
        reached=found["share"] >= SHARE,
        note=f"{found['flops'] / 1e9:.4g} GFLOP a step, {found['matmul_rate'] / 1e12:.4g} TFLOP/s",
    )
    if lacking:
        yield Row(f"{name}: faster than PyTorch by", goal=f"{FASTER}", note=lacking)
        return
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    made = {"steps": steps, "forms": _forms(name, settings.tiny), "ours": alone, **sections}
    work = pair.work(torch, peer.device(), **sizes, **made)
    yield Row(
        f"{name}: PyTorch's step apart from ours, of the step",
        work.difference,
        goal=f"at most {SAME_STEP:.0e}",
        reached=work.difference <= SAME_STEP,
        note="eager, in float64",
    )
    wrong = dict(work.wrong)
    for form, call in work.peers.items():
        try:
            found = measured(torch, work._replace(peers={form: call}, flops=math.nan), rounds)
        except Exception as error:  # the other forms are still timed
            wrong[form] = reason(error)
            continue
        best, ratio = found["peer"], found["ratio"]
        yield Row(f"{name}: PyTorch, {best}", found["figures"][best]["ms"], "ms a step")
        reached = ratio >= FASTER
        yield Row(f"{name}: faster than {best} by", ratio, goal=f"{FASTER}", reached=reached)
    for form, why in wrong.items():
        yield Row(f"{name}: PyTorch, {form}", note=f"left out: {why}")


def _forms(name: str, tiny: bool) -> dict[str, bool]:
    """A rehearsal compiles one work by PyTorch, to see what becomes of its second derivatives."""
    return {"channels_last": True} if tiny and name != "r1_r2_64" else FORMS
