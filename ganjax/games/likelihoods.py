"""Likelihoods: densities of data x by a decoder's outputs, and their means."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganjax import checks


class Likelihood(NamedTuple):
    """A family of densities p(x|z), whose parameters are a decoder's outputs of the shape of x.

    Attributes:
      log_density: `(x, outputs) -> log p(x|z)` [batch], in nats, all of an example's numbers.
      mean: `outputs -> E[x|z]`, elementwise.
      support: (smallest, largest) number of an x that it is a density of.
    """

    log_density: Callable[[jax.Array, jax.Array], jax.Array]
    mean: Callable[[jax.Array], jax.Array]
    support: tuple[float, float] = (-math.inf, math.inf)


def _sum(x: jax.Array) -> jax.Array:
    return jnp.sum(x.reshape(x.shape[0], -1), axis=1)


def gaussian(std: float = 1.0) -> Likelihood:
    """N(x; outputs, std^2 I): log p = -|x - outputs|^2 / (2 std^2) - d/2 log(2 pi std^2).

    Args:
      std: standard deviation of every number of x, greater than 0, in units of x.

    Raises:
      ValueError: the standard deviation is out of range.
    """
    checks.within("(0, inf)", std=std)
    constant = math.log(2 * math.pi * std**2)

    def log_density(x, outputs):
        return -_sum(jnp.square((x - outputs) / std) + constant) / 2

    return Likelihood(log_density, lambda outputs: outputs)


def bernoulli() -> Likelihood:
    """Pixels t = (x + 1) / 2 in [0, 1] under a coin of logit `outputs`.

    log p = sum t log sigmoid(outputs) + (1 - t) log sigmoid(-outputs), of mean tanh(outputs / 2) in
    units of x. Paper: Kingma & Welling (arXiv:1312.6114, appendix C.1) have black or white pixels.
    For grey ones this is the usual cross-entropy, which is no normalised density of x.
    """

    def log_density(x, outputs):
        return -_sum(optax.losses.sigmoid_binary_cross_entropy(outputs, (x + 1) / 2))

    return Likelihood(log_density, lambda outputs: jnp.tanh(outputs / 2), support=(-1.0, 1.0))


LIKELIHOODS = {
    "bernoulli": bernoulli,
    "gaussian": gaussian,
}
