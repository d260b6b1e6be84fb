"""Labels at a network's input: functions `(x, y) -> x` that append features, y int [batch] or None.

They are applied in the network's compact method, to latents [batch, z_dim], points or images; in
images [batch, height, width, channel] every feature is a constant channel. Labels [batch, packing]
of packed samples are appended one after the other.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.nets.layers import at_least


def none(x: jax.Array, y: jax.Array | None) -> jax.Array:
    """The input as it is: labels, if there are any, do not enter here.

    Args:
      x: inputs [batch, ...].
      y: unused; part of the shelf's signature.

    Returns:
      x.
    """
    del y
    return x


def _appended(x: jax.Array, features: jax.Array) -> jax.Array:
    """x [batch, ..., channel] and features [batch, dim] -> [batch, ..., channel + dim]."""
    features = features.reshape(x.shape[0], *(1,) * (x.ndim - 2), -1).astype(x.dtype)
    features = jnp.broadcast_to(features, (*x.shape[:-1], features.shape[-1]))
    return jnp.concatenate([x, features], axis=-1)


def _check(name: str, y: jax.Array | None, num_classes: int) -> None:
    at_least(1, num_classes=num_classes)
    if y is None:
        raise ValueError(
            f"labels {name!r} needs labels; play the game 'conditional' with this network"
        )


def one_hot(x: jax.Array, y: jax.Array | None, *, num_classes: int) -> jax.Array:
    """Appends the one-hot label (Mirza & Osindero 2014, arXiv:1411.1784).

    Args:
      x: inputs [batch, ..., channel].
      y: labels, int [batch] from 0 to num_classes - 1.
      num_classes: number of classes, at least 1.

    Returns:
      [batch, ..., channel + num_classes].

    Raises:
      ValueError: there are no labels, or `num_classes` is less than 1.
    """
    _check("one_hot", y, num_classes)
    return _appended(x, nn.one_hot(y, num_classes))


def embedding(x: jax.Array, y: jax.Array | None, *, num_classes: int, dim: int = 16) -> jax.Array:
    """Appends a learned vector for every class.

    The reference batch of virtual batch normalisation keeps the vectors of initialisation.

    Args:
      x: inputs [batch, ..., channel].
      y: labels, int [batch] from 0 to num_classes - 1.
      num_classes: number of classes, at least 1.
      dim: width of the vectors, at least 1.

    Returns:
      [batch, ..., channel + dim].

    Raises:
      ValueError: there are no labels, or a size is less than 1.
    """
    _check("embedding", y, num_classes)
    at_least(1, dim=dim)
    init = nn.initializers.normal(1.0)  # of the size of normal latents
    return _appended(x, nn.Embed(num_classes, dim, embedding_init=init, name="labels")(y))


LABELS = {
    "none": none,
    "one_hot": one_hot,
    "embedding": embedding,
}
