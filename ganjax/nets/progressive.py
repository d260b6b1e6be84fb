"""ProGAN's networks at one resolution (Karras et al. 2018, arXiv:1710.10196, table 2).

A layer's name and shape depend on its resolution alone, so that the network of 16 pixels holds
every leaf of that of 8, and growing is copying. Blocks of two 3x3
convolutions work at 4, 8, ... pixels, the first after nearest-neighbour doubling, or the second
before halving by means; 1x1 layers lead from and to colours. Equalised learning rate in every
layer, LeakyReLU 0.2; pixel normalisation of the latent and after every convolution of the
generator; the minibatch standard deviation as one map more in the discriminator's last block. The
generator's output is linear. Paper: table 2 halves after the activation; its code, from 128 pixels
on, before it, so that convolving and halving are one operation; so do we everywhere.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.checks import whole
from ganjax.nets.convolutions import DownscalingConv, SameConv, UpscalingConv
from ganjax.nets.layers import double, doublings, halve, leaky_relu
from ganjax.nets.minibatch import stddev
from ganjax.nets.norms import pixelwise
from ganjax.nets.weights import equalised

FIRST = 4  # pixels of the smallest block


def blend(old: jax.Array, new: jax.Array, alpha: float | jax.Array) -> jax.Array:
    """(1 - alpha) old + alpha new, exactly either of them at alpha 0 and 1."""
    return ((1 - alpha) * old + alpha * new).astype(old.dtype)


def _sizes(shape: tuple[int, ...]) -> list[int]:
    """Sizes of the blocks, 4, 8, ..., of images [..., size, size, channel]."""
    return [FIRST * 2**n for n in range(doublings(shape, start=FIRST, least=FIRST) + 1)]


def _features(network: nn.Module, size: int) -> int:
    """Channels at a resolution; 8192 / 2 = 4096 at 4 pixels, cut to 512, in the paper."""
    whole(1, fmap_base=network.fmap_base, fmap_max=network.fmap_max)
    return max(1, min(2 * network.fmap_base // size, network.fmap_max))


def _active(layer: nn.Module, x: jax.Array) -> jax.Array:
    return leaky_relu(equalised(layer)(x))


class ProgressiveGenerator(nn.Module):
    """Latents [batch, z_dim] -> images [batch, size, size, channel], of no bounded range.

    The image is (1 - alpha) times the doubled image of the network of half the size plus alpha
    times the new one, at alpha 0 and 1 exactly either of them.

    Attributes:
      shape: (size, size, channel), size a power of two from 4 on.
      fmap_base: channels at a resolution are 2 fmap_base / size, at most `fmap_max`.
      fmap_max: most channels of a layer, at least 1.
    """

    shape: tuple[int, ...]
    fmap_base: int = 8192
    fmap_max: int = 512

    @nn.compact
    def __call__(self, z: jax.Array, alpha: float | jax.Array = 1.0) -> jax.Array:
        x, images = None, []
        for size in _sizes(self.shape):
            features = _features(self, size)
            if size == FIRST:
                x = self._first(pixelwise(z), features)
            else:
                x = pixelwise(_active(UpscalingConv(features, name=f"block_{size}_conv_0"), x))
            x = pixelwise(_active(SameConv(features, name=f"block_{size}_conv_1"), x))
            # Every size has its layer of colours, as in the paper's code; two have an effect.
            to_rgb = nn.Dense(self.shape[-1], name=f"to_rgb_{size}")
            images.append(equalised(to_rgb, gain=1.0)(x))
        return images[-1] if len(images) == 1 else blend(double(images[-2]), images[-1], alpha)

    def _first(self, z: jax.Array, features: int) -> jax.Array:
        """Latents -> [batch, 4, 4, features], with a bias for every channel."""
        dense = nn.Dense(FIRST**2 * features, use_bias=False, name=f"block_{FIRST}_dense")
        # The paper's code has a quarter of He's constant here.
        x = equalised(dense, gain=math.sqrt(2) / 4)(z).reshape(-1, FIRST, FIRST, features)
        bias = self.param(f"block_{FIRST}_bias", nn.initializers.zeros, (features,), jnp.float32)
        return pixelwise(leaky_relu(x + bias.reshape(1, 1, 1, -1)))


class ProgressiveDiscriminator(nn.Module):
    """Images [batch, size, size, channel] -> logits [batch], size a power of two from 4 on.

    With alpha below 1, the first block's output is blended with the halved image's features in the
    network of half the size: at 0 it is that network exactly.

    Attributes:
      fmap_base, fmap_max: as in `ProgressiveGenerator`.
      group_size: examples in a group of the minibatch standard deviation.
    """

    fmap_base: int = 8192
    fmap_max: int = 512
    group_size: int = 4

    @nn.compact
    def __call__(self, x: jax.Array, alpha: float | jax.Array = 1.0) -> jax.Array:
        features, sides = partial(_features, self), _sizes(x.shape)
        hidden = None
        for size in reversed(sides):
            # As in the generator.
            coloured = _active(nn.Dense(features(size), name=f"from_rgb_{size}"), x)
            if size == sides[-1]:
                hidden = coloured
            elif size == sides[-2]:
                hidden = blend(coloured, hidden, alpha)
            if size > FIRST:
                same = SameConv(features(size), name=f"block_{size}_conv_0")
                down = DownscalingConv(features(size // 2), name=f"block_{size}_conv_1")
                hidden, x = _active(down, _active(same, hidden)), halve(x)
        hidden = stddev(hidden, group_size=self.group_size)
        hidden = _active(SameConv(features(FIRST), name=f"block_{FIRST}_conv"), hidden)
        dense = nn.Dense(features(FIRST // 2), name=f"block_{FIRST}_dense")
        hidden = _active(dense, hidden.reshape(hidden.shape[0], -1))
        return equalised(nn.Dense(1, name="logit"), gain=1.0)(hidden)[:, 0]
