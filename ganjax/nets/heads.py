"""The last layer of a discriminator: functions `(x, y, dense) -> outputs`, x [batch, ..., channel].

They are applied in the network's compact method. `dense(features, use_bias=True)` makes a layer
with the network's own initialiser and reparametrisation, one without a bias for labels; y are
labels, int [batch], or None.
"""

from collections.abc import Callable

import jax
from flax import linen as nn

from ganjax.nets.layers import at_least


def _flat(x: jax.Array) -> jax.Array:
    return x.reshape(x.shape[0], -1)


def logit(x: jax.Array, y: jax.Array | None, dense: Callable) -> jax.Array:
    """One logit an example, affine in all features; labels have no part in it.

    Args:
      x: features [batch, ...].
      y: unused; part of the shelf's signature.
      dense: makes layers.

    Returns:
      Logits [batch].
    """
    del y
    return dense(1)(_flat(x))[:, 0]


def projection(
    x: jax.Array, y: jax.Array | None, dense: Callable, *, num_classes: int
) -> jax.Array:
    """Projection discriminator (Miyato & Koyama 2018, equation 3, arXiv:1802.05637).

    f(x, y) = y^T V phi(x) + psi(phi(x)), y one-hot, psi affine, and phi the features, summed over
    pixels in images as in the paper's networks.

    Args:
      x: features [batch, ..., channel].
      y: labels, int [batch] from 0 to num_classes - 1.
      dense: makes layers.
      num_classes: number of classes, at least 1.

    Returns:
      Logits [batch].

    Raises:
      ValueError: there are no labels, several an example, or `num_classes` is less than 1.
    """
    at_least(1, num_classes=num_classes)
    if y is None:
        raise ValueError("the head 'projection' needs labels; play the game 'conditional' with it")
    if y.ndim != 1:
        raise ValueError(
            f"the head 'projection' takes one label an example, got labels {y.shape}; those of "
            "packed samples can join the input: labels='one_hot'"
        )
    phi = x.reshape(x.shape[0], -1, x.shape[-1]).sum(1)  # [batch, channel]
    embedded = dense(phi.shape[-1], use_bias=False)(nn.one_hot(y, num_classes, dtype=x.dtype))
    return dense(1)(phi)[:, 0] + (embedded * phi).sum(-1)


def auxiliary(
    x: jax.Array, y: jax.Array | None, dense: Callable, *, num_classes: int
) -> tuple[jax.Array, jax.Array]:
    """A logit and, beside it, an auxiliary classifier (AC-GAN, Odena et al. 2017, 1610.09585).

    Args:
      x: features [batch, ...].
      y: unused; part of the shelf's signature.
      dense: makes layers.
      num_classes: number of classes, at least 1.

    Returns:
      (logits [batch], logits of the classes [batch, num_classes]).

    Raises:
      ValueError: `num_classes` is less than 1.
    """
    at_least(1, num_classes=num_classes)
    return logit(x, y, dense), dense(num_classes)(_flat(x))


def classifier(
    x: jax.Array, y: jax.Array | None, dense: Callable, *, num_classes: int
) -> tuple[jax.Array, jax.Array]:
    """Logits of classes and the features they are made of, for semi-supervised games.

    Args:
      x: features [batch, ...].
      y: unused; part of the shelf's signature.
      dense: makes layers.
      num_classes: number of classes, at least 1.

    Returns:
      (logits of the classes [batch, num_classes], features [batch, dim]).

    Raises:
      ValueError: `num_classes` is less than 1.
    """
    del y
    at_least(1, num_classes=num_classes)
    return dense(num_classes)(_flat(x)), _flat(x)


def code(x: jax.Array, y: jax.Array | None, dense: Callable, *, z_dim: int) -> jax.Array:
    """A code, affine in all features: with this head a discriminator is an encoder.

    Args:
      x: features [batch, ...].
      y: unused; part of the shelf's signature.
      dense: makes layers.
      z_dim: width of the code, at least 1.

    Returns:
      Codes [batch, z_dim].

    Raises:
      ValueError: `z_dim` is less than 1.
    """
    del y
    at_least(1, z_dim=z_dim)
    return dense(z_dim)(_flat(x))


HEADS = {
    "logit": logit,
    "projection": projection,
    "auxiliary": auxiliary,
    "classifier": classifier,
    "code": code,
}
