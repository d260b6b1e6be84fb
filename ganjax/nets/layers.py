"""Shared by several networks: activations, initialisers, resizing, sizes of square images."""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn


def leaky_relu(x: jax.Array) -> jax.Array:
    """LeakyReLU with slope 0.2, the discriminator's activation since DCGAN (arXiv:1511.06434)."""
    return nn.leaky_relu(x, negative_slope=0.2)


def identity(x: jax.Array) -> jax.Array:
    """The input unchanged; the output activation of generators of points."""
    return x


def wide(x: jax.Array) -> jax.Array:
    """In float32 at least, for statistics of bfloat16 activations."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def double(x: jax.Array) -> jax.Array:
    """Nearest-neighbour doubling of images: [b, h, w, c] -> [b, 2h, 2w, c]."""
    return x.repeat(2, axis=1).repeat(2, axis=2)


def halve(x: jax.Array) -> jax.Array:
    """Means over blocks of 2x2 pixels: [b, h, w, c] -> [b, h/2, w/2, c], h and w even."""
    b, h, w, c = x.shape
    return x.reshape(b, h // 2, 2, w // 2, 2, c).mean((2, 4))


def doublings(shape: tuple[int, ...], *, start: int, least: int, most: float = math.inf) -> int:
    """Number of doublings from `start` pixels to square images [..., size, size, channel].

    Raises:
      ValueError: the images are not square, or the size is no power of two from `least` to `most`.
    """
    if len(shape) < 3 or shape[-3] != shape[-2]:
        raise ValueError(
            f"this network needs square images [size, size, channel], not {shape}; resize the "
            "images, or use the mlp networks"
        )
    size = shape[-2]
    if size & (size - 1) or not least <= size <= most:
        near = max(least, min(most, 2 ** round(math.log2(max(size, 1)))))
        end = "on" if most == math.inf else f"to {most}"
        raise ValueError(
            f"image size {size} is not a power of two from {least} {end}; resize the images, e.g. "
            f"to {near}"
        )
    return size.bit_length() - start.bit_length()


def ones_normal(stddev: float = 0.02) -> nn.initializers.Initializer:
    """N(1, stddev^2), DCGAN's initialiser of normalisation gains (released code of 1511.06434)."""
    normal = nn.initializers.normal(stddev)
    return lambda key, shape, dtype=jnp.float32: 1 + normal(key, shape, dtype)


ACTIVATIONS = {
    "elu": nn.elu,
    "gelu": nn.gelu,
    "identity": identity,
    "leaky_relu": leaky_relu,
    "relu": nn.relu,
    "sigmoid": nn.sigmoid,
    "softplus": nn.softplus,
    "swish": nn.swish,
    "tanh": nn.tanh,
}

INITIALISERS = {
    "glorot_normal": nn.initializers.glorot_normal,
    "glorot_uniform": nn.initializers.glorot_uniform,
    "he_normal": nn.initializers.he_normal,
    "he_uniform": nn.initializers.he_uniform,
    "lecun_normal": nn.initializers.lecun_normal,
    "lecun_uniform": nn.initializers.lecun_uniform,
    "normal": nn.initializers.normal,
    "orthogonal": nn.initializers.orthogonal,
}
