"""Works on the ring of 8 Gaussians: alternating play, unrolled play, many seeds at once.

Two hidden layers for both players, Adam; every step draws its points and its latents.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest import mock

import jax
import numpy as np

from ganjax import experiment, sweep
from ganjax.config import validate
from works import images
from works.work import Work, difference

CHECKED = 3  # steps that both libraries make first, so that Adam's moments differ from gradients
NO_EPS = 1e-16  # Adam's eps in the steps that are compared through Adam: too small to tell
SEEDS = 64


def ring_config(width: int, batch_size: int, z_dim: int, **sections: Any) -> dict[str, Any]:
    """The game on the ring; sections take the place of its own."""
    adam = {"name": "adam", "learning_rate": 1e-3, "b1": 0.5}
    mlp = {"name": "mlp", "width": width, "depth": 2}
    return {
        "batch_size": batch_size,
        "data": {"name": "ring", "modes": 8, "radius": 2.0, "std": 0.02},
        "game": {"name": "gan", "z_dim": z_dim},
        "generator": {**mlp, "activation": "relu"},
        "discriminator": {**mlp, "activation": "leaky_relu"},
        "loss": {"name": "non_saturating"},
        "scheme": {"name": "alternating"},
        "gen_tx": adam,
        "disc_tx": adam,
        **sections,
    }


def largest_difference(
    config: dict[str, Any],
    forms: Mapping[str, Callable[[dict], Callable]],
    latents: int,
    device: str,
) -> float:
    """The largest difference of a parameter after some steps from one start, of any form.

    Args:
      config: of `ring_config`.
      forms: {label: makes a step of PyTorch of {player: layers}}.
      latents: that a step takes.
      device: "cpu" or "cuda".
    """
    import torch

    from works import torch_rings

    shape = config["batch_size"], config["game"]["z_dim"]
    before, after, x, z = images.played(experiment.build(config), shape, CHECKED)
    start, ours = (
        [list(map(np.asarray, jax.tree.leaves(player))) for player in state.params]
        for state in (before, after)
    )
    found = []
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # in which libraries correct the bias of Adam's moments
    for label, make in forms.items():
        pairs = zip(("gen", "disc"), start, strict=True)
        own = {player: torch_rings.loaded(layers, device) for player, layers in pairs}
        step = make(own)
        for _ in range(CHECKED):
            step(*(torch.tensor(part, device=device) for part in (x, *[z] * latents)))
        theirs = [torch_rings.arrays(own[player]) for player in ("gen", "disc")]
        found.append(max(difference(*of) for of in zip(start, ours, theirs, strict=True)))
        print(f"  {label}: same step to {found[-1]:.1e}", file=sys.stderr, flush=True)
    torch.set_default_dtype(usual)
    return max(found)


def peers(
    sizes: tuple[int, int, int],
    forms: Mapping[str, Callable],
    latents: int,
    steps: int,
    device: str,
) -> dict[str, Callable[[], None]]:
    """PyTorch's calls of so many steps."""
    from works import torch_rings

    ring = torch_rings.Ring(*sizes)
    return {
        label: torch_rings.repeated(
            make(torch_rings.drawn(ring, device)), ring, latents, steps, device
        )
        for label, make in forms.items()
    }


def alternating_forms() -> dict[str, Callable]:
    """PyTorch's forms of alternating play."""
    from works import torch_rings

    return {
        "eager": partial(torch_rings.stock, compiled=False),
        "torch.compile, losses": partial(torch_rings.stock, compiled=True),
        "torch.compile, whole step": torch_rings.functional,
    }


def unrolled_forms(k: int) -> dict[str, Callable]:
    """PyTorch's forms of unrolled play, k steps ahead."""
    from works import torch_rings

    return {
        "create_graph": partial(torch_rings.unrolled_by_create_graph, k=k),
        "torch.func": partial(torch_rings.unrolled_by_func, k=k, compiled=False),
        "torch.compile, whole step": partial(torch_rings.unrolled_by_func, k=k, compiled=True),
    }


def _work(ours, config, sizes, forms, latents, steps, device, goal, count=1) -> Work:
    theirs = peers(sizes, forms, latents, steps, device)
    return Work(
        ours=ours,
        peers=theirs,
        steps=dict.fromkeys(ours, count * steps) | dict.fromkeys(theirs, steps),
        difference=largest_difference(config, forms, latents, device),
        goal=goal[device != "cpu"],
    )


def alternating(
    torch,
    device: str,
    *,
    width: int,
    batch_size: int,
    z_dim: int,
    goal: tuple[float, float],
    steps: int,
) -> Work:
    """A step of alternating play: the discriminator's update, then the generator's."""
    sizes = width, batch_size, z_dim
    config = ring_config(*sizes)
    ours = {"ganjax": images.chunk(config, steps)}
    return _work(ours, config, sizes, alternating_forms(), 2, steps, device, goal)


def unrolled(
    torch, device: str, *, width: int, batch_size: int, z_dim: int, k: int, steps: int
) -> Work:
    """The generator k steps ahead of the discriminator, through its Adam, then the discriminator.

    Without rematerialisation as well as with it.
    """
    from works import torch_rings

    sizes = width, batch_size, z_dim
    scheme = {"name": "unrolled", "unroll_steps": k, "order": "gen_first"}
    config = ring_config(*sizes, scheme=scheme)
    stored = ring_config(*sizes, scheme={**scheme, "remat": False})
    ours = {
        "ganjax": images.chunk(config, steps),
        "ganjax, all stored": images.chunk(stored, steps),
    }
    # Adam's first steps are signs, which the smallest error of a gradient near 0 reverses: compared
    # is the generator's gradient itself, through Adams whose eps is too small to show.
    checked = config | {"gen_tx": images.SGD, "disc_tx": config["disc_tx"] | {"eps": NO_EPS}}
    forms = unrolled_forms(k)
    descending = {name: partial(make, gen_rate=images.RATE) for name, make in forms.items()}
    with mock.patch.object(torch_rings, "EPS", NO_EPS):
        apart = largest_difference(checked, descending, 3, device)
    theirs = peers(sizes, forms, 3, steps, device)
    return Work(
        ours=ours,
        peers=theirs,
        steps=dict.fromkeys((*ours, *theirs), steps),
        difference=apart,
        goal=(2.5, 3.0)[device != "cpu"],
    )


def seeds(torch, device: str, *, width: int, batch_size: int, z_dim: int, steps: int) -> Work:
    """Steps of one of 64 parallel runs; PyTorch makes one after another."""
    sizes = width, batch_size, z_dim
    config = ring_config(*sizes)
    (program,) = sweep.programs({"ring": validate(config)})

    def call(how):
        made = sweep.runner(program, tuple(range(SEEDS)), how)
        return lambda: made.play(made.init(), 0, steps)

    ours = {f"ganjax, {how}": call(how) for how in sweep.MAPPINGS}
    given = config, sizes, alternating_forms(), 2, steps, device, (3.0, 100.0), SEEDS
    return _work(ours, *given)
