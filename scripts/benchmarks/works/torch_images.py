"""PyTorch's networks of the image works, as its users write them, with Flax's parameters.

`load(module, params)` sets a module from Flax's parameters, layer by layer in Flax's order;
`arrays(module)` gives them back, kernels as Flax has them.
"""

import itertools
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def lrelu(x: torch.Tensor) -> torch.Tensor:
    """LeakyReLU 0.2."""
    return functional.leaky_relu(x, 0.2)


class Generator(nn.Module):
    """`nets.DCGANGenerator` for square images."""

    def __init__(self, z_dim: int, size: int, width: int, channels: int = 3) -> None:
        super().__init__()
        layers = size.bit_length() - 3
        widths = [width * 2**layer for layer in reversed(range(layers))]
        self.dense = nn.Linear(z_dim, 16 * widths[0], bias=False)
        ups = [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False) for a, b in itertools.pairwise(widths)]
        self.ups = nn.ModuleList(ups)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.last = nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.dense(z).view(len(z), 4, 4, -1).permute(0, 3, 1, 2)
        x = functional.relu(self.norms[0](x))
        for up, norm in zip(self.ups, self.norms[1:], strict=True):
            x = functional.relu(norm(up(x)))
        return torch.tanh(self.last(x))

    def order(self) -> list[nn.Module]:
        """Layers in Flax's alphabetical order."""
        return [*self.norms, self.dense, *self.ups, self.last]


class Discriminator(nn.Module):
    """`nets.DCGANDiscriminator`, with batch normalisation or without any."""

    def __init__(self, size: int, width: int, norm: bool = True, channels: int = 3) -> None:
        super().__init__()
        layers = size.bit_length() - 3
        widths = [width * 2**layer for layer in range(layers)]
        self.first = nn.Conv2d(channels, width, 4, 2, 1)
        downs = [nn.Conv2d(a, b, 4, 2, 1, bias=not norm) for a, b in itertools.pairwise(widths)]
        self.downs = nn.ModuleList(downs)
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(width) if norm else nn.Identity() for width in widths[1:]
        )
        self.dense = nn.Linear(16 * widths[-1], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = lrelu(self.first(x))
        for down, norm in zip(self.downs, self.norms, strict=True):
            x = lrelu(norm(down(x)))
        return self.dense(x.permute(0, 2, 3, 1).flatten(1))[:, 0]

    def order(self) -> list[nn.Module]:
        """Layers in Flax's alphabetical order."""
        norms = [norm for norm in self.norms if not isinstance(norm, nn.Identity)]
        return [*norms, self.dense, self.first, *self.downs]


def _to_torch(layer: nn.Module, kernel: np.ndarray) -> np.ndarray:
    """A Flax kernel as the layer's weight; that of a 1x1 convolution is of a dense layer."""
    if isinstance(layer, nn.ConvTranspose2d):
        return kernel[::-1, ::-1].transpose(2, 3, 0, 1)
    if isinstance(layer, nn.Conv2d) and kernel.ndim == 2:
        return kernel.T[:, :, None, None]
    return kernel.transpose(3, 2, 0, 1) if isinstance(layer, nn.Conv2d) else kernel.T


def _to_flax(layer: nn.Module, weight: np.ndarray) -> np.ndarray:
    if isinstance(layer, nn.ConvTranspose2d):
        return weight.transpose(2, 3, 0, 1)[::-1, ::-1]
    if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1):
        return weight[:, :, 0, 0].T
    return weight.transpose(2, 3, 1, 0) if isinstance(layer, nn.Conv2d) else weight.T


def _layers(params: Mapping) -> list[Mapping]:
    """The layers of nested Flax parameters, in the order of `jax.tree.leaves`."""
    if not isinstance(next(iter(params.values())), Mapping):
        return [params]
    return [layer for name in sorted(params) for layer in _layers(params[name])]


def load(module: nn.Module, params: Mapping, model_state: Mapping | None = None) -> None:
    """Sets a module's parameters from Flax's, and its state if it has a method `hold(model_state)`.

    Args:
      module: its `order()` has the layers in Flax's order, a list where Flax stacks several layers.
      params: nested, {layer: {"kernel" or "scale", "bias"}} at the bottom.
      model_state: Flax's other collections.
    """
    with torch.no_grad():
        for layer, own in zip(module.order(), _layers(params), strict=True):
            own = {key: np.asarray(value) for key, value in own.items()}
            if isinstance(layer, list):
                for index, each in enumerate(layer):
                    _set(each, {key: value[index] for key, value in own.items()})
            else:
                _set(layer, own)
    if hasattr(module, "hold"):
        module.hold(model_state)


def _set(layer: nn.Module, own: Mapping[str, np.ndarray]) -> None:
    given = own["scale"] if "scale" in own else _to_torch(layer, own["kernel"])
    layer.weight.copy_(torch.tensor(given.copy()))
    if "bias" in own:
        layer.bias.copy_(torch.tensor(own["bias"]))


def arrays(module: nn.Module) -> list[np.ndarray]:
    """The parameters as `jax.tree.leaves` has Flax's."""
    found = []
    for layer in module.order():
        each = [_arrays(one) for one in (layer if isinstance(layer, list) else [layer])]
        found += map(np.stack, zip(*each, strict=True)) if isinstance(layer, list) else each[0]
    return found


def _arrays(layer: nn.Module) -> list[np.ndarray]:
    bias = [] if layer.bias is None else [layer.bias.detach().cpu().numpy().copy()]
    weight = layer.weight.detach().cpu().numpy()
    return [*bias, (weight if weight.ndim == 1 else _to_flax(layer, weight)).copy()]


def non_saturating_disc(
    disc: nn.Module, x: torch.Tensor, fake: torch.Tensor, share: float | None
) -> torch.Tensor:
    """-E log D(x) - E log(1 - D(fake))."""
    del share
    return functional.softplus(-disc(x)).mean() + functional.softplus(disc(fake)).mean()


def non_saturating_gen(disc: nn.Module, fake: torch.Tensor) -> torch.Tensor:
    """-E log D(fake)."""
    return functional.softplus(-disc(fake)).mean()


def wgan_gp(
    disc: nn.Module, x: torch.Tensor, fake: torch.Tensor, share: float | None
) -> torch.Tensor:
    """E D(fake) - E D(x) + 10 E (|grad D| - 1)^2 between them; at `share`, or drawn if None."""
    drawn = torch.rand(len(x), 1, 1, 1, device=x.device) if share is None else share
    between = (drawn * x + (1 - drawn) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(disc(between).sum(), between, create_graph=True)
    norms = slope.flatten(1).norm(dim=1)
    return disc(fake).mean() - disc(x).mean() + 10 * ((norms - 1) ** 2).mean()


def r1(disc: nn.Module, x: torch.Tensor, fake: torch.Tensor, share: float | None) -> torch.Tensor:
    """The non-saturating loss and 10 / 2 E |grad D(x)|^2."""
    logits, penalty = sloped(disc, x)
    loss = functional.softplus(-logits).mean() + functional.softplus(disc(fake)).mean()
    return loss + penalty


def r1_r2(
    disc: nn.Module, x: torch.Tensor, fake: torch.Tensor, share: float | None
) -> torch.Tensor:
    """As `r1`, with the same penalty at the samples."""
    del share
    (real, r1), (made, r2) = sloped(disc, x), sloped(disc, fake)
    return functional.softplus(-real).mean() + functional.softplus(made).mean() + r1 + r2


def sloped(disc: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and 10 / 2 E |grad D(x)|^2."""
    x = x.requires_grad_()
    logits = disc(x)
    (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return logits, 5 * slope.square().flatten(1).sum(1).mean()


def placed(
    gen: nn.Module, disc: nn.Module, form: str, device: str, compute: str, optimiser: Callable
) -> tuple:
    """Moves networks to a device: (layout, autocast, parameters and optimiser of each player)."""
    layout = torch.contiguous_format if form == "eager" else torch.channels_last
    players = {"gen": gen, "disc": disc}
    own = {p: list(net.to(device, memory_format=layout).parameters()) for p, net in players.items()}
    cast = torch.autocast(device, torch.bfloat16, enabled=compute == "bfloat16")
    return layout, cast, own, {player: optimiser(params) for player, params in own.items()}


def turns(
    gen: nn.Module,
    disc: nn.Module,
    *,
    disc_loss: Callable = non_saturating_disc,
    gen_loss: Callable | None = non_saturating_gen,
    optimiser: Callable,
    form: str,
    device: str,
    compute: str = "float32",
    share: float | None = None,
) -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None]:
    """`(x, z_disc, z_gen) -> None`: the discriminator's update, then the generator's.

    Args:
      gen: latents -> images [batch, channel, h, w].
      disc: images -> logits [batch].
      disc_loss: `(disc, x, fake, share) -> scalar`.
      gen_loss: `(disc, fake) -> scalar`; None for updates of the discriminator alone.
      optimiser: `parameters -> torch.optim.Optimizer`.
      form: one of `images.FORMS`.
      compute: dtype of the products, "bfloat16" by autocast.
      share: place of a penalty between data and samples; None for draws.
    """
    layout, cast, own, tx = placed(gen, disc, form, device, compute, optimiser)

    def of_disc(x, fake):
        with cast:
            return disc_loss(disc, x.contiguous(memory_format=layout), fake, share)

    def generate(z):
        with cast:
            return gen(z)

    def of_gen(z):
        with cast:
            return gen_loss(disc, gen(z))

    if "compile" in form:
        of_disc, of_gen, generate = map(torch.compile, (of_disc, of_gen, generate))

    def step(x, z_disc, z_gen):
        with torch.no_grad():
            fake = generate(z_disc)
        tx["disc"].zero_grad()
        of_disc(x, fake).backward(inputs=own["disc"])
        tx["disc"].step()
        if gen_loss is not None:
            tx["gen"].zero_grad()
            of_gen(z_gen).backward(inputs=own["gen"])
            tx["gen"].step()

    return step


def repeated(
    step: Callable, images: np.ndarray, batch: int, z_dim: int, steps: int, device: str
) -> Callable[[], None]:
    """`() -> None`: so many steps on random rows of images [n, h, w, channel], waited for."""
    rows = torch.tensor(images, device=device).permute(0, 3, 1, 2)

    def draw():
        x = rows[torch.randint(len(rows), (batch,), device=device)]
        return x, *(torch.randn(batch, z_dim, device=device) for _ in range(2))

    return called(step, draw, steps, device)


def called(step: Callable, draw: Callable, steps: int, device: str) -> Callable[[], None]:
    """`() -> None`: so many steps on draws, waited for."""

    def call():
        for _ in range(steps):
            step(*draw())
        if device == "cuda":
            torch.cuda.synchronize()

    return call
