"""Batch-wide features of a discriminator: functions `x -> x` that append them to activations.

They are called in the network's compact method, before its last layer.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax import spread
from ganjax.checks import whole
from ganjax.nets.layers import identity, wide


def stddev(x: jax.Array, *, group_size: int = 4) -> jax.Array:
    """Minibatch standard deviation (Karras et al. 2018, section 3, arXiv:1710.10196).

    sqrt(variance + 1e-8) of every feature over a group of examples, averaged over features and
    pixels to one number per group, appended to all its examples: [batch, ..., channel + 1]. As in
    the paper's code, with M groups in a batch example i belongs to group i modulo M.

    Args:
      x: activations [batch, ..., channel].
      group_size: examples in a group, at least 1; of a batch that it does not divide, the largest
        divisor below. That is 1 for a batch of prime size above `group_size`, where the feature is
        constant (1e-4).

    Raises:
      ValueError: `group_size` is out of range.
    """
    whole(1, group_size=group_size)
    everyone = wide(spread.everyone(x))
    n = everyone.shape[0]
    size = max(size for size in range(1, min(group_size, n) + 1) if n % size == 0)
    groups = everyone.reshape(size, n // size, -1)  # [size, groups, features]
    feature = jnp.sqrt(groups.var(0) + 1e-8).mean(-1)  # [groups]
    feature = spread.own(jnp.tile(feature, size)).reshape(-1, *(1,) * (x.ndim - 1)).astype(x.dtype)
    return jnp.concatenate([x, jnp.broadcast_to(feature, (*x.shape[:-1], 1))], axis=-1)


class MinibatchDiscrimination(nn.Module):
    """Minibatch discrimination (Salimans et al. 2016, section 3.2, arXiv:1606.03498).

    M_i = f(x_i) T with T [A, B, C], c_b(x_i, x_j) = exp(-|M_ib - M_jb|_1), and the B new features
    o(x_i)_b = sum_j c_b(x_i, x_j) over the whole batch: [batch, ...], flattened, -> [batch, A + B].
    The sum includes j = i, as the paper writes it: a lone example gets 1. (Its released code leaves
    j = i out.) Raises a ValueError for a size out of range.

    Attributes:
      kernels: B, at least 1.
      dims: C, at least 1. Time and memory are batch^2 * B * C.
    """

    kernels: int = 100
    dims: int = 5

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        whole(1, kernels=self.kernels, dims=self.dims)
        x = x.reshape(x.shape[0], -1)
        init = nn.initializers.variance_scaling(1.0, "fan_in", "normal", in_axis=0, out_axis=(1, 2))
        shape = (x.shape[1], self.kernels, self.dims)
        tensor = self.param("kernel", init, shape, jnp.float32)
        m = wide(jnp.einsum("na,abc->nbc", x, tensor))
        others = spread.everyone(m)
        distances = jnp.abs(m[:, None] - others[None]).sum(-1)  # [rows, batch, kernels]
        return jnp.concatenate([x, jnp.exp(-distances).sum(1).astype(x.dtype)], axis=-1)


def discrimination(x: jax.Array, *, kernels: int = 100, dims: int = 5) -> jax.Array:
    """`MinibatchDiscrimination` of features x."""
    return MinibatchDiscrimination(kernels=kernels, dims=dims)(x)


MINIBATCH = {
    "none": identity,
    "stddev": stddev,
    "discrimination": discrimination,
}
