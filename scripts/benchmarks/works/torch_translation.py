"""PyTorch's CycleGAN: networks, image pool and step as in the released code, Flax's parameters.

Layers in front of a normalisation have no bias, where it would do nothing; nor have ganjax's here.
"""

import itertools
import random
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from works.torch_images import called, placed

Reflected = partial(nn.Conv2d, padding_mode="reflect", bias=False)
CYCLE, IDENTITY = 10.0, 5.0
WAYS = {"ab": ("a", "b", "ba"), "ba": ("b", "a", "ab")}


def norm(width: int) -> nn.Module:
    """Instance normalisation without gain and bias, with Flax's epsilon.

    By groups of one channel, which is faster; and in channels_last PyTorch 2.13's gradients of
    `nn.InstanceNorm2d` are wrong for batches of one.
    """
    return nn.GroupNorm(width, width, eps=1e-6, affine=False)


class Block(nn.Module):
    """x + f(x)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(Reflected(width, width, 3, padding=1) for _ in range(2))
        self.body = nn.Sequential(self.convs[0], norm(width), nn.ReLU(), self.convs[1], norm(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class Translator(nn.Module):
    """`nets.ResNetTranslator` without idle biases."""

    def __init__(self, width: int, blocks: int, channels: int = 3) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width]
        self.first = Reflected(channels, width, 7, padding=3)
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 3, 2, 1, bias=False) for a, b in itertools.pairwise(widths)
        )
        self.blocks = nn.ModuleList(Block(widths[-1]) for _ in range(blocks))
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 3, 2, 1, output_padding=1, bias=False)
            for a, b in itertools.pairwise(reversed(widths))
        )
        self.last = nn.Conv2d(width, channels, 7, padding=3, padding_mode="reflect")
        body = []
        for layer in (self.first, *self.downs):
            body += [layer, norm(layer.out_channels), nn.ReLU()]
        body += self.blocks
        for layer in self.ups:
            body += [layer, norm(layer.out_channels), nn.ReLU()]
        self.body = nn.Sequential(*body, self.last, nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)

    def order(self) -> list:
        """Layers in Flax's alphabetical order; those of the blocks are stacked."""
        blocks = [[block.convs[index] for block in self.blocks] for index in range(2)]
        return [*self.ups, self.first, *self.downs, self.last, *blocks]


class PatchGAN(nn.Module):
    """`nets.PatchDiscriminator` without idle biases."""

    def __init__(self, width: int, channels: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, 4, 2, 1)
        self.downs = nn.ModuleList(
            nn.Conv2d(k * width, 2 * k * width, 4, 2, 1, bias=False) for k in (1, 2)
        )
        self.same = nn.Conv2d(4 * width, 8 * width, 4, 1, 1, bias=False)
        self.last = nn.Conv2d(8 * width, 1, 4, 1, 1)
        body = [self.first, nn.LeakyReLU(0.2)]
        for layer in (*self.downs, self.same):
            body += [layer, norm(layer.out_channels), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*body, self.last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)

    def order(self) -> list[nn.Module]:
        """Layers in Flax's alphabetical order."""
        return [self.first, *self.downs, self.same, self.last]


class Pair(nn.ModuleDict):
    """Two networks by name, one player's."""

    def order(self) -> list:
        """Layers in Flax's order."""
        return [layer for name in sorted(self) for layer in self[name].order()]


class Pool:
    """The released code's pool of past samples."""

    def __init__(self, size: int) -> None:
        self.size, self.images = size, []

    def exchange(self, x: torch.Tensor) -> torch.Tensor:
        """Past samples in place of half of the new ones."""
        shown = []
        for new in x.split(1):
            if len(self.images) < self.size:
                self.images.append(new)
            elif random.random() < 0.5:
                place = random.randrange(self.size)
                new, self.images[place] = self.images[place], new
            shown.append(new)
        return torch.cat(shown)


def squares(logits: torch.Tensor, target: float) -> torch.Tensor:
    """E (D - target)^2."""
    return (logits - target).square().mean()


def turns(
    gen: Pair,
    disc: Pair,
    *,
    pool_size: int,
    optimiser: Callable,
    form: str,
    device: str,
    compute: str = "float32",
    share: float | None = None,
) -> Callable[[torch.Tensor, torch.Tensor], None]:
    """`(a, b) -> None`: the generators' update, then the discriminators' on the same samples.

    Args:
      gen: translators "ab" and "ba".
      disc: discriminators "a" and "b".
      pool_size: samples kept of each domain.
      optimiser: `parameters -> torch.optim.Optimizer`.
      form: one of `images.FORMS`.
      compute: dtype of the products, "bfloat16" by autocast.
      share: unused.
    """
    del share
    layout, cast, own, tx = placed(gen, disc, form, device, compute, optimiser)
    pools = {x: Pool(pool_size) for x in "ab"}

    def of_gen(a, b):
        with cast:
            batch, fakes, loss = {"a": a, "b": b}, {}, 0.0
            for way, (here, there, _) in WAYS.items():
                fakes[there] = gen[way](batch[here])
                loss = loss + squares(disc[there](fakes[there]), 1.0)
                loss = loss + IDENTITY * functional.l1_loss(gen[way](batch[there]), batch[there])
            for here, there, back in WAYS.values():
                loss = loss + CYCLE * functional.l1_loss(gen[back](fakes[there]), batch[here])
            return loss, fakes["a"], fakes["b"]

    def of_disc(a, b, shown_a, shown_b):
        with cast:
            loss = 0.0
            for name, x, shown in (("a", a, shown_a), ("b", b, shown_b)):
                judge = disc[name]
                loss = loss + (squares(judge(x), 1.0) + squares(judge(shown), 0.0)) / 2
            return loss

    if "compile" in form:
        of_gen, of_disc = map(torch.compile, (of_gen, of_disc))

    def step(a, b):
        a, b = (x.contiguous(memory_format=layout) for x in (a, b))
        require(own["disc"], False)
        tx["gen"].zero_grad()
        loss, *fakes = of_gen(a, b)
        loss.backward()
        tx["gen"].step()
        require(own["disc"], True)
        shown = [pools[x].exchange(fake.detach()) for x, fake in zip("ab", fakes, strict=True)]
        tx["disc"].zero_grad()
        of_disc(a, b, *shown).backward()
        tx["disc"].step()

    return step


def require(params: Iterable[nn.Parameter], gradients: bool) -> None:
    """Whether parameters have gradients."""
    for param in params:
        param.requires_grad_(gradients)


def repeated(
    step: Callable, domains: list[np.ndarray], batch: int, steps: int, device: str
) -> Callable[[], None]:
    """`() -> None`: so many steps on random rows of two domains [n, h, w, channel], waited for."""
    rows = [torch.tensor(x, device=device).permute(0, 3, 1, 2) for x in domains]

    def draw():
        return [x[torch.randint(len(x), (batch,), device=device)] for x in rows]

    return called(step, draw, steps, device)
