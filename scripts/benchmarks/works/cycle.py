"""CycleGAN between two photographs; ganjax's side.

Play is simultaneous: as in the released code the discriminators see the samples that the generators
were judged by, in one pass, where alternating play would translate once more. While the pools fill,
as in the step that is compared, they show what is new.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from ganjax import experiment
from ganjax.types import GanState
from works import images
from works.work import Forms, Work

POOL = 50


def one_step(config: dict[str, Any]) -> tuple[GanState, GanState, list[np.ndarray]]:
    """As `images.one_step`, on a pair of images."""
    built = images.checkable(config, config["batch_size"])
    with jax.enable_x64(True):
        shape = (2, config["batch_size"], *built.data.shape)
        a, b = jax.random.uniform(jax.random.key(0), shape, minval=-1)
        before = images.started(built)
        after = images.stepped(built, before, {"a": a, "b": b})
    return before, after, [images.channels_first(x) for x in (a, b)]


def repeated(step: Callable, config: dict[str, Any], steps: int, device: str) -> Callable:
    """So many steps of PyTorch on random pairs."""
    from works import torch_translation

    test = experiment.build(config).data.test
    domains = [np.asarray(test[name]) for name in "ab"]
    return torch_translation.repeated(step, domains, config["batch_size"], steps, device)


def cycle_config(size: int, width: int, blocks: int, **sections: Any) -> dict[str, Any]:
    """A step with least squares, cycle weight 10, identity weight 5 and 70x70 patches, batch 1."""
    return {
        "batch_size": 1,
        "data": {"name": "photograph_domains", "size": size, "shrink": 1},
        "game": {"name": "cycle", "pool_size": POOL},
        "generator": {"name": "resnet", "width": width, "blocks": blocks, "idle_biases": False},
        "discriminator": {"name": "patch", "width": width, "layers": 3, "idle_biases": False},
        "loss": {"name": "least_squares", "a": 0.0, "b": 1.0, "c": 1.0},
        "scheme": {"name": "simultaneous"},
        "gen_tx": images.ADAM,
        "disc_tx": images.ADAM,
        **sections,
    }


def cycle(
    torch,
    device: str,
    *,
    size: int,
    width: int,
    blocks: int,
    steps: int,
    forms: Forms = images.FORMS,
    ours: Work | None = None,
    **sections: Any,
) -> Work:
    """A step of both players at once."""
    from works import torch_translation as theirs

    return images.work(
        torch,
        device,
        cycle_config(size, width, blocks, **sections),
        modules=lambda: (
            theirs.Pair({way: theirs.Translator(width, blocks) for way in ("ab", "ba")}),
            theirs.Pair({x: theirs.PatchGAN(width) for x in "ab"}),
        ),
        turns=partial(theirs.turns, pool_size=POOL),
        goal=(1.1, 1.2),
        steps=steps,
        checked=one_step,
        repeated=repeated,
        forms=forms,
        ours=ours,
    )
