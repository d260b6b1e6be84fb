"""Convolutions that are fast on every backend: 4x4 of stride 2, to halve and double, and 3x3.

On CPU they are few matrix products (`products`), and so are their derivatives of any order and in
any mode. XLA's own convolutions take a slow path inside a loop on CPU (jax issue 12868): the
gradients of one layer are 2 to 150 times slower (`scripts/benchmarks/convolutions.py`). On other
backends they are XLA's own. Parameters and function are the same either way. Any other size, stride
or padding is for `patches`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen.dtypes import promote_dtype

from ganjax.nets import products


def _padded(x: jax.Array) -> jax.Array:
    return jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


def _blocked(kernel: jax.Array) -> jax.Array:
    """[4, 4, c, f] -> [2, 2, 4c, f]: the kernel on blocks of 2x2 pixels."""
    c, f = kernel.shape[2:]
    # Tap 2i + p of an axis is pixel p of the i-th block: [i, p, j, q, c, f] -> [i, j, p, q, c, f].
    return kernel.reshape(2, 2, 2, 2, c, f).transpose(0, 2, 1, 3, 4, 5).reshape(2, 2, 4 * c, f)


def halve_by_products(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`halve_natively` as matrix products; h and w must be even."""
    b, h, w, c = x.shape
    # Space to depth: blocks of 2x2 pixels become channels, [b, h/2+1, w/2+1, 4c].
    blocks = _padded(x).reshape(b, h // 2 + 1, 2, w // 2 + 1, 2, c).transpose(0, 1, 3, 2, 4, 5)
    return products.convolve(blocks.reshape(b, h // 2 + 1, w // 2 + 1, 4 * c), _blocked(kernel))


def double_by_products(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`double_natively` as matrix products: the transpose of halving with the kernel mirrored."""
    b, h, w, _ = x.shape
    blocks = products.transpose(x, _blocked(kernel[::-1, ::-1].swapaxes(2, 3)))
    # Depth to space: [b, h+1, w+1, 4f] -> [b, 2h+2, 2w+2, f].
    y = blocks.reshape(b, h + 1, w + 1, 2, 2, -1).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(b, 2 * h + 2, 2 * w + 2, -1)[:, 1:-1, 1:-1]


def halve_natively(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolution of stride 2, padding 1: [b, h, w, c], [4, 4, c, f] -> [b, h/2, w/2, f]."""
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (2, 2), "SAME", dimension_numbers=layout)


def double_natively(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Transposed convolution of stride 2: [b, h, w, c], [4, 4, c, f] -> [b, 2h, 2w, f]."""
    return jax.lax.conv_transpose(x, kernel, (2, 2), "SAME")


def same_by_products(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`same_natively` as matrix products."""
    return products.convolve(_padded(x), kernel)


def same_natively(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolution of stride 1, padding 1: [b, h, w, c], [3, 3, c, f] -> [b, h, w, f]."""
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout)


def widened(kernel: jax.Array) -> jax.Array:
    """[3, 3, c, f] -> [4, 4, c, f]: what a 3x3 convolution does to, or makes of, pairs of pixels.

    Doubling by nearest neighbours and then convolving is one transposed convolution of stride 2
    with this kernel; convolving and then adding up 2x2 pixels is one convolution of stride 2.
    """
    shifts = [((i, 1 - i), (j, 1 - j), (0, 0), (0, 0)) for i in (0, 1) for j in (0, 1)]
    return sum(jnp.pad(kernel, shift) for shift in shifts)


def convolved(
    module: nn.Module, x: jax.Array, size: int, by_products: Callable, natively: Callable
) -> jax.Array:
    """The kernel and bias of a module, and the function for the backend at hand."""
    shape = (size, size, x.shape[-1], module.features)
    x, kernel = promote_dtype(x, module.param("kernel", module.kernel_init, shape, jnp.float32))
    y = (by_products if jax.default_backend() == "cpu" else natively)(x, kernel)
    if module.use_bias:
        bias = module.param("bias", nn.initializers.zeros, (module.features,), jnp.float32)
        y = y + bias.reshape(1, 1, 1, -1)
    return y


class HalvingConv(nn.Module):
    """`nn.Conv(features, (4, 4), (2, 2))`: [b, h, w, c] -> [b, h/2, w/2, features], h and w even.

    Attributes:
      features: output channels.
      use_bias: whether to add a bias per channel, 0 at the start.
      kernel_init: initialiser of the kernel [4, 4, c, features].
    """

    features: int
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return convolved(self, x, 4, halve_by_products, halve_natively)


class DoublingConv(nn.Module):
    """`nn.ConvTranspose(features, (4, 4), (2, 2))`: [b, h, w, c] -> [b, 2h, 2w, features].

    Attributes: as `HalvingConv`.
    """

    features: int
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return convolved(self, x, 4, double_by_products, double_natively)


class SameConv(nn.Module):
    """`nn.Conv(features, (3, 3))`: [b, h, w, c] -> [b, h, w, features], zeros around the image.

    Attributes: as `HalvingConv`, but for the kernel [3, 3, c, features].
    """

    features: int
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return convolved(self, x, 3, same_by_products, same_natively)


class UpscalingConv(nn.Module):
    """`SameConv` of the image doubled by nearest neighbours: [b, h, w, c] -> [b, 2h, 2w, features].

    Attributes: as `SameConv`.
    """

    features: int
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return convolved(
            self,
            x,
            3,
            lambda x, kernel: double_by_products(x, widened(kernel)),
            lambda x, kernel: double_natively(x, widened(kernel)),
        )

    def convolution(self, shape: tuple[int, ...]) -> tuple[SameConv, tuple[int, ...]]:
        """The convolution alone, and the shape of what it is given, for images of a shape."""
        h, w, c = shape
        return SameConv(self.features, self.use_bias, parent=None), (2 * h, 2 * w, c)


class DownscalingConv(nn.Module):
    """`SameConv` and then means over 2x2 pixels: [b, h, w, c] -> [b, h/2, w/2, features].

    Attributes: as `SameConv`.
    """

    features: int
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return convolved(
            self,
            x,
            3,
            lambda x, kernel: halve_by_products(x, widened(kernel) / 4),
            lambda x, kernel: halve_natively(x, widened(kernel) / 4),
        )

    def convolution(self, shape: tuple[int, ...]) -> tuple[SameConv, tuple[int, ...]]:
        """As `UpscalingConv.convolution`."""
        return SameConv(self.features, self.use_bias, parent=None), shape
