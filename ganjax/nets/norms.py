"""Normalisations of activations, one signature: `train -> (x -> x)`, x [batch, ..., channel].

A row's attribute `centres` says that it removes the mean of every channel, so that a bias before it
would have no effect; `referenced`, that the network is to run a reference batch in front;
`labelled`, that it takes labels.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import spread
from ganjax.nets.layers import at_least, identity, ones_normal, wide

# DCGAN's batch normalisation: statistics of the batch in training, running averages (weight 0.1 on
# the newest batch) otherwise.
BatchNorm = partial(nn.BatchNorm, momentum=0.9, epsilon=1e-5, scale_init=ones_normal(0.02))


def none(train: bool = True) -> Callable:
    """No normalisation."""
    del train
    return identity


def batch(train: bool = True) -> Callable:
    """Batch normalisation with DCGAN's settings (Ioffe & Szegedy 2015, arXiv:1502.03167).

    Args:
      train: statistics of the batch, and running averages of them kept; otherwise those averages.

    Returns:
      Module x -> x, with a gain ~ N(1, 0.02^2) and a bias for every channel.
    """
    return BatchNorm(use_running_average=not train, axis_name=spread.axis_name())


def instance(train: bool = True, *, affine: bool = True) -> Callable:
    """Instance normalisation: mean 0, variance 1 in every channel of every example.

    Ulyanov et al. 2016, arXiv:1607.08022.

    Args:
      train: unused; part of the shelf's signature.
      affine: whether every channel has a gain and a bias; CycleGAN's have none.

    Returns:
      Callable x -> x for x [batch, spatial..., channel]. It raises a ValueError for activations
      without spatial axes.
    """
    del train

    def normalise(x):
        if x.ndim < 3:
            raise ValueError(
                f"instance normalisation of activations {x.shape} without spatial axes would leave "
                "nothing; use it in convolutional networks, or the norm 'layer' here"
            )
        return nn.InstanceNorm(use_scale=affine, use_bias=affine)(x)

    return normalise


def layer(train: bool = True) -> Callable:
    """Layer normalisation: mean 0, variance 1 in every example (Ba et al. 2016, arXiv:1607.06450).

    In images over all pixels and channels together, as WGAN-GP has it (arXiv:1704.00028).

    Args:
      train: unused; part of the shelf's signature.

    Returns:
      Callable x -> x, with a gain and a bias for every channel.
    """
    del train
    return lambda x: nn.LayerNorm(reduction_axes=tuple(range(1, x.ndim)))(x)


def pixel(train: bool = True) -> Callable:
    """Pixel normalisation, x / sqrt(mean_c x^2 + 1e-8) (Karras et al. 2018, arXiv:1710.10196, 4.2).

    Args:
      train: unused; part of the shelf's signature.

    Returns:
      Function x -> x, without parameters.
    """
    del train

    def normalise(x):
        squares = jnp.mean(jnp.square(wide(x)), axis=-1, keepdims=True)
        return (x * jax.lax.rsqrt(squares + 1e-8)).astype(x.dtype)

    return normalise


def virtual(train: bool = True, *, rows: int = 0) -> Callable:
    """Virtual batch normalisation (Salimans et al. 2016, section 3.5, arXiv:1606.03498).

    An example is normalised by the mean and the mean of squares of every channel over a fixed
    reference batch of R examples and itself, (R m_ref + m_x) / (R + 1), so that its output does not
    depend on the rest of its batch. The reference batch is normalised by itself alone. It is the
    inputs that the network was initialised with, kept in the network's collection `reference`, and
    passes the network in every call; see `referenced`.

    Args:
      train: unused, the two modes are the same; part of the shelf's signature.
      rows: R, the leading rows of x that are the reference batch; the network sets it.

    Returns:
      Module x -> x, with a gain ~ N(1, 0.02^2) and a bias for every channel.

    Raises:
      ValueError: there are no reference rows, as in a network that knows nothing of them.
    """
    del train
    if rows < 1:
        raise ValueError(
            f"rows={rows}: virtual batch normalisation needs a reference batch in front of x; take "
            "x and norm from `referenced` in the network"
        )
    return VirtualBatchNorm(rows=rows)


def conditional_batch(
    train: bool = True, *, num_classes: int, y: jax.Array | None = None
) -> Callable:
    """Batch normalisation with a gain and a bias for every class and channel.

    See `ConditionalBatchNorm`.

    Args:
      train: as in `batch`.
      num_classes: number of classes, at least 1.
      y: labels, int [batch]; the network sets them.

    Returns:
      Module x -> x.

    Raises:
      ValueError: there are no labels, or several an example.
    """
    if y is None:
        raise ValueError(
            "the norm 'conditional_batch' needs labels; play the game 'conditional' with it"
        )
    if y.ndim != 1:
        raise ValueError(
            f"the norm 'conditional_batch' takes one label an example, got labels {y.shape}; those "
            "of packed samples can join the input: labels='one_hot'"
        )
    return lambda x: ConditionalBatchNorm(num_classes)(x, y, train)


class VirtualBatchNorm(nn.Module):
    """x [rows + batch, ..., channel] normalised by its leading rows; see `virtual`.

    Attributes:
      rows: number of rows of the reference batch.
      epsilon: added to the variance.
    """

    rows: int
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = (*(1,) * (x.ndim - 1), x.shape[-1])
        gain = self.param("scale", ones_normal(0.02), channels[-1:], jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, channels[-1:], jnp.float32)
        dtype, x = x.dtype, wide(x)
        reference, x = x[: self.rows], x[self.rows :]
        axes = tuple(range(1, x.ndim - 1))
        mean_ref = reference.mean((0, *axes), keepdims=True)  # [1, ..., channel]
        var_ref = reference.var((0, *axes), keepdims=True)
        # The two means mixed, written so that the variance cannot be negative by rounding.
        share = 1 / (self.rows + 1)
        apart = x.mean(axes, keepdims=True) - mean_ref  # [batch, ..., channel]
        mean = mean_ref + share * apart
        var = (1 - share) * (var_ref + share * apart**2) + share * x.var(axes, keepdims=True)
        both = jnp.concatenate(
            [
                (reference - mean_ref) * jax.lax.rsqrt(var_ref + self.epsilon),
                (x - mean) * jax.lax.rsqrt(var + self.epsilon),
            ]
        )
        return (both * gain.reshape(channels) + bias.reshape(channels)).astype(dtype)


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation with a gain and a bias for every class and channel.

    Dumoulin et al. 2017 (arXiv:1610.07629), in GANs since Miyato & Koyama 2018 (arXiv:1802.05637).
    Gains start at 1, biases at 0. Called with x [batch, ..., channel], labels y, int [batch] from 0
    to num_classes - 1 (others give NaN), and `train` as in `batch`.

    Attributes:
      num_classes: number of classes, at least 1.
    """

    num_classes: int

    @nn.compact
    def __call__(self, x: jax.Array, y: jax.Array, train: bool = True) -> jax.Array:
        at_least(1, num_classes=self.num_classes)
        norm = BatchNorm(
            use_running_average=not train,
            use_scale=False,
            use_bias=False,
            axis_name=spread.axis_name(),
        )
        shape = (x.shape[0], *(1,) * (x.ndim - 2), x.shape[-1])
        gain, bias = (
            nn.Embed(self.num_classes, x.shape[-1], embedding_init=init, name=name)(y)
            for name, init in (("gain", nn.initializers.ones), ("bias", nn.initializers.zeros))
        )
        return norm(x) * gain.reshape(shape) + bias.reshape(shape)


batch.centres = instance.centres = virtual.centres = conditional_batch.centres = True
virtual.referenced = True
conditional_batch.labelled = True


def _says(norm: Callable, attribute: str) -> bool:
    """Whether a row, bare or with arguments bound, has an attribute that is true."""
    return getattr(getattr(norm, "func", norm), attribute, False)


def centres(norm: Callable) -> bool:
    """Whether a row removes the mean of every channel; if so, no bias stands before it."""
    return _says(norm, "centres")


class Referenced(NamedTuple):
    """What a network with a norm is to run.

    Attributes:
      x: its inputs, the reference batch in front if the norm needs one.
      norm: `() -> (x -> x)`, once a layer.
      rows: number of rows of the reference batch, to be dropped after the last norm.
    """

    x: jax.Array
    norm: Callable
    rows: int


def referenced(
    network: nn.Module, x: jax.Array, y: jax.Array | None = None, *, train: bool
) -> Referenced:
    """Puts the reference batch in front of the inputs of a network whose norm needs one.

    To be called in the network's compact method. The reference batch is the inputs of
    initialisation; the collection `reference` keeps it.

    Args:
      network: the network, with a row of `NORMS` as its attribute `norm`.
      x: its inputs [batch, ...].
      y: labels, int [batch], for a norm that takes them, or None.
      train: the mode.

    Returns:
      `Referenced`.
    """
    norm = partial(network.norm, train=train)
    if _says(network.norm, "labelled"):
        norm = partial(norm, y=y)
    if not _says(network.norm, "referenced"):
        return Referenced(x, norm, 0)
    reference = network.variable("reference", "inputs", lambda: x).value
    rows = reference.shape[0]
    x = jnp.concatenate([reference.astype(x.dtype), x])
    return Referenced(x, partial(norm, rows=rows), rows)


NORMS = {
    "none": none,
    "batch": batch,
    "instance": instance,
    "layer": layer,
    "pixel": pixel,
    "virtual": virtual,
    "conditional_batch": conditional_batch,
}
