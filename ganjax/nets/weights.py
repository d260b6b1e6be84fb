"""Reparametrisations of a layer's kernel, one signature: `(layer, train=True) -> (x -> y)`.

Written around a layer inside a compact network: `weights(nn.Dense(8), train=train)(x)`. A layer is
any module that is affine in x [batch, ...], with a parameter `kernel` [..., features]; all rows but
`plain` raise a ValueError for one without. The layer keeps its parameters and their names;
additions of a row stand under the row's name. `train` matters to `spectral` only.
"""

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.nets.layers import wide


def _as_function(layer: nn.Module, x: jax.Array) -> tuple[Callable, dict[str, jax.Array]]:
    """A bound layer as a function `(params, x) -> y`, and its parameters."""
    if layer.is_initializing():
        layer(x)
    params = dict(layer.variables.get("params", {}))
    if "kernel" not in params:
        raise ValueError(
            f"{type(layer).__name__} has no parameter 'kernel' (it has {sorted(params)}); only "
            "layers with a kernel can be reparametrised: nn.Dense, nn.Conv, nn.ConvTranspose..."
        )
    bare = layer.clone(parent=None)
    return lambda params, x: bare.apply({"params": params}, x), params


def _unit(x: jax.Array, otherwise: jax.Array) -> jax.Array:
    """x / |x|, or `otherwise` where x is 0."""
    norm = jnp.sqrt(jnp.sum(jnp.square(x)))
    return jnp.where(norm > 0, x / jnp.where(norm > 0, norm, 1.0), otherwise)


class SpectralWeights(nn.Module):
    """A layer with its kernel divided by a running estimate of its norm; see `spectral`.

    Attributes:
      layer: the layer, bound to the network.
      train: whether a call advances the power iteration.
      reshaped: whether the norm is that of the reshaped kernel.
    """

    layer: nn.Module
    train: bool = True
    reshaped: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        function, params = _as_function(self.layer, x)
        kernel = wide(params["kernel"])  # the iteration runs in float32
        no_bias = jax.tree.map(lambda p: jnp.zeros_like(wide(p)), params)
        measured, shape = self.layer.clone(parent=None), x.shape[1:]
        if getattr(self.layer, "fused", False):
            measured, shape = self.layer.unfused(shape)
        if self.reshaped:
            shape = (math.prod(kernel.shape[:-1]),)

        def linear(kernel, v):
            if self.reshaped:
                return v @ kernel.reshape(-1, kernel.shape[-1])
            return measured.apply({"params": {**no_bias, "kernel": kernel}}, v[None])[0]

        forward = partial(linear, jax.lax.stop_gradient(kernel))
        image, transpose = jax.vjp(forward, jnp.zeros(shape, kernel.dtype))

        def start():
            normal = jax.random.normal(self.make_rng("params"), image.shape, image.dtype)
            return _unit(normal, normal)

        stored = self.variable("spectral", "u", start)
        if stored.value.shape != image.shape:
            raise ValueError(
                f"the layer's output is {image.shape} per example, but was {stored.value.shape} "
                "when it was initialised, and its norm depends on that; initialise it at this size "
                "or take the norm of the reshaped kernel (reshaped=True)"
            )
        u = jax.lax.stop_gradient(stored.value).astype(image.dtype)
        v = transpose(u)[0]
        v = _unit(v, v)
        if self.train and not self.is_initializing():
            u = _unit(forward(v), u)
            stored.value = u.astype(stored.value.dtype)
        sigma = jnp.vdot(u, linear(kernel, v))
        kernel = kernel / jnp.where(sigma > 0, sigma, 1.0)
        return function({**params, "kernel": kernel.astype(params["kernel"].dtype)}, x)


class NormalisedWeights(nn.Module):
    """A layer whose kernel's length and direction are separate parameters; see `weight_norm`.

    Attributes:
      layer: the layer, bound to the network.
    """

    layer: nn.Module

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        function, params = _as_function(self.layer, x)
        kernel, dtype = wide(params["kernel"]), params["kernel"].dtype
        squares = jnp.sum(jnp.square(kernel), axis=tuple(range(kernel.ndim - 1)), keepdims=True)
        # A root has no derivative at 0: there the length counts as 1, and the kernel stays 0.
        length = jnp.sqrt(jnp.where(squares > 0, squares, 1.0))
        scale = self.param("scale", lambda _: length.reshape(-1))
        kernel = kernel / length * scale.reshape(length.shape)
        return function({**params, "kernel": kernel.astype(dtype)}, x)


class EqualisedWeights(nn.Module):
    """A layer whose kernel is scaled at run time; see `equalised`.

    Attributes:
      layer: the layer, bound to the network.
      gain: divided by the root of the fan-in, the factor on the kernel.
    """

    layer: nn.Module
    gain: float = math.sqrt(2)

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        function, params = _as_function(self.layer, x)
        kernel = params["kernel"]
        if self.is_initializing():
            kernel = jax.random.normal(self.make_rng("params"), kernel.shape, kernel.dtype)
            self.layer.put_variable("params", "kernel", kernel)
        factor = self.gain / math.sqrt(math.prod(kernel.shape[:-1]))
        return function({**params, "kernel": factor * kernel}, x)


def plain(layer: nn.Module, train: bool = True) -> Callable:
    """The layer itself."""
    del train
    return layer


def spectral(layer: nn.Module, train: bool = True, *, reshaped: bool = False) -> Callable:
    """Spectral normalisation, W / sigma(W) (Miyato et al. 2018, equation 8, arXiv:1802.05957).

    Every call in training makes one step of the power iteration of the paper's algorithm 1,
    v = W^T u / |W^T u|, u = W v / |W v|, and divides by sigma = <u, W v>; in evaluation u stays,
    so that sigma = |W^T u|. u, of length 1 and random direction at first, is kept in the collection
    `spectral`. Derivatives hold u and v fixed: d sigma / d W = u v^T, exact once they have
    converged; second derivatives in W omit how u and v turn, and so does a linearised update map.
    The estimate rises to the norm from below: the layer is 1-Lipschitz once it has settled. Bias
    and a kernel of zeros are unchanged.

    Paper: its W is the kernel reshaped to a matrix [fan_in, features]; for convolutions that is not
    the operator norm. Ours is, by default: W is the layer as a linear map of one example at its
    image size, and u has the shape of one output. For a convolution of square kernel k and stride s
    whose kernel fits into the image, norm(reshaped) <= norm(operator) <= ceil(k/s) norm(reshaped),
    so dividing by the former leaves a layer of norm 1 to ceil(k/s); for a transposed one only
    operator <= k reshaped holds. For nn.Dense the two are equal. Of a fused layer (`UpscalingConv`,
    `DownscalingConv`) the convolution alone counts.

    Args:
      layer: the layer.
      train: whether to advance u.
      reshaped: take the paper's norm of the reshaped kernel, the same at every image size.

    Returns:
      Module x -> y. It raises a ValueError for inputs of another size than at initialisation unless
      `reshaped`.
    """
    return SpectralWeights(layer, train=train, reshaped=reshaped)


def weight_norm(layer: nn.Module, train: bool = True) -> Callable:
    """Weight normalisation, w = g v / |v| (Salimans & Kingma 2016, equation 2, arXiv:1602.07868).

    One length g (`scale`) for every feature; v is the layer's `kernel`. Where v is 0, w is 0.

    Paper: initialises g from a first batch. Here g starts at |v|, so that the layer starts at its
    initialiser's kernel (`nn.WeightNorm` starts at 1, with any initialiser).
    """
    del train
    return NormalisedWeights(layer)


def equalised(layer: nn.Module, train: bool = True, *, gain: float = math.sqrt(2)) -> Callable:
    """Equalised learning rate, w = c v with v ~ N(0, 1) at the start.

    Karras et al. 2018, section 4.1, arXiv:1710.10196. c = gain / sqrt(fan_in), He's constant, is
    applied at run time, so that adaptive optimisers move all layers at the same relative speed. v
    replaces the layer's `kernel` and its initialiser; the bias stays.

    Args:
      layer: the layer.
      train: unused.
      gain: sqrt(2) for layers before a ReLU; the paper has 1 in the last layer.
    """
    del train
    return EqualisedWeights(layer, gain=gain)


WEIGHTS = {
    "plain": plain,
    "spectral": spectral,
    "weight_norm": weight_norm,
    "equalised": equalised,
}
