"""Deep convolutional GAN (Radford et al. 2016, arXiv:1511.06434) for square images of 8 to 128.

After the paper's guidelines: strided and fractionally strided convolutions, batch normalisation
everywhere but at the generator's output and the discriminator's input, ReLU and LeakyReLU 0.2, tanh
output, N(0, 0.02) weights. No bias stands before a batch normalisation: its gradient is zero in
theory, and Adam would turn its rounding noise into steps. Paper: its released code has 5x5 kernels;
ours are 4x4, a multiple of the stride, so that every output pixel has as many taps.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from flax import linen as nn

from ganjax.checks import whole
from ganjax.nets import labels as inputs
from ganjax.nets.convolutions import DoublingConv, HalvingConv
from ganjax.nets.heads import logit
from ganjax.nets.layers import doublings, identity, leaky_relu
from ganjax.nets.norms import batch, normalised
from ganjax.nets.weights import plain

FIRST = 4  # pixels next to the latent and the logit
_init = nn.initializers.normal(0.02)
_doublings = partial(doublings, start=FIRST, least=8, most=128)


class DCGANGenerator(nn.Module):
    """Latents [batch, z_dim] -> images [batch, size, size, channel] in [-1, 1].

    Attributes:
      shape: (size, size, channel), size a power of two from 8 to 128.
      width: channels of the layer next to the output; they double towards the latent. The paper's
        64-pixel generator has 128.
      norm, weights, labels: as in `ganjax.nets`; the norm before every ReLU.
    """

    shape: tuple[int, ...]
    width: int = 128
    norm: Callable = batch
    weights: Callable = plain
    labels: Callable = inputs.none

    @nn.compact
    def __call__(self, z: jax.Array, y: jax.Array | None = None, train: bool = True) -> jax.Array:
        whole(1, width=self.width)
        layers = _doublings(self.shape)
        z, norm, rows, use_bias = normalised(self, self.labels(z, y), y, train=train)
        hidden = {"use_bias": use_bias, "kernel_init": _init}
        channels = self.width * 2 ** (layers - 1)
        x = self.weights(nn.Dense(FIRST * FIRST * channels, **hidden), train=train)(z)
        x = nn.relu(norm(x.reshape(-1, FIRST, FIRST, channels)))
        for layer in reversed(range(layers - 1)):
            # [batch, s, s, c] -> [batch, 2s, 2s, c/2]
            up = DoublingConv(self.width * 2**layer, **hidden)
            x = nn.relu(norm(self.weights(up, train=train)(x)))
        last = DoublingConv(self.shape[-1], kernel_init=_init)
        return nn.tanh(self.weights(last, train=train)(x[rows:]))


class DCGANDiscriminator(nn.Module):
    """Images [batch, size, size, channel] -> logits [batch], or the head's outputs.

    Attributes:
      width: channels of the first layer; they double towards the logit. The paper's has 128. The
        images' size is a power of two from 8 to 128.
      norm, weights, minibatch, labels, head: as in `ganjax.nets`; the norm before every LeakyReLU
        but the first.
    """

    width: int = 128
    norm: Callable = batch
    weights: Callable = plain
    minibatch: Callable = identity
    labels: Callable = inputs.none
    head: Callable = logit

    @nn.compact
    def __call__(self, x: jax.Array, y: jax.Array | None = None, train: bool = True) -> Any:
        whole(1, width=self.width)
        layers = _doublings(x.shape)
        x, norm, rows, use_bias = normalised(self, self.labels(x, y), y, train=train)
        first = HalvingConv(self.width, kernel_init=_init)
        x = leaky_relu(self.weights(first, train=train)(x))
        for layer in range(1, layers):
            # [batch, s, s, c] -> [batch, s/2, s/2, 2c]
            down = HalvingConv(self.width * 2**layer, use_bias=use_bias, kernel_init=_init)
            x = leaky_relu(norm(self.weights(down, train=train)(x)))
        dense = partial(nn.Dense, kernel_init=_init)
        return self.head(
            self.minibatch(x[rows:]), y, lambda *a, **k: self.weights(dense(*a, **k), train=train)
        )
