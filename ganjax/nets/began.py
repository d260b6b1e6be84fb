"""BEGAN's networks (Berthelot et al. 2017, section 3, arXiv:1703.10717), for square images.

3x3 convolutions with ELU, two at each size, down to 8 pixels and a code by a layer without
activation. Encoders halve by strided convolutions, gaining `width` channels each time; decoders
double by nearest neighbours and keep theirs. The generator is a decoder that shares no weights.
Paper: it halves with 3x3 kernels; ours are 4x4, as in `dcgan.py`.
"""

from collections.abc import Callable
from functools import partial

import jax
from flax import linen as nn

from ganjax.checks import whole
from ganjax.nets.convolutions import HalvingConv, SameConv
from ganjax.nets.layers import double, doublings

SMALLEST = 8  # size of the image next to the code
_doublings = partial(doublings, start=SMALLEST, least=SMALLEST, most=256)


class BEGANGenerator(nn.Module):
    """Latents or codes [batch, z_dim] -> images [batch, size, size, channel].

    Attributes:
      shape: (size, size, channel), size a power of two from 8 to 256.
      width: n, channels of every layer; the paper takes 64 and 128.
      output_activation: of the last layer; tanh keeps images in [-1, 1].
    """

    shape: tuple[int, ...]
    width: int = 64
    output_activation: Callable = nn.tanh

    @nn.compact
    def __call__(self, z: jax.Array, train: bool = True) -> jax.Array:
        del train
        whole(1, width=self.width)
        x = nn.Dense(SMALLEST * SMALLEST * self.width)(z)
        x = x.reshape(-1, SMALLEST, SMALLEST, self.width)
        for level in range(_doublings(self.shape) + 1):
            if level:
                x = double(x)
            x = nn.elu(SameConv(self.width)(x))
            x = nn.elu(SameConv(self.width)(x))
        return self.output_activation(SameConv(self.shape[-1])(x))


class BEGANEncoder(nn.Module):
    """Images [batch, size, size, channel] -> codes [batch, z_dim].

    Attributes:
      z_dim: width of the code, at least 1.
      width: n, channels of the first layers.
    """

    z_dim: int
    width: int = 64

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = True) -> jax.Array:
        del train
        whole(1, z_dim=self.z_dim, width=self.width)
        levels = _doublings(x.shape)
        x = nn.elu(SameConv(self.width)(x))
        for level in range(levels + 1):
            channels = self.width * (level + 1)
            x = nn.elu(SameConv(channels)(x))
            x = nn.elu(SameConv(channels)(x))
            if level < levels:
                x = HalvingConv(channels)(x)  # [batch, s/2, s/2, c]
        return nn.Dense(self.z_dim)(x.reshape(x.shape[0], -1))
