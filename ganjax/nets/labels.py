"""Labels at a network's input: functions `(x, y) -> x` that append features to x.

x are latents [batch, z_dim], points or images, in which every feature is a constant channel; y are
labels, int [batch] from 0 to num_classes - 1, or [batch, packing] of packed samples, appended one
after the other, or None, which every row but `none` refuses with a ValueError. They are called in
the network's compact method.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.checks import whole


def required(part: str, y: jax.Array | None) -> None:
    """Raises a ValueError if there are no labels for a part of a network."""
    if y is None:
        raise ValueError(f"{part} needs labels; use the game 'conditional' with this network")


def one_per_example(part: str, y: jax.Array | None) -> None:
    """Raises a ValueError if there are no labels, or several per example."""
    required(part, y)
    if y.ndim != 1:
        raise ValueError(
            f"{part} takes one label per example, got labels {y.shape}; those of packed samples "
            "can join the input: labels='one_hot'"
        )


def none(x: jax.Array, y: jax.Array | None) -> jax.Array:
    """The input unchanged."""
    del y
    return x


def _append(x: jax.Array, features: jax.Array) -> jax.Array:
    """x [batch, ..., channel] and features [batch, dim] -> [batch, ..., channel + dim]."""
    features = features.reshape(x.shape[0], *(1,) * (x.ndim - 2), -1).astype(x.dtype)
    features = jnp.broadcast_to(features, (*x.shape[:-1], features.shape[-1]))
    return jnp.concatenate([x, features], axis=-1)


def one_hot(x: jax.Array, y: jax.Array | None, *, num_classes: int) -> jax.Array:
    """Appends the one-hot label, num_classes channels (Mirza & Osindero 2014, arXiv:1411.1784)."""
    whole(1, num_classes=num_classes)
    required("labels 'one_hot'", y)
    return _append(x, nn.one_hot(y, num_classes))


def embedding(x: jax.Array, y: jax.Array | None, *, num_classes: int, dim: int = 16) -> jax.Array:
    """Appends a learned vector of width `dim` for every class.

    The reference batch of virtual batch normalisation keeps the vectors of initialisation.
    """
    whole(1, num_classes=num_classes, dim=dim)
    required("labels 'embedding'", y)
    init = nn.initializers.normal(1.0)  # the size of normal latents
    return _append(x, nn.Embed(num_classes, dim, embedding_init=init, name="labels")(y))


LABELS = {
    "none": none,
    "one_hot": one_hot,
    "embedding": embedding,
}
