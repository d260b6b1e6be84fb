"""The last layer of a discriminator: functions `(x, y, dense) -> outputs`.

x are features [batch, ..., channel]; y labels, int [batch] from 0 to num_classes - 1, or None.
`dense(features, use_bias=True)` makes a layer with the network's initialiser and reparametrisation,
one without a bias for labels. They are called in the network's compact method and raise a
ValueError for a size below 1.
"""

from collections.abc import Callable

import jax
from flax import linen as nn

from ganjax.checks import whole
from ganjax.nets.labels import one_per_example


def _flat(x: jax.Array) -> jax.Array:
    return x.reshape(x.shape[0], -1)


def logit(x: jax.Array, y: jax.Array | None, dense: Callable) -> jax.Array:
    """Logits [batch], affine in all features; y is unused."""
    del y
    return dense(1)(_flat(x))[:, 0]


def projection(
    x: jax.Array, y: jax.Array | None, dense: Callable, *, num_classes: int
) -> jax.Array:
    """Logits [batch] of a projection discriminator (Miyato & Koyama 2018, arXiv:1802.05637).

    Equation 3: f(x, y) = y^T V phi(x) + psi(phi(x)), y one-hot, psi affine, and phi the features,
    summed over pixels in images as in the paper's networks.

    Raises:
      ValueError: there are no labels, or several per example.
    """
    whole(1, num_classes=num_classes)
    one_per_example("the head 'projection'", y)
    phi = x.reshape(x.shape[0], -1, x.shape[-1]).sum(1)  # [batch, channel]
    embedded = dense(phi.shape[-1], use_bias=False)(nn.one_hot(y, num_classes, dtype=x.dtype))
    return dense(1)(phi)[:, 0] + (embedded * phi).sum(-1)


def auxiliary(
    x: jax.Array, y: jax.Array | None, dense: Callable, *, num_classes: int
) -> tuple[jax.Array, jax.Array]:
    """A logit and an auxiliary classifier (AC-GAN, Odena et al. 2017, arXiv:1610.09585).

    Returns:
      (logits [batch], logits of the classes [batch, num_classes]); y is unused.
    """
    whole(1, num_classes=num_classes)
    return logit(x, y, dense), dense(num_classes)(_flat(x))


def classifier(
    x: jax.Array, y: jax.Array | None, dense: Callable, *, num_classes: int
) -> tuple[jax.Array, jax.Array]:
    """Logits of the classes and the features they are affine in, for semi-supervised games.

    Returns:
      (logits of the classes [batch, num_classes], features [batch, dim]); y is unused.
    """
    del y
    whole(1, num_classes=num_classes)
    return dense(num_classes)(_flat(x)), _flat(x)


def code(x: jax.Array, y: jax.Array | None, dense: Callable, *, z_dim: int) -> jax.Array:
    """Codes [batch, z_dim], affine in all features: makes a discriminator an encoder."""
    del y
    whole(1, z_dim=z_dim)
    return dense(z_dim)(_flat(x))


HEADS = {
    "logit": logit,
    "projection": projection,
    "auxiliary": auxiliary,
    "classifier": classifier,
    "code": code,
}
