"""PyTorch's side of the works on rings: MLPs as lists of tensors, weights and biases in turn.

A form `(own) -> step` changes the tensors of `own`, {"gen": layers, "disc": layers}, in place in
`step(x, *latents)`.
"""

import itertools
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import leaky_relu, linear, relu, softplus

from works.torch_images import called

RATE, B1, B2, EPS = 1e-3, 0.5, 0.999, 1e-8
TINY = 1e-36  # second moments below have no derivative; see `ganjax.schemes.unrolled`
Layers = list[torch.Tensor]


class Ring(NamedTuple):
    """Sizes of a game on the ring of 8 Gaussians; `width` of both hidden layers of both players."""

    width: int
    batch: int
    z_dim: int


def drawn(ring: Ring, device: str) -> dict[str, Layers]:
    """Layers as `nn.Linear` draws them."""

    def layers(inputs, outputs):
        sizes = itertools.pairwise([inputs, ring.width, ring.width, outputs])
        return [p.data.to(device) for size in sizes for p in nn.Linear(*size).parameters()]

    return {"gen": layers(ring.z_dim, 2), "disc": layers(2, 1)}


def loaded(layers: list[np.ndarray], device: str) -> Layers:
    """Layers of Flax's, its bias and its kernel in turn."""
    pairs = zip(layers[1::2], layers[::2], strict=True)
    return [
        torch.tensor(part, device=device) for kernel, bias in pairs for part in (kernel.T, bias)
    ]


def arrays(layers: Layers) -> list[np.ndarray]:
    """Layers as Flax has them."""
    found = [part.detach().cpu().numpy() for part in layers]
    pairs = zip(found[::2], found[1::2], strict=True)
    return [part.copy() for weight, bias in pairs for part in (bias, weight.T)]


def mlp(layers: Layers, x: torch.Tensor, activation: Callable) -> torch.Tensor:
    """Layers with an activation between them."""
    *hidden, last = zip(layers[::2], layers[1::2], strict=True)
    for weight, bias in hidden:
        x = activation(linear(x, weight, bias))
    return linear(x, *last)


def judge(disc: Layers, x: torch.Tensor) -> torch.Tensor:
    """Logits of points [batch, 2]."""
    return mlp(disc, x, partial(leaky_relu, negative_slope=0.2))


def disc_loss(disc: Layers, gen: Layers, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """-E log D(x) - E log(1 - D(G(z)))."""
    return softplus(-judge(disc, x)).mean() + softplus(judge(disc, mlp(gen, z, relu))).mean()


def gen_loss(gen: Layers, disc: Layers, z: torch.Tensor) -> torch.Tensor:
    """-E log D(G(z))."""
    return softplus(-judge(disc, mlp(gen, z, relu))).mean()


def repeated(
    step: Callable, ring: Ring, latents: int, steps: int, device: str
) -> Callable[[], None]:
    """`() -> None`: so many steps on fresh points and latents, waited for."""
    angles = torch.arange(8, device=device) * (2 * torch.pi / 8)
    centres = 2 * torch.stack([angles.cos(), angles.sin()], 1)

    def draw():
        modes = torch.randint(8, (ring.batch,), device=device)
        x = centres[modes] + 0.02 * torch.randn(ring.batch, 2, device=device)
        return x, *(torch.randn(ring.batch, ring.z_dim, device=device) for _ in range(latents))

    return called(step, draw, steps, device)


def stock_adam(layers: Layers) -> torch.optim.Optimizer:
    """PyTorch's own Adam, which sets `requires_grad`."""
    layers = [part.requires_grad_() for part in layers]
    return torch.optim.Adam(layers, lr=RATE, betas=(B1, B2), eps=EPS, foreach=True)


def stock(own: dict[str, Layers], compiled: bool) -> Callable[..., None]:
    """`(x, z_disc, z_gen)`: `backward` and `torch.optim.Adam`, the losses compiled or not."""
    txs = {player: stock_adam(layers) for player, layers in own.items()}
    of_disc, of_gen = disc_loss, gen_loss
    if compiled:
        of_disc, of_gen = torch.compile(disc_loss), torch.compile(gen_loss)

    def step(x, z_disc, z_gen):
        txs["disc"].zero_grad()
        of_disc(own["disc"], own["gen"], x, z_disc).backward(inputs=own["disc"])
        txs["disc"].step()
        txs["gen"].zero_grad()
        of_gen(own["gen"], own["disc"], z_gen).backward(inputs=own["gen"])
        txs["gen"].step()

    return step


def whole_compiled(function: Callable) -> Callable:
    """In one graph; on a GPU as one CUDA graph."""
    mode = "reduce-overhead" if torch.cuda.is_available() else "default"
    return torch.compile(function, fullgraph=True, mode=mode)


def zeros(layers: Layers) -> tuple[Layers, Layers]:
    """Adam's moments before the first step."""
    return [torch.zeros_like(part) for part in layers], [torch.zeros_like(part) for part in layers]


def corrections(first: int, count: int, like: torch.Tensor) -> torch.Tensor:
    """Adam's bias corrections 1 - b^t of `count` steps from step number `first` on, [count, 2]."""
    turns = range(first, first + count)
    return torch.tensor(
        [[1 - B1**t, 1 - B2**t] for t in turns], dtype=like.dtype, device=like.device
    )


def adam(layers: Layers, grads: Layers, moments: tuple, correction: torch.Tensor) -> None:
    """Adam by hand, in place."""
    for p, g, m, v in zip(layers, grads, *moments, strict=True):
        m.mul_(B1).add_(g, alpha=1 - B1)
        v.mul_(B2).addcmul_(g, g, value=1 - B2)
        p.sub_(RATE * (m / correction[0]) / ((v / correction[1]).sqrt() + EPS))


def functional(own: dict[str, Layers]) -> Callable[..., None]:
    """`(x, z_disc, z_gen)`: losses, gradients by torch.func and Adam in one compiled function."""

    @whole_compiled
    def whole(own, moments, correction, x, z_disc, z_gen):
        grads = torch.func.grad(disc_loss)(own["disc"], own["gen"], x, z_disc)
        adam(own["disc"], grads, moments["disc"], correction)
        grads = torch.func.grad(gen_loss)(own["gen"], own["disc"], z_gen)
        adam(own["gen"], grads, moments["gen"], correction)

    moments = {player: zeros(layers) for player, layers in own.items()}
    count = itertools.count(1)

    def step(x, z_disc, z_gen):
        with torch.no_grad():
            whole(own, moments, corrections(next(count), 1, x)[0], x, z_disc, z_gen)

    return step


def ahead(
    disc: Layers, moments: tuple, turns: torch.Tensor, gradient: Callable[[Layers], Layers]
) -> Layers:
    """The discriminator after a differentiable step of Adam for every row of `turns`."""
    first, second = moments
    for correction in turns:
        grads = gradient(disc)
        first = [B1 * m + (1 - B1) * g for m, g in zip(first, grads, strict=True)]
        second = [B2 * v + (1 - B2) * g * g for v, g in zip(second, grads, strict=True)]
        disc = [
            p - RATE * (m / correction[0]) / ((v / correction[1]).clamp(min=TINY).sqrt() + EPS)
            for p, m, v in zip(disc, first, second, strict=True)
        ]
    return disc


def stock_gen(layers: Layers, gen_rate: float | None) -> torch.optim.Optimizer:
    """Adam, or gradient descent with a rate."""
    tx = stock_adam(layers)
    return tx if gen_rate is None else torch.optim.SGD(layers, lr=gen_rate)


def unrolled_by_func(
    own: dict[str, Layers], k: int, compiled: bool, gen_rate: float | None = None
) -> Callable[..., None]:
    """`(x, z_ahead, z_gen, z_disc)`: the generator, k steps ahead, moves first; by torch.func.

    `gen_rate` is the rate of gradient descent of the generator; None for Adam.
    """

    def value(gen, disc, moments, turns, x, z_ahead, z_gen):
        gradient = partial(torch.func.grad(disc_loss), gen=gen, x=x, z=z_ahead)
        return gen_loss(gen, ahead(disc, moments, turns, gradient), z_gen)

    def whole(own, moments, turns, x, z_ahead, z_gen, z_disc):
        given = own["disc"], moments["disc"], turns, x, z_ahead, z_gen
        grads = torch.func.grad(value)(own["gen"], *given)
        if gen_rate is None:
            adam(own["gen"], grads, moments["gen"], turns[0])
        else:
            for part, grad in zip(own["gen"], grads, strict=True):
                part.sub_(gen_rate * grad)
        grads = torch.func.grad(disc_loss)(own["disc"], own["gen"], x, z_disc)
        adam(own["disc"], grads, moments["disc"], turns[0])

    moments = {player: zeros(layers) for player, layers in own.items()}
    count, play = itertools.count(1), whole_compiled(whole) if compiled else whole

    def step(x, *latents):
        with torch.no_grad():
            play(own, moments, corrections(next(count), k, x), x, *latents)

    return step


def unrolled_by_create_graph(
    own: dict[str, Layers], k: int, gen_rate: float | None = None
) -> Callable[..., None]:
    """`(x, z_ahead, z_gen, z_disc)`: the same by `torch.autograd.grad(..., create_graph=True)`."""
    txs = {"gen": stock_gen(own["gen"], gen_rate), "disc": stock_adam(own["disc"])}
    count = itertools.count(1)

    def step(x, z_ahead, z_gen, z_disc):
        kept = [txs["disc"].state[part] for part in own["disc"]]
        moments = [of["exp_avg"] for of in kept if of], [of["exp_avg_sq"] for of in kept if of]

        def gradient(disc):
            return torch.autograd.grad(
                disc_loss(disc, own["gen"], x, z_ahead), disc, create_graph=True
            )

        turns = corrections(next(count), k, x)
        later = ahead(own["disc"], moments if moments[0] else zeros(own["disc"]), turns, gradient)
        txs["gen"].zero_grad()
        gen_loss(own["gen"], later, z_gen).backward(inputs=own["gen"])
        txs["gen"].step()
        txs["disc"].zero_grad()
        disc_loss(own["disc"], own["gen"], x, z_disc).backward(inputs=own["disc"])
        txs["disc"].step()

    return step
