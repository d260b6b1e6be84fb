"""Image works by DCGAN's networks: plain steps, WGAN-GP's critic, steps with R1; ganjax's side.

Crops of photographs that live on the device; every step draws its batch and its latents.
"""

import math
from collections.abc import Callable, Collection
from functools import partial
from typing import Any
from unittest import mock

import counting
import jax
import jax.numpy as jnp
import numpy as np

from ganjax import experiment, train
from ganjax.schemes.field import move, own_gradient, start, summary
from ganjax.types import Game, GanState, Players, Scheme
from works.work import SAME_STEP, Forms, Work, difference, reason

RATE, Z, SHARE = 1e-2, 64, 0.3
# Steps of ours in a call, for one of PyTorch's: training has 100 in a program, and every call takes
# its memory anew, which costs a fifth of DCGAN's step at 64 pixels if a call has three.
LONGER = 5
CHECKED = 4  # examples of the step that both libraries make first
FORMS = {"eager": True, "channels_last": True, "torch.compile": True}
COMPILED = ("torch.compile",)  # forms that need a C compiler or Triton, which a machine may lack
ADAM = {"name": "adam", "learning_rate": 2e-4, "b1": 0.5}
SGD = {"name": "sgd", "learning_rate": RATE}


def critic_alone(game: Game, tx: Players, *, axis_name: str | None = None) -> Scheme:
    """Updates of the discriminator, the generator at rest."""

    def step(state, batch, rng):
        given = (state.params, state.model_state, batch, rng, axis_name)
        gradient, loss = own_gradient(game, "disc", *given)
        state = move(tx, "disc", state, gradient, loss)
        both = Players(gen=jnp.zeros(()), disc=gradient)
        losses = Players(gen=loss._replace(value=jnp.zeros(())), disc=loss)
        told = summary(both, losses, gen_evaluations=0, disc_evaluations=1)
        return state._replace(step=state.step + 1), told

    return Scheme(init=partial(start, game, tx), step=step)


def dcgan_config(size: int, width: int, batch_size: int, **sections: Any) -> dict[str, Any]:
    """DCGAN in alternating play by Adam; sections take the place of its own."""
    return {
        "batch_size": batch_size,
        "data": {"name": "photograph_crops", "size": size},
        "game": {"name": "gan", "z_dim": Z},
        "generator": {"name": "dcgan", "width": width},
        "discriminator": {"name": "dcgan", "width": width},
        "loss": {"name": "non_saturating"},
        "scheme": {"name": "alternating"},
        "gen_tx": ADAM,
        "disc_tx": ADAM,
        **sections,
    }


def chunk(config: dict[str, Any], steps: int) -> Callable[[], Any]:
    """So many steps of a config, as training plays them; every call goes on with the state."""
    built = experiment.build(config)
    return continued(built, train.compiled_chunk(built, steps))


def continued(built: experiment.Experiment, run: Callable) -> Callable[[], Any]:
    """Calls of an experiment's `train.compiled_chunk`, from its initial state on."""
    held = [jax.jit(partial(experiment.initial_state, built))(jax.random.key(0))]

    def call():
        held[0], told = run(held[0], built.train, jax.random.key(1), jnp.int32(0))
        return told

    return call


def checkable(config: dict[str, Any], batch_size: int) -> experiment.Experiment:
    """The experiment of a config with SGD, on small batches."""
    return experiment.build(config | {"gen_tx": SGD, "disc_tx": SGD, "batch_size": batch_size})


def started(built: experiment.Experiment) -> GanState:
    """The state before the first step, in float64; to be called where that is enabled."""
    state = jax.jit(partial(experiment.initial_state, built))(jax.random.key(0))
    floating = jnp.inexact
    return jax.tree.map(
        lambda x: x.astype(jnp.float64) if jnp.issubdtype(x.dtype, floating) else x, state
    )


def stepped(
    built: experiment.Experiment, state: GanState, batch: dict[str, jax.Array], steps: int = 1
) -> GanState:
    """The state after so many steps on one batch."""
    step = jax.jit(built.scheme.step)
    for _ in range(steps):
        state, _ = step(state, batch, jax.random.key(0))
    return state


def played(
    built: experiment.Experiment, shape: tuple[int, int], steps: int = 1
) -> tuple[GanState, GanState, np.ndarray, np.ndarray]:
    """(state before, after some steps, the examples and the latents of every step), in float64.

    Latents, of the shape given, are one draw for all losses, and points between data and samples
    lie at `SHARE`. In float32 a rounding error that carries one of a million units over its kink
    changes gradients by 1e-3, in either library.
    """
    rng_x, rng_z = jax.random.split(jax.random.key(0))
    with jax.enable_x64(True):
        x = jax.random.uniform(rng_x, (shape[0], *built.data.shape), minval=-1)
        z = jax.random.normal(rng_z, shape)
        before = started(built)
        shared = mock.Mock(side_effect=lambda rng, shape, *_, **__: jnp.full(shape, SHARE))
        with (
            mock.patch("jax.random.normal", return_value=z),
            mock.patch("jax.random.uniform", shared),
        ):
            after = stepped(built, before, {"x": x}, steps)
    return before, after, np.asarray(x), np.asarray(z)


def one_step(config: dict[str, Any]) -> tuple[GanState, GanState, list[np.ndarray]]:
    """(state before, after a step with SGD, what PyTorch's step is given); see `played`."""
    shape = CHECKED, config["game"]["z_dim"]
    before, after, x, z = played(checkable(config, CHECKED), shape)
    return before, after, [channels_first(x), z, z]


def channels_first(x: jax.Array) -> np.ndarray:
    """Images [n, h, w, channel] as [n, channel, h, w]."""
    return np.asarray(x).transpose(0, 3, 1, 2).copy()


def repeated(step: Callable, config: dict[str, Any], steps: int, device: str) -> Callable:
    """So many steps of PyTorch on random images and latents."""
    from works import torch_images

    images = np.asarray(experiment.build(config).data.test["x"])
    size, z_dim = config["batch_size"], config["game"]["z_dim"]
    return torch_images.repeated(step, images, size, z_dim, steps, device)


def ideal_flops(config: dict[str, Any]) -> float:
    """FLOPs of the products of a step as they are defined, however convolutions are computed."""
    built = experiment.build(config)
    rng = jax.random.key(0)
    batch = jax.eval_shape(built.batch, built.train, rng)
    with mock.patch("jax.default_backend", return_value="tpu"):  # XLA's own convolutions
        return counting.flops(built.scheme.step, experiment.template(built), batch, rng)


def alone(config: dict[str, Any], steps: int, goal: float) -> Work:
    """The work of a config by ganjax alone; see `work`."""
    return Work(
        ours={"ganjax": chunk(config, LONGER * steps)},
        peers={},
        steps={"ganjax": LONGER * steps},
        difference=math.nan,
        goal=goal,
        flops=ideal_flops(config),
        compute=config.get("compute", "float32"),
    )


def work(
    torch,
    device: str,
    config: dict[str, Any],
    *,
    modules: Callable[[], tuple],
    turns: Callable[..., Callable],
    goal: tuple[float, float],
    steps: int,
    forms: Forms = FORMS,
    ours: Work | None = None,
    doubtful: Collection[str] = (),
    checked: Callable = one_step,
    repeated: Callable = repeated,
) -> Work:
    """The work of a config.

    Args:
      torch: the module.
      device: "cpu" or "cuda".
      config: of `experiment`; both players' optimisers are one and the same Adam. With
        `compute="bfloat16"` both libraries' products are; what is checked is float64 all the same.
      modules: makes PyTorch's (generator, discriminator).
      turns: `(gen, disc, *, optimiser, form, device, compute, share) -> step`, as
        `torch_images.turns`.
      goal: on two CPU cores and on one GPU.
      steps: of a measurement of PyTorch's.
      forms: of PyTorch.
      ours: the work by ganjax alone, where it is at hand.
      doubtful: those forms that are left out, with the reason, if they make another step; forms of
        `COMPILED` are left out if they fail.
      checked: `config -> (state before, after a step, what PyTorch's step is given)`.
      repeated: `(step, config, steps, device) -> call` of PyTorch's.
    """
    from works import torch_images

    compute = config.get("compute", "float32")
    before, after, given = checked({**config, "compute": "float32"})
    tx = config["gen_tx"]
    rates = {"lr": tx["learning_rate"], "betas": (tx["b1"], tx.get("b2", 0.999))}
    sgd, adam = partial(torch.optim.SGD, lr=RATE), partial(torch.optim.Adam, foreach=True, **rates)

    def apart(form):
        """The difference of a form's step from ours."""
        made = modules()
        for module, params, held in zip(made, before.params, before.model_state, strict=True):
            torch_images.load(module.double(), params, held)
        step = turns(*made, optimiser=sgd, form=form, device=device, share=SHARE)
        step(*(torch.tensor(part, device=device) for part in given))
        torch.compiler.reset()  # or the next batch size would be compiled for any size
        found = []
        for module, old, new in zip(made, before.params, after.params, strict=True):
            pair = (list(map(np.asarray, jax.tree.leaves(tree))) for tree in (old, new))
            found.append(difference(*pair, torch_images.arrays(module)))
        return max(found)

    peers, differences, wrong = {}, [], {}
    for form, compared in forms.items():
        try:
            found = apart(form) if compared or form in doubtful else 0.0
            if form in doubtful and not found <= SAME_STEP:
                wrong[form] = f"another gradient: {found:.1e} of the step apart"
                continue
            step = turns(*modules(), optimiser=adam, form=form, device=device, compute=compute)
            peer = repeated(step, config, steps, device)
        except Exception as error:  # of a compiler, which has many
            if form not in COMPILED:
                raise
            wrong[form] = reason(error)
            continue
        if compared and form not in doubtful:
            differences.append(found)
        peers[form] = peer
    ours = ours or alone(config, steps, goal[device != "cpu"])
    return ours._replace(
        peers=peers,
        steps=ours.steps | dict.fromkeys(peers, steps),
        difference=max(differences),
        wrong=wrong,
    )


def dcgan(
    torch,
    device: str,
    *,
    size: int,
    width: int,
    batch_size: int,
    steps: int,
    gpu_batch_size: int | None = None,
    forms: Forms = FORMS,
    ours: Work | None = None,
    **sections: Any,
) -> Work:
    """A step of DCGAN in alternating play: the discriminator's update, then the generator's."""
    from works import torch_images as theirs

    if device != "cpu" and gpu_batch_size:
        batch_size = gpu_batch_size
    return work(
        torch,
        device,
        dcgan_config(size, width, batch_size, **sections),
        modules=lambda: (
            theirs.Generator(Z, size, width),
            theirs.Discriminator(size, width),
        ),
        turns=theirs.turns,
        goal=(1.2, 1.3),
        steps=steps,
        forms=forms,
        ours=ours,
    )


def penalised_config(
    size: int, width: int, batch_size: int, *, kind: str, **sections: Any
) -> dict[str, Any]:
    """As `dcgan_config`, with WGAN-GP's critic alone ("wgan_gp"), R1 ("r1") or both ("r1_r2")."""
    critic = kind == "wgan_gp"
    penalties = ("wgan_gp",) if critic else kind.split("_")
    return dcgan_config(
        size,
        width,
        batch_size,
        **{
            "discriminator": {"name": "dcgan", "width": width, "norm": "none"},
            "penalties": {name: {"name": name} for name in penalties},
            "loss": {"name": "wasserstein" if critic else "non_saturating"},
            "scheme": {"name": "works.images:critic_alone" if critic else "alternating"},
            **sections,
        },
    )


def penalised(
    torch,
    device: str,
    *,
    kind: str,
    goal: tuple[float, float],
    steps: int,
    size: int = 32,
    width: int = 64,
    batch_size: int = 64,
    forms: Forms = FORMS,
    ours: Work | None = None,
    **sections: Any,
) -> Work:
    """The work of `penalised_config`; no norm."""
    from works import torch_images as theirs

    losses = {
        "wgan_gp": (theirs.wgan_gp, None),
        "r1": (theirs.r1, theirs.non_saturating_gen),
        "r1_r2": (theirs.r1_r2, theirs.non_saturating_gen),
    }
    disc_loss, gen_loss = losses[kind]
    return work(
        torch,
        device,
        penalised_config(size, width, batch_size, kind=kind, **sections),
        modules=lambda: (
            theirs.Generator(Z, size, width),
            theirs.Discriminator(size, width, norm=False),
        ),
        turns=partial(theirs.turns, disc_loss=disc_loss, gen_loss=gen_loss),
        goal=goal,
        steps=steps,
        forms=forms,
        ours=ours,
        # A compiler fails at second derivatives, or drops them silently (PyTorch's issue 181581).
        doubtful=COMPILED,
    )
