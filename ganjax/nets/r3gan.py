"""R3GAN's residual networks for square images (Huang et al. 2024, arXiv:2501.05441, config E).

No normalisation: blocks x + W3 a(b2 + W2 * a(b1 + W1 x)) of 1x1 layers W1 and W3 and a grouped 3x3
convolution W2, a the LeakyReLU 0.2, at 4, 8, ... pixels. W3 starts at 0, so that every block starts
as the identity. Constants, filters and initialisers are those of the released code.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.checks import whole
from ganjax.nets.convolutions import SameConv
from ganjax.nets.labels import one_per_example
from ganjax.nets.layers import doublings, leaky_relu

FIRST = 4  # pixels of the smallest stage
_init = nn.initializers.variance_scaling(1.0, "fan_in", "normal")
_linear = partial(nn.Dense, use_bias=False, kernel_init=_init)


def smooth_double(x: jax.Array) -> jax.Array:
    """Nearest-neighbour doubling, then [1, 2, 1] / 4 on both axes, zeros around.

    [b, h, w, c] -> [b, 2h, 2w, c]; linear interpolation inside the image.
    """
    for axis in (1, 2):
        side, padded = x.shape[axis], _padded(x, axis)
        before = jax.lax.slice_in_dim(padded, 0, side, axis=axis)
        after = jax.lax.slice_in_dim(padded, 2, side + 2, axis=axis)
        pairs = jnp.stack([3 * x + before, 3 * x + after], axis + 1) / 4
        x = pairs.reshape(*x.shape[:axis], 2 * side, *x.shape[axis + 1 :])
    return x


def smooth_halve(x: jax.Array) -> jax.Array:
    """[1, 2, 1] / 4 on both axes, zeros around, then means over 2x2 pixels: [1, 3, 3, 1] / 8.

    [b, h, w, c] -> [b, h/2, w/2, c], h and w even; a quarter of the transpose of `smooth_double`.
    """
    for axis in (1, 2):
        side, padded = x.shape[axis], _padded(x, axis)
        taps = [jax.lax.slice_in_dim(padded, i, i + side - 1, 2, axis) for i in range(4)]
        x = (taps[0] + 3 * (taps[1] + taps[2]) + taps[3]) / 8
    return x


def _padded(x: jax.Array, axis: int) -> jax.Array:
    return jnp.pad(x, [(1, 1) if at == axis else (0, 0) for at in range(x.ndim)])


def _stages(network: nn.Module, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """(width, groups) of every stage, from 4 pixels up; the last of a short tuple is repeated."""
    count = 1 + doublings(shape, start=FIRST, least=FIRST)
    whole(1, blocks=network.blocks, expansion=network.expansion)
    columns = []
    for name in ("widths", "groups"):
        values = getattr(network, name)
        values = tuple(values) if isinstance(values, tuple | list) else (values,)
        if not 1 <= len(values) <= count:
            raise ValueError(
                f"{name}={values} must have 1 to {count} numbers for images of {shape[-2]} pixels, "
                "one a stage from 4 pixels up; the last one holds for all larger stages"
            )
        for value in values:
            whole(1, **{name: value})
        columns.append(values + values[-1:] * (count - len(values)))
    stages = list(zip(*columns, strict=True))
    for width, groups in stages:
        if network.expansion * width % groups:
            raise ValueError(
                f"groups={groups} must divide the {network.expansion * width} channels inside a "
                f"block of width {width}"
            )
    return stages


def _blocks(network: nn.Module, x: jax.Array, groups: int, stages: int) -> jax.Array:
    """The residual blocks of a stage: [b, s, s, width] -> [b, s, s, width].

    W1 and W2 are N(0, gain^2 / fan_in), gain^2 = 2 / (1 + 0.2^2) / sqrt(blocks of the network):
    Fixup's factor L^(-1 / (2m - 2)) for m = 3 layers a block (Zhang et al. 2019, arXiv:1901.09321).
    """
    variance = 2 / (1 + 0.2**2) / math.sqrt(network.blocks * stages)
    init = nn.initializers.variance_scaling(variance, "fan_in", "normal")
    width = x.shape[-1]
    inside = network.expansion * width
    for _ in range(network.blocks):
        h = leaky_relu(nn.Dense(inside, kernel_init=init)(x))
        h = leaky_relu(SameConv(inside, groups=groups, kernel_init=init)(h))
        x = x + nn.Dense(width, use_bias=False, kernel_init=nn.initializers.zeros)(h)
    return x


def _embedded(network: nn.Module, y: jax.Array, dim: int, gain: float) -> jax.Array:
    """A learned vector of every label's class, N(0, gain^2 / num_classes): [batch, dim]."""
    one_per_example("R3GAN's networks", y)
    whole(1, num_classes=network.num_classes)
    init = nn.initializers.normal(gain / math.sqrt(network.num_classes))
    return nn.Embed(network.num_classes, dim, embedding_init=init, name="labels")(y)


class R3GANGenerator(nn.Module):
    """Latents [batch, z_dim] -> images [batch, size, size, channel], of no bounded range.

    Learned features of 4x4 pixels, each multiplied by a linear function of z; blocks; per doubling
    a 1x1 layer where the width changes, the smooth doubling and blocks; a 1x1 layer to colours. The
    class is a learned vector as wide as z, joined to it.

    Attributes:
      shape: (size, size, channel), size a power of two from 4 on.
      widths: channels at 4, 8, ... pixels; the last one holds for all larger stages. The paper has
        768 up to 32 pixels, then 384, 192 and 96 at 256.
      groups: of the 3x3 convolutions of every stage, likewise; 96, 48, 24 and 12 in the paper.
      blocks: of every stage.
      expansion: channels inside a block, as a multiple of its width.
      num_classes: of labels y; unused without them.
    """

    shape: tuple[int, ...]
    widths: tuple[int, ...] = (768,)
    groups: tuple[int, ...] = (96,)
    blocks: int = 2
    expansion: int = 2
    num_classes: int = 0

    @nn.compact
    def __call__(self, z: jax.Array, y: jax.Array | None = None) -> jax.Array:
        stages = _stages(self, self.shape)
        if y is not None:
            z = jnp.concatenate([z, _embedded(self, y, z.shape[-1], 1.0).astype(z.dtype)], -1)
        x = None
        for width, groups in stages:
            if x is None:
                normal = nn.initializers.normal(1.0)
                basis = self.param("basis", normal, (FIRST, FIRST, width), jnp.float32)
                x = basis[None] * _linear(width)(z)[:, None, None]  # [batch, 4, 4, width]
            else:
                # The 1x1 layer first: it has a quarter of the pixels there.
                x = smooth_double(x if x.shape[-1] == width else _linear(width)(x))
            x = _blocks(self, x, groups, len(stages))
        return _linear(self.shape[-1])(x)


class R3GANDiscriminator(nn.Module):
    """Images [batch, size, size, channel] -> logits [batch], size a power of two from 4 on.

    The generator backwards: a 1x1 layer from colours; blocks, and per halving the smooth one and a
    1x1 layer where the width changes; at 4 pixels each feature's inner product with a learned map,
    and a linear layer. With labels it makes as many numbers as the first width, and the logit is
    their inner product with the class's learned vector.

    Attributes:
      widths, groups, blocks, expansion, num_classes: as in `R3GANGenerator`, from 4 pixels up.
    """

    widths: tuple[int, ...] = (768,)
    groups: tuple[int, ...] = (96,)
    blocks: int = 2
    expansion: int = 2
    num_classes: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, y: jax.Array | None = None) -> jax.Array:
        stages = _stages(self, x.shape)
        x = _linear(stages[-1][0])(x)
        for place in reversed(range(len(stages))):
            x = _blocks(self, x, stages[place][1], len(stages))
            if place:
                x, width = smooth_halve(x), stages[place - 1][0]
                x = x if x.shape[-1] == width else _linear(width)(x)
        width = x.shape[-1]
        normal = nn.initializers.normal(1 / FIRST)  # a fan-in of 4x4 pixels
        basis = self.param("basis", normal, (FIRST, FIRST, width), jnp.float32)
        x = (x * basis[None]).sum((1, 2))  # [batch, width]
        if y is None:
            return _linear(1)(x)[:, 0]
        # The factor 1 / sqrt(width) of a product of so many terms is in the vectors.
        return (_linear(width)(x) * _embedded(self, y, width, width**-0.5)).sum(-1)
