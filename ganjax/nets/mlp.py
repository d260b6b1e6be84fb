"""Multilayer perceptrons as generator and discriminator, for points and for flattened images."""

import math
from collections.abc import Callable

import jax
from flax import linen as nn

from ganjax.nets.layers import at_least, identity, leaky_relu


class MLPGenerator(nn.Module):
    """Latents [batch, z_dim] -> samples [batch, *shape], `depth` hidden layers of `width` units.

    Attributes:
      shape: shape of one sample, e.g. (2,) or (8, 8, 1).
      width: units of a hidden layer.
      depth: number of hidden layers, at least 0.
      activation: of the hidden layers.
      output_activation: of the last layer; tanh for images, the identity for points.
      kernel_init: initialiser of all weight matrices; biases start at 0.
    """

    shape: tuple[int, ...]
    width: int = 128
    depth: int = 2
    activation: Callable = nn.relu
    output_activation: Callable = identity
    kernel_init: Callable = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, z: jax.Array) -> jax.Array:
        at_least(1, width=self.width)
        at_least(0, depth=self.depth)
        for _ in range(self.depth):
            z = self.activation(nn.Dense(self.width, kernel_init=self.kernel_init)(z))
        x = nn.Dense(math.prod(self.shape), kernel_init=self.kernel_init)(z)
        return self.output_activation(x).reshape(z.shape[0], *self.shape)


class MLPDiscriminator(nn.Module):
    """Samples [batch, ...] -> logits [batch], `depth` hidden layers of `width` units.

    Attributes:
      width: units of a hidden layer.
      depth: number of hidden layers, at least 0.
      activation: of the hidden layers.
      kernel_init: initialiser of all weight matrices; biases start at 0.
      input_scale: factor on the input (unrolled GAN divides points by 4, arXiv:1611.02163).
    """

    width: int = 128
    depth: int = 2
    activation: Callable = leaky_relu
    kernel_init: Callable = nn.initializers.lecun_normal()
    input_scale: float = 1.0

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        at_least(1, width=self.width)
        at_least(0, depth=self.depth)
        x = x.reshape(x.shape[0], -1) * self.input_scale
        for _ in range(self.depth):
            x = self.activation(nn.Dense(self.width, kernel_init=self.kernel_init)(x))
        return nn.Dense(1, kernel_init=self.kernel_init)(x)[:, 0]
