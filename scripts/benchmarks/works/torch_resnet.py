"""PyTorch's networks of SNGAN, as its users write them, with Flax's parameters.

Spectral normalisation is the usual layer with a vector u of its own and one step of the power
iteration a call, as in the released code. Wherever a 1x1 convolution and a resizing commute, the
cheaper order is taken, as on ganjax's side.
"""

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def normalised(layer: nn.Module) -> torch.Tensor:
    """The layer's weight over its spectral norm; u goes on by a step."""
    weight = layer.weight.flatten(1)
    with torch.no_grad():
        v = functional.normalize(weight.t() @ layer.u, dim=0)
        u = functional.normalize(weight @ v, dim=0)
        layer.u.copy_(u)
    return layer.weight / torch.dot(u, weight @ v)


class SNConv2d(nn.Conv2d):
    """`nn.Conv2d` with spectral normalisation."""

    def __init__(self, *given, **named) -> None:
        super().__init__(*given, **named)
        self.register_buffer("u", functional.normalize(torch.randn(self.out_channels), dim=0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._conv_forward(x, normalised(self), self.bias)


class SNLinear(nn.Linear):
    """`nn.Linear` with spectral normalisation."""

    def __init__(self, *given, **named) -> None:
        super().__init__(*given, **named)
        self.register_buffer("u", functional.normalize(torch.randn(self.out_features), dim=0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, normalised(self), self.bias)


class Up(nn.Module):
    """The generator's residual block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))
        self.convs = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2)
        )
        self.shortcut = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = functional.interpolate(functional.relu(self.norms[0](x)), scale_factor=2)
        h = self.convs[0](h)
        h = self.convs[1](functional.relu(self.norms[1](h)))
        return h + functional.interpolate(self.shortcut(x), scale_factor=2)


class Down(nn.Module):
    """The discriminator's residual block that halves; the first has no ReLU in front."""

    def __init__(self, inputs: int, width: int, first: bool) -> None:
        super().__init__()
        self.first = first
        self.convs = nn.ModuleList(SNConv2d(c, width, 3, padding=1) for c in (inputs, width))
        self.shortcut = SNConv2d(inputs, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.convs[0](x if self.first else functional.relu(x))
        h = functional.avg_pool2d(self.convs[1](functional.relu(h)), 2)
        return h + self.shortcut(functional.avg_pool2d(x, 2))

    def calls(self) -> Iterator[nn.Module]:
        """Layers in the order in which they are called."""
        yield from (*self.convs, self.shortcut)


class Same(nn.Module):
    """The discriminator's residual block at one size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(SNConv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.convs[1](functional.relu(self.convs[0](functional.relu(x))))

    def calls(self) -> Iterator[nn.Module]:
        """Layers in the order in which they are called."""
        yield from self.convs


class Generator(nn.Module):
    """`nets.ResNetGenerator` with batch normalisation."""

    def __init__(self, z_dim: int, size: int, width: int, channels: int = 3) -> None:
        super().__init__()
        self.dense = nn.Linear(z_dim, 16 * width)
        self.blocks = nn.ModuleList(Up(width) for _ in range(size.bit_length() - 3))
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.dense(z).view(len(z), 4, 4, -1).permute(0, 3, 1, 2)
        for block in self.blocks:
            x = block(x)
        return torch.tanh(self.last(functional.relu(self.norm(x))))

    def order(self) -> list[nn.Module]:
        """Layers in Flax's alphabetical order."""
        norms = itertools.chain.from_iterable(block.norms for block in self.blocks)
        return [
            *norms,
            self.norm,
            self.dense,
            *(block.shortcut for block in self.blocks),
            *(block.convs[1] for block in self.blocks),
            self.last,
            *(block.convs[0] for block in self.blocks),
        ]


class Discriminator(nn.Module):
    """`nets.ResNetDiscriminator` with spectral normalisation, for 32 pixels."""

    def __init__(self, width: int, channels: int = 3) -> None:
        super().__init__()
        self.downs = nn.ModuleList([Down(channels, width, True), Down(width, width, False)])
        self.sames = nn.ModuleList(Same(width) for _ in range(2))
        self.dense = SNLinear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in (*self.downs, *self.sames):
            x = block(x)
        return self.dense(functional.relu(x).sum((2, 3)))[:, 0]

    def order(self) -> list[nn.Module]:
        """Layers in Flax's alphabetical order."""
        return [
            *(block.shortcut for block in self.downs),
            self.dense,
            *(block.convs[1] for block in self.downs),
            *(block.convs[0] for block in self.downs),
            *itertools.chain.from_iterable(block.convs for block in self.sames),
        ]

    def hold(self, model_state: Mapping) -> None:
        """Takes Flax's vectors u, which are numbered in the order of the calls."""
        blocks = (*self.downs, *self.sames)
        layers = [*itertools.chain.from_iterable(block.calls() for block in blocks), self.dense]
        spectral = model_state["spectral"]
        if len(spectral) != len(layers):
            raise ValueError(f"{len(spectral)} vectors u for {len(layers)} layers")
        for index, layer in enumerate(layers):
            u = np.array(spectral[f"SpectralWeights_{index}"]["u"])
            layer.u.copy_(torch.tensor(u))


def hinge_disc(
    disc: nn.Module, x: torch.Tensor, fake: torch.Tensor, share: float | None
) -> torch.Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(fake)), both judged as one batch, by one u."""
    del share
    real, made = disc(torch.cat([x, fake])).chunk(2)
    return functional.relu(1 - real).mean() + functional.relu(1 + made).mean()


def hinge_gen(disc: nn.Module, fake: torch.Tensor) -> torch.Tensor:
    """-E D(fake)."""
    return -disc(fake).mean()
