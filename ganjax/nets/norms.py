"""Normalisations of activations: factories `(**options) -> Norm`, the rows of `NORMS`.

A network calls `normalised` once, at the start of its compact method, and then `norm(x)` per layer.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import spread
from ganjax.checks import whole
from ganjax.nets.labels import one_per_example
from ganjax.nets.layers import ones_normal, wide

# DCGAN's batch normalisation: statistics of the batch in training, running averages (weight 0.1 on
# the newest batch) otherwise.
BatchNorm = partial(nn.BatchNorm, momentum=0.9, epsilon=1e-5, scale_init=ones_normal(0.02))


class Pass(NamedTuple):
    """One pass through a network, as its norms see it.

    Attributes:
      train: the mode.
      y: labels, int [batch], or None.
      rows: leading rows of x that are a reference batch.
    """

    train: bool = True
    y: jax.Array | None = None
    rows: int = 0


class Norm(NamedTuple):
    """A normalisation and its demands on the network.

    Attributes:
      apply: `(x, pass) -> x`, x [batch, ..., channel], called in the network's compact method.
      centres: whether it removes the mean of every channel, so that a bias before it is idle.
      referenced: whether a reference batch passes the network in front of the inputs.
    """

    apply: Callable[[jax.Array, Pass], jax.Array]
    centres: bool = False
    referenced: bool = False


def none() -> Norm:
    """No normalisation."""
    return Norm(lambda x, at: x)


def batch() -> Norm:
    """Batch normalisation with DCGAN's settings (Ioffe & Szegedy 2015, arXiv:1502.03167).

    Statistics of the batch in training, their running averages in evaluation; a gain ~ N(1, 0.02^2)
    and a bias for every channel.
    """

    def apply(x, at):
        return BatchNorm(use_running_average=not at.train, axis_name=spread.axis_name())(x)

    return Norm(apply, centres=True)


def instance(*, affine: bool = True) -> Norm:
    """Instance normalisation: mean 0, variance 1 in every channel of every example.

    Ulyanov et al. 2016, arXiv:1607.08022. It raises a ValueError, when applied, for activations
    without spatial axes.

    Args:
      affine: whether every channel has a gain and a bias; CycleGAN's have none.
    """

    def apply(x, at):
        del at
        if x.ndim < 3:
            raise ValueError(
                f"instance normalisation of activations {x.shape} without spatial axes would leave "
                "nothing; use it in convolutional networks, or the norm 'layer' here"
            )
        return nn.InstanceNorm(use_scale=affine, use_bias=affine)(x)

    return Norm(apply, centres=True)


def layer() -> Norm:
    """Layer normalisation: mean 0, variance 1 in every example (Ba et al. 2016, arXiv:1607.06450).

    In images over all pixels and channels together, as in WGAN-GP (arXiv:1704.00028); a gain and a
    bias for every channel.
    """
    return Norm(lambda x, at: nn.LayerNorm(reduction_axes=tuple(range(1, x.ndim)))(x))


def pixel() -> Norm:
    """`pixelwise`, without parameters."""
    return Norm(lambda x, at: pixelwise(x))


def pixelwise(x: jax.Array) -> jax.Array:
    """x / sqrt(mean_c x^2 + 1e-8) (Karras et al. 2018, section 4.2, arXiv:1710.10196)."""
    squares = jnp.mean(jnp.square(wide(x)), axis=-1, keepdims=True)
    return (x * jax.lax.rsqrt(squares + 1e-8)).astype(x.dtype)


def virtual() -> Norm:
    """Virtual batch normalisation (Salimans et al. 2016, section 3.5, arXiv:1606.03498).

    An example is normalised by the mean and the mean of squares of every channel over a fixed
    reference batch of R examples and itself, (R m_ref + m_x) / (R + 1), so that its output does not
    depend on the rest of its batch; the reference batch by itself alone. The reference batch is the
    network's inputs at initialisation, kept in its collection `reference`. Both modes are the same;
    a gain ~ N(1, 0.02^2) and a bias for every channel.
    """

    def apply(x, at):
        if at.rows < 1:
            raise ValueError(
                "virtual batch normalisation needs a reference batch in front of x; take x and "
                "norm from `normalised` in the network"
            )
        return VirtualBatchNorm(rows=at.rows)(x)

    return Norm(apply, centres=True, referenced=True)


def conditional_batch(*, num_classes: int) -> Norm:
    """Batch normalisation with a gain and a bias per class and channel: `ConditionalBatchNorm`.

    It raises a ValueError, when applied, without labels or with several per example.

    Args:
      num_classes: number of classes, at least 1.
    """

    def apply(x, at):
        one_per_example("the norm 'conditional_batch'", at.y)
        return ConditionalBatchNorm(num_classes)(x, at.y, at.train)

    return Norm(apply, centres=True)


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
        reference = (reference - mean_ref) * jax.lax.rsqrt(var_ref + self.epsilon)
        x = jnp.concatenate([reference, (x - mean) * jax.lax.rsqrt(var + self.epsilon)])
        return (x * gain.reshape(channels) + bias.reshape(channels)).astype(dtype)


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation with a gain and a bias for every class and channel.

    Dumoulin et al. 2017 (arXiv:1610.07629), in GANs since Miyato & Koyama 2018 (arXiv:1802.05637).
    Gains start at 1, biases at 0. Called with x [batch, ..., channel], labels y, int [batch] from 0
    to num_classes - 1 (others give NaN), and the mode.

    Attributes:
      num_classes: number of classes, at least 1.
    """

    num_classes: int

    @nn.compact
    def __call__(self, x: jax.Array, y: jax.Array, train: bool = True) -> jax.Array:
        whole(1, num_classes=self.num_classes)
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


class Normalised(NamedTuple):
    """The inputs of a network and its norm.

    Attributes:
      x: the inputs, behind the reference batch if the norm needs one.
      norm: `x -> x`, called once per layer.
      rows: number of rows of the reference batch, to be dropped after the last norm.
      use_bias: whether a layer in front of the norm has a bias: not if the norm removes means.
    """

    x: jax.Array
    norm: Callable[[jax.Array], jax.Array]
    rows: int
    use_bias: bool


def normalised(
    network: nn.Module, x: jax.Array, y: jax.Array | None = None, *, train: bool
) -> Normalised:
    """Prepares the inputs and the norm of a network, in its compact method.

    Args:
      network: the network, with a row of `NORMS` as its attribute `norm`.
      x: its inputs [batch, ...].
      y: labels, int [batch], or None.
      train: the mode.

    Raises:
      ValueError: the attribute is no such row.
    """
    norm, rows = network.norm(), 0
    if not isinstance(norm, Norm):
        raise ValueError(f"norm={network.norm!r} must return a nets.norms.Norm, not {norm!r}")
    if norm.referenced:
        reference = network.variable("reference", "inputs", lambda: x).value
        rows = reference.shape[0]
        x = jnp.concatenate([reference.astype(x.dtype), x])
    at = Pass(train, y, rows)
    return Normalised(x, lambda x: norm.apply(x, at), rows, not norm.centres)


NORMS = {
    "none": none,
    "batch": batch,
    "instance": instance,
    "layer": layer,
    "pixel": pixel,
    "virtual": virtual,
    "conditional_batch": conditional_batch,
}
