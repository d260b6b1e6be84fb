"""What several networks share: activations, initialisers, resizing, checks of sizes."""

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
    """In float32 at least, for statistics of what a network computes in bfloat16."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def double(x: jax.Array) -> jax.Array:
    """Nearest-neighbour doubling of images: [b, h, w, c] -> [b, 2h, 2w, c]."""
    return x.repeat(2, axis=1).repeat(2, axis=2)


def halve(x: jax.Array) -> jax.Array:
    """Means over blocks of 2x2 pixels: [b, h, w, c] -> [b, h/2, w/2, c], h and w even."""
    b, h, w, c = x.shape
    return x.reshape(b, h // 2, 2, w // 2, 2, c).mean((2, 4))


def at_least(smallest: int, **values: float) -> None:
    """Refuses sizes below the smallest that makes sense; called where a network is traced.

    Raises:
      ValueError: a value is too small.
    """
    for name, value in values.items():
        if value < smallest:
            raise ValueError(f"{name}={value} must be at least {smallest}")


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
