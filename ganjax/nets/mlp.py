"""Multilayer perceptrons as generator and discriminator, for points and for flattened images."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from flax import linen as nn

from ganjax.checks import whole, within
from ganjax.nets import labels as inputs
from ganjax.nets.heads import logit
from ganjax.nets.layers import identity, leaky_relu, wide
from ganjax.nets.norms import none, normalised
from ganjax.nets.weights import plain


class MLPGenerator(nn.Module):
    """Latents [batch, z_dim] -> samples [batch, *shape], `depth` hidden layers of `width` units.

    Inputs with more axes are flattened, so that it may encode images.

    Attributes:
      shape: shape of one sample, e.g. (2,) or (8, 8, 1).
      width: units of a hidden layer.
      depth: number of hidden layers, from 0 to 1000.
      activation: of the hidden layers.
      output_activation: of the last layer; tanh for images, the identity for points.
      kernel_init: initialiser of all weight matrices; biases start at 0.
      norm, weights, labels: as in `ganjax.nets`; the norm in every hidden layer.
    """

    shape: tuple[int, ...]
    width: int = 128
    depth: int = 2
    activation: Callable = nn.relu
    output_activation: Callable = identity
    kernel_init: Callable = nn.initializers.lecun_normal()
    norm: Callable = none
    weights: Callable = plain
    labels: Callable = inputs.none

    @nn.compact
    def __call__(self, z: jax.Array, y: jax.Array | None = None, train: bool = True) -> jax.Array:
        whole(1, width=self.width)
        whole(0, 1000, depth=self.depth)
        z = z.reshape(z.shape[0], -1)
        z, norm, rows, use_bias = normalised(self, self.labels(z, y), y, train=train)
        dense = partial(nn.Dense, kernel_init=self.kernel_init)
        for _ in range(self.depth):
            layer = dense(self.width, use_bias=use_bias)
            z = self.activation(norm(self.weights(layer, train=train)(z)))
        x = self.weights(dense(math.prod(self.shape)), train=train)(z[rows:])
        return self.output_activation(x).reshape(x.shape[0], *self.shape)


class MLPDiscriminator(nn.Module):
    """Samples [batch, ...] -> logits [batch], or the head's outputs, with `depth` hidden layers.

    Attributes:
      width, depth, activation, kernel_init: as in `MLPGenerator`.
      input_scale: factor on the input (unrolled GAN divides points by 4, arXiv:1611.02163).
      noise: standard deviation of the Gaussian noise added, in training, to the input of every
        layer after the first (semi-supervised GAN, 0.5, arXiv:1606.03498), but not to the features
        that a head returns.
      norm, weights, minibatch, labels, head: as in `ganjax.nets`; the norm in every hidden layer.
    """

    width: int = 128
    depth: int = 2
    activation: Callable = leaky_relu
    kernel_init: Callable = nn.initializers.lecun_normal()
    input_scale: float = 1.0
    norm: Callable = none
    weights: Callable = plain
    noise: float = 0.0
    minibatch: Callable = identity
    labels: Callable = inputs.none
    head: Callable = logit

    @nn.compact
    def __call__(self, x: jax.Array, y: jax.Array | None = None, train: bool = True) -> Any:
        whole(1, width=self.width)
        whole(0, 1000, depth=self.depth)
        within("[0, inf)", noise=self.noise)
        x, norm, rows, use_bias = normalised(self, self.labels(x, y), y, train=train)
        dense = partial(nn.Dense, kernel_init=self.kernel_init)
        x = x.reshape(x.shape[0], -1) * self.input_scale
        for index in range(self.depth):
            layer = dense(self.width, use_bias=use_bias)
            x = self._noisy(x, train and index > 0)
            x = self.activation(norm(self.weights(layer, train=train)(x)))

        def last(*arguments, use_bias=True):
            layer = self.weights(dense(*arguments, use_bias=use_bias), train=train)
            # A layer without a bias is of labels, which get no noise.
            return lambda x: layer(self._noisy(x, train and use_bias and self.depth > 0))

        return self.head(self.minibatch(x[rows:]), y, last)

    def _noisy(self, x: jax.Array, train: bool) -> jax.Array:
        if not (train and self.noise):
            return x
        noise = jax.random.normal(self.make_rng("dropout"), x.shape, wide(x).dtype)
        return x + (self.noise * noise).astype(x.dtype)
