"""Auto-encoders: an encoder x -> code and a decoder code -> x in one module."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from flax import linen as nn

from ganjax.nets.began import BEGANEncoder, BEGANGenerator
from ganjax.nets.dcgan import DCGANDiscriminator, DCGANGenerator
from ganjax.nets.heads import code
from ganjax.nets.layers import at_least, identity
from ganjax.nets.mlp import MLPDiscriminator, MLPGenerator
from ganjax.nets.norms import batch, none
from ganjax.nets.weights import plain

_init = nn.initializers.lecun_normal()


class AutoEncoder(nn.Module):
    """Samples [batch, ...] -> (reconstructions [batch, ...], codes [batch, codes]).

    Attributes:
      encoder: module, samples -> codes.
      decoder: module, codes -> samples.
    """

    encoder: nn.Module
    decoder: nn.Module

    def __call__(self, x: jax.Array, train: bool = True) -> tuple[jax.Array, jax.Array]:
        codes = self.encode(x, train)
        return self.decode(codes, train), codes

    def encode(self, x: jax.Array, train: bool = True) -> jax.Array:
        """Codes [batch, codes] of samples [batch, ...]."""
        return self.encoder(x, train=train)

    def decode(self, z: jax.Array, train: bool = True) -> jax.Array:
        """Samples [batch, ...] of codes [batch, z_dim]."""
        return self.decoder(z, train=train)


def mlp(
    shape: tuple[int, ...],
    z_dim: int = 32,
    width: int = 128,
    depth: int = 2,
    activation: Callable = nn.relu,
    output_activation: Callable = identity,
    kernel_init: Callable = _init,
    norm: Callable = none,
    weights: Callable = plain,
    moments: int = 1,
) -> AutoEncoder:
    """Multilayer perceptrons, `depth` hidden layers of `width` units on either side of the code.

    With `depth=0` and the identity at the output both are affine, as in principal components.

    Args:
      shape: shape of one sample, e.g. (2,) or (8, 8, 1).
      z_dim: width of what is decoded, at least 1.
      width: units of a hidden layer.
      depth: hidden layers of the encoder, and of the decoder, at least 0.
      activation: of the hidden layers.
      output_activation: of the last layer; tanh for images in [-1, 1].
      kernel_init: initialiser of all weight matrices.
      norm: normalisation between a hidden layer and its activation, a row of `NORMS`.
      weights: reparametrisation of every layer, a row of `WEIGHTS`.
      moments: numbers that the encoder gives for each of z_dim: 2 for a variational one, whose
        codes are means and then log-variances [batch, 2 z_dim].

    Returns:
      `AutoEncoder`.

    Raises:
      ValueError: a size is out of range (some only where it is traced).
    """
    at_least(1, z_dim=z_dim, moments=moments)
    shared = {
        "width": width,
        "depth": depth,
        "activation": activation,
        "kernel_init": kernel_init,
        "norm": norm,
        "weights": weights,
    }
    return AutoEncoder(
        encoder=MLPDiscriminator(**shared, head=partial(code, z_dim=moments * z_dim)),
        decoder=MLPGenerator(shape, **shared, output_activation=output_activation),
    )


def dcgan(
    shape: tuple[int, ...],
    z_dim: int = 32,
    width: int = 32,
    norm: Callable = batch,
    weights: Callable = plain,
    moments: int = 1,
) -> AutoEncoder:
    """DCGAN's discriminator with a code for its logit, and its generator (arXiv:1511.06434).

    Args:
      shape: (size, size, channel), size a power of two from 8 to 128.
      z_dim: width of what is decoded, at least 1.
      width: channels of the layers next to the images.
      norm: normalisation, a row of `NORMS`.
      weights: reparametrisation of every layer, a row of `WEIGHTS`.
      moments: numbers that the encoder gives for each of z_dim, as in `mlp`.

    Returns:
      `AutoEncoder` of images in [-1, 1].

    Raises:
      ValueError: a size is out of range (some only where it is traced).
    """
    at_least(1, z_dim=z_dim, moments=moments)
    shared: dict[str, Any] = {"width": width, "norm": norm, "weights": weights}
    return AutoEncoder(
        encoder=DCGANDiscriminator(**shared, head=partial(code, z_dim=moments * z_dim)),
        decoder=DCGANGenerator(shape, **shared),
    )


def began(
    shape: tuple[int, ...],
    z_dim: int = 64,
    width: int = 64,
    output_activation: Callable = identity,
) -> AutoEncoder:
    """BEGAN's discriminator (Berthelot et al. 2017, section 3, arXiv:1703.10717).

    Args:
      shape: (size, size, channel), size a power of two from 8 to 256.
      z_dim: width of the code, at least 1; the paper takes 64 and 128.
      width: n, channels of the first layers; the paper takes 64 and 128.
      output_activation: of the last layer; a tanh would be flat where pixels are near -1 or 1.

    Returns:
      `AutoEncoder`.

    Raises:
      ValueError: a size is out of range (some only where it is traced).
    """
    return AutoEncoder(
        encoder=BEGANEncoder(z_dim, width=width),
        decoder=BEGANGenerator(shape, width=width, output_activation=output_activation),
    )


AUTOENCODERS = {
    "began_autoencoder": began,
    "mlp_autoencoder": mlp,
    "dcgan_autoencoder": dcgan,
}
