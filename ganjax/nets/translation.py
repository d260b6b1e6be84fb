"""Networks of image-to-image translation: CycleGAN's ResNet, pix2pix's U-Net, PatchGAN.

Weights are N(0, 0.02^2), instance normalisation has no gain and no bias, as in the released code,
which also has biases in front of normalisations that remove means. Their gradient is zero in
theory, and Adam turns its rounding noise into steps: `idle_biases=False` leaves them out, and the
function stays the same.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.checks import whole, within
from ganjax.nets.convolutions import DoublingConv, DoublingConv3, HalvingConv, PatchConv
from ganjax.nets.layers import leaky_relu
from ganjax.nets.norms import batch, instance, normalised

_init = nn.initializers.normal(0.02)
plain_instance = partial(instance, affine=False)


def _check_sides(network: str, x: jax.Array, multiple: int, least: int) -> None:
    """Raises a ValueError for images that a network cannot halve often enough."""
    if x.ndim != 4:
        raise ValueError(
            f"{network} needs images [batch, height, width, channel], not {x.shape}; use the "
            "networks mlp and residual_mlp for points"
        )
    if any(side % multiple or side < least for side in x.shape[1:3]):
        raise ValueError(
            f"{network} needs sides of at least {least} that {multiple} divides, got images of "
            f"{x.shape[1]}x{x.shape[2]}; resize them or take fewer layers"
        )


class ResNetTranslator(nn.Module):
    """CycleGAN's generator: images [batch, h, w, channel] -> images [batch, *shape] in [-1, 1].

    In the paper's notation c7s1-64, d128, d256, R256 nine times (or six), u128, u64, c7s1-3 (Zhu et
    al. 2017, section 7.2, arXiv:1703.10593; blocks after Johnson et al. 2016, arXiv:1603.08155):
    two halvings, residual blocks of two 3x3 convolutions, two doublings by transposed 3x3
    convolutions. All but the strided ones are padded by reflection; normalisation and ReLU
    everywhere but at the output, which is tanh.

    Attributes:
      shape: (height, width, channel) of its outputs, height and width multiples of 4.
      width: channels of the first layer.
      blocks: residual blocks; the paper has 6 for 128 pixels and 9 from 256 on.
      norm: a row of `NORMS`. Parameters of the blocks are stacked along a first axis.
      idle_biases: whether layers in front of a norm that removes means have biases, as in the
        released code (11,378,179 parameters with 9 blocks and 3 channels).
    """

    shape: tuple[int, ...]
    width: int = 64
    blocks: int = 9
    norm: Callable = plain_instance
    idle_biases: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = True) -> jax.Array:
        whole(1, width=self.width)
        whole(0, blocks=self.blocks)
        _check_sides("ResNetTranslator", x, multiple=4, least=8)
        x, norm, rows, use_bias = normalised(self, x, train=train)
        biased = {"use_bias": self.idle_biases or use_bias, "kernel_init": _init}
        same = partial(PatchConv, reflect=True, **biased)
        x = nn.relu(norm(same(self.width, 7, padding=3)(x)))
        for features in (2 * self.width, 4 * self.width):
            x = nn.relu(norm(PatchConv(features, 3, stride=2, padding=1, **biased)(x)))
        if self.blocks:  # a scan, so that only one block is compiled
            axes = {"params": 0, "batch_stats": 0}
            scanned = nn.scan(
                _Block, variable_axes=axes, split_rngs={"params": True}, length=self.blocks
            )
            x, _ = scanned(partial(same, padding=1), norm)(x, None)
        for features in (2 * self.width, self.width):
            x = nn.relu(norm(DoublingConv3(features, **biased)(x)))
        last = PatchConv(self.shape[-1], 7, padding=3, reflect=True, kernel_init=_init)
        return nn.tanh(last(x[rows:]))


class _Block(nn.Module):
    """x + f(x), f two 3x3 convolutions with normalisation, ReLU between them; a scan's body."""

    conv: Callable
    norm: Callable

    @nn.compact
    def __call__(self, x: jax.Array, _: None) -> tuple[jax.Array, None]:
        y = nn.relu(self.norm(self.conv(x.shape[-1], 3)(x)))
        return x + self.norm(self.conv(x.shape[-1], 3)(y)), None


class UNet(nn.Module):
    """pix2pix's generator: images [batch, h, w, channel] -> images [batch, *shape] in [-1, 1].

    An encoder of 4x4 convolutions of stride 2 and LeakyReLU 0.2, C64-C128-C256-C512-... for width
    64, and a decoder of transposed ones and ReLU, which also gets the encoder's features of its
    size as channels (Isola et al. 2017, section 6.1.1, arXiv:1611.07004). Normalisation
    everywhere but at the input, the innermost layer and the output, which is tanh.
    Paper: dropout and the statistics of the batch are used at test time too; here evaluation has
    running averages and no dropout.

    Attributes:
      shape: (height, width, channel) of its outputs, sides multiples of 2^depth.
      width: channels of the first layer; they double up to 8 times as many.
      depth: halvings, at least 2; the paper's networks have 8 for 256 pixels.
      dropout: rate, in [0, 1).
      dropped: number of the decoder's layers with dropout, from the innermost but one on, from 0 to
        depth - 2; None for the paper's 3, or for all if there are fewer.
      norm: a row of `NORMS`.
    """

    shape: tuple[int, ...]
    width: int = 64
    depth: int = 8
    dropout: float = 0.5
    dropped: int | None = None
    norm: Callable = batch

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = True) -> jax.Array:
        whole(1, width=self.width)
        whole(2, depth=self.depth)
        within("[0, 1)", dropout=self.dropout)
        dropped = min(3, self.depth - 2) if self.dropped is None else self.dropped
        whole(0, self.depth - 2, dropped=dropped, hint=f"the decoder has depth={self.depth} layers")
        _check_sides("UNet", x, multiple=2**self.depth, least=2**self.depth)
        x, norm, rows, use_bias = normalised(self, x, train=train)
        hidden = {"use_bias": use_bias, "kernel_init": _init}
        widths = [self.width * min(2**layer, 8) for layer in range(self.depth)]
        skips = [HalvingConv(widths[0], kernel_init=_init)(x)]
        for features in widths[1:-1]:
            skips.append(norm(HalvingConv(features, **hidden)(leaky_relu(skips[-1]))))
        x = HalvingConv(widths[-1], kernel_init=_init)(leaky_relu(skips[-1]))
        for layer, features in enumerate(reversed(widths[:-1])):
            x = norm(DoublingConv(features, **hidden)(nn.relu(x)))
            if 0 < layer <= dropped:
                x = nn.Dropout(self.dropout, deterministic=not train)(x)
            x = jnp.concatenate([x, skips.pop()], -1)  # [batch, 2^k, 2^k, 2 features]
        return nn.tanh(DoublingConv(self.shape[-1], kernel_init=_init)(nn.relu(x[rows:])))


class PatchDiscriminator(nn.Module):
    """PatchGAN: images [batch, h, w, channel] -> a map of logits [batch, h', w'].

    C64-C128-C256-C512 and a convolution to one logit, all 4x4, `layers` of them of stride 2 and the
    last two of stride 1 (Isola et al. 2017, section 6.1.2, arXiv:1611.07004; so in CycleGAN).
    LeakyReLU 0.2, normalisation everywhere but at the input and the output. A logit depends on
    70x70 pixels with 3 layers, on 34 with 2, on 16 with 1.

    Attributes:
      width: channels of the first layer; they double up to 8 times as many.
      layers: convolutions of stride 2, at least 1.
      norm: a row of `NORMS`.
      idle_biases: as in `ResNetTranslator` (2,764,737 parameters for 3 channels).
    """

    width: int = 64
    layers: int = 3
    norm: Callable = plain_instance
    idle_biases: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = True) -> jax.Array:
        whole(1, width=self.width, layers=self.layers)
        _check_sides("PatchDiscriminator", x, multiple=2**self.layers, least=3 * 2**self.layers)
        x, norm, rows, use_bias = normalised(self, x, train=train)
        biased = {"use_bias": self.idle_biases or use_bias, "kernel_init": _init}
        x = leaky_relu(HalvingConv(self.width, kernel_init=_init)(x))
        for layer in range(1, self.layers):
            x = leaky_relu(norm(HalvingConv(self.width * min(2**layer, 8), **biased)(x)))
        features = self.width * min(2**self.layers, 8)
        x = leaky_relu(norm(PatchConv(features, 4, padding=1, **biased)(x)))
        return PatchConv(1, 4, padding=1, kernel_init=_init)(x[rows:])[..., 0]


class ResidualMLP(nn.Module):
    """Points [batch, dim] -> points [batch, *shape], x + f(x) with an MLP f that starts near 0.

    The translator of points: it starts near the identity, where random weights may start by
    mirroring the points.

    Attributes:
      shape: shape of a point, (dim,), in and out.
      width: units of a hidden layer.
      depth: number of hidden layers, from 0 to 1000.
      activation: of the hidden layers.
    """

    shape: tuple[int, ...]
    width: int = 32
    depth: int = 1
    activation: Callable = nn.tanh

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        whole(1, width=self.width)
        whole(0, 1000, depth=self.depth)
        if x.shape[1:] != tuple(self.shape) or len(self.shape) != 1:
            raise ValueError(
                f"ResidualMLP maps points [dim] to points of the same shape, not {x.shape[1:]} to "
                f"{self.shape}; use the networks of images for images"
            )
        y = x
        for _ in range(self.depth):
            y = self.activation(nn.Dense(self.width)(y))
        return x + nn.Dense(self.shape[0], kernel_init=_init)(y)


TRANSLATORS = {"residual_mlp": ResidualMLP, "resnet": ResNetTranslator, "unet": UNet}
PATCH_DISCRIMINATORS = {"patch": PatchDiscriminator}
