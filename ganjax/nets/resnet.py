"""Residual networks of SNGAN (Miyato et al. 2018, table 4, arXiv:1802.05957), for square images.

Residual blocks of one width with the activation in front; the generator's double the image, the
discriminator's halve it and then go on at one size. Biases that a normalisation removes are left
out, also where only the last one does: a channel's constant passes on beside every block.
Initialisers are those of the released code: Glorot's, times sqrt(2) in the blocks' 3x3 layers.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from flax import linen as nn

from ganjax.checks import whole
from ganjax.nets import labels as inputs
from ganjax.nets.convolutions import DownscalingConv, SameConv, UpscalingConv
from ganjax.nets.heads import logit
from ganjax.nets.layers import double, doublings, halve, identity
from ganjax.nets.norms import batch, none, normalised
from ganjax.nets.weights import plain

FIRST = 4  # pixels that the generator begins with
LAST = 8  # pixels at which the discriminator stops halving
_outer = nn.initializers.glorot_uniform()
_inner = nn.initializers.variance_scaling(2.0, "fan_avg", "uniform")


def _layer(network: nn.Module, train: bool, use_bias: bool) -> Callable:
    """`(kind, features, kernel_init, use_bias) -> layer` in the network's reparametrisation."""

    def layer(kind, features, kernel_init, use_bias=use_bias):
        bare = kind(features, use_bias=use_bias, kernel_init=kernel_init)
        return network.weights(bare, train=train)

    return layer


class ResNetGenerator(nn.Module):
    """Latents [batch, z_dim] -> images [batch, size, size, channel] in [-1, 1].

    A dense layer to 4x4 pixels; a residual block per doubling (3 to 32 pixels, as in the paper),
    each of them norm, ReLU, doubling by nearest neighbours, 3x3 convolution, norm, ReLU,
    3x3 convolution, beside a doubled 1x1 convolution; norm, ReLU, 3x3 convolution, tanh.

    Attributes:
      shape: (size, size, channel), size a power of two from 8 on.
      width: channels of every layer; the paper has 256.
      norm, weights, labels: as in `ganjax.nets`; the norm before every ReLU.
    """

    shape: tuple[int, ...]
    width: int = 256
    norm: Callable = batch
    weights: Callable = plain
    labels: Callable = inputs.none

    @nn.compact
    def __call__(self, z: jax.Array, y: jax.Array | None = None, train: bool = True) -> jax.Array:
        whole(1, width=self.width)
        blocks = doublings(self.shape, start=FIRST, least=2 * FIRST)
        z, norm, rows, use_bias = normalised(self, self.labels(z, y), y, train=train)
        layer = _layer(self, train, use_bias)
        x = layer(nn.Dense, FIRST * FIRST * self.width, _outer, use_bias=True)(z)
        x = x.reshape(-1, FIRST, FIRST, self.width)
        for _ in range(blocks):
            # [batch, s, s, width] -> [batch, 2s, 2s, width]
            h = layer(UpscalingConv, self.width, _inner)(nn.relu(norm(x)))
            h = layer(SameConv, self.width, _inner)(nn.relu(norm(h)))
            # One pixel at a time, so that it may come before the doubling.
            x = h + double(layer(nn.Dense, self.width, _outer)(x))
        x = nn.relu(norm(x))[rows:]
        return nn.tanh(layer(SameConv, self.shape[-1], _outer, use_bias=True)(x))


class ResNetDiscriminator(nn.Module):
    """Images [batch, size, size, channel] -> logits [batch], or the head's outputs.

    Residual blocks of ReLU, 3x3 convolution, ReLU, 3x3 convolution. The first ones end with means
    over 2x2 pixels, beside a 1x1 convolution and the same means; the very first has no ReLU in
    front, and its means come before its 1x1 convolution. They halve until 8 pixels are left, the
    first of them always (2 blocks for 32 pixels, as in the paper). Two more blocks keep the size
    and add up with the identity. ReLU, the sum over pixels, the head.

    Attributes:
      width: channels of every layer; the paper has 128. The images' size is a power of two from 8
        on.
      norm, weights, minibatch, labels, head: as in `ganjax.nets`; the norm, of which the paper has
        none, before every ReLU. The paper's weights are `spectral` with `reshaped=True`.
    """

    width: int = 128
    norm: Callable = none
    weights: Callable = plain
    minibatch: Callable = identity
    labels: Callable = inputs.none
    head: Callable = logit

    @nn.compact
    def __call__(self, x: jax.Array, y: jax.Array | None = None, train: bool = True) -> Any:
        whole(1, width=self.width)
        halvings = max(1, doublings(x.shape, start=LAST, least=LAST))
        x, norm, rows, use_bias = normalised(self, self.labels(x, y), y, train=train)
        layer = _layer(self, train, use_bias)
        for block in range(halvings):
            # [batch, s, s, c] -> [batch, s/2, s/2, width]
            h = nn.relu(norm(x)) if block else x
            h = nn.relu(norm(layer(SameConv, self.width, _inner)(h)))
            h = layer(DownscalingConv, self.width, _inner)(h)
            x = h + layer(nn.Dense, self.width, _outer)(halve(x))
        for _ in range(2):
            h = layer(SameConv, self.width, _inner)(nn.relu(norm(x)))
            x = x + layer(SameConv, self.width, _inner)(nn.relu(norm(h)))
        x = nn.relu(norm(x))[rows:].sum((1, 2))
        dense = partial(nn.Dense, kernel_init=_outer)
        return self.head(
            self.minibatch(x), y, lambda *a, **k: self.weights(dense(*a, **k), train=train)
        )
