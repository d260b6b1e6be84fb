"""Auto-encoders: an encoder x -> code and a decoder code -> x in one module.

Factories take the shape of one sample and `z_dim`, the width of the decoder's input, and raise a
ValueError for sizes out of range (some only when traced).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from flax import linen as nn

from ganjax.checks import whole
from ganjax.nets.began import BEGANEncoder, BEGANGenerator
from ganjax.nets.dcgan import DCGANDiscriminator, DCGANGenerator
from ganjax.nets.heads import code
from ganjax.nets.layers import identity
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
      shape: of one sample, e.g. (2,) or (8, 8, 1).
      z_dim: at least 1.
      width, depth, activation, output_activation, kernel_init, norm, weights: as in `MLPGenerator`,
        of both networks.
      moments: numbers in a code for each of z_dim: 2 for a variational encoder, whose codes are
        means and then log-variances [batch, 2 z_dim].
    """
    whole(1, z_dim=z_dim, moments=moments)
    shared: dict[str, Any] = {
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
      shape: (size, size, channel), size a power of two from 8 to 128, pixels in [-1, 1].
      z_dim, moments: as in `mlp`.
      width, norm, weights: as in `DCGANGenerator`, of both networks.
    """
    whole(1, z_dim=z_dim, moments=moments)
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
      z_dim: at least 1; the paper takes 64 and 128.
      width: n, channels of the first layers; the paper takes 64 and 128.
      output_activation: of the last layer; a tanh would be flat where pixels are near -1 or 1.
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
