"""Convolutions of any size and stride, and the transposed 3x3 of stride 2, fast on every backend.

For the networks of translation; `convolutions` has the sizes of the others and says why all are
matrix products on CPU.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from ganjax.nets import convolutions, products
from ganjax.nets.convolutions import convolved

LAYOUT = ("NHWC", "HWIO", "NHWC")


def convolve_by_products(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """`convolve_natively` as matrix products."""
    return products.convolve(x, kernel, stride)


def convolve_natively(x: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """Convolution without padding: [b, h, w, c], [k, k, c, f] -> [b, h', w', f]."""
    strides = (stride, stride)
    return jax.lax.conv_general_dilated(x, kernel, strides, "VALID", dimension_numbers=LAYOUT)


def double_by_products(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`double_natively` as the transposed 4x4 convolution whose first taps are 0."""
    return convolutions.double_by_products(x, jnp.pad(kernel, ((1, 0), (1, 0), (0, 0), (0, 0))))


def double_natively(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Transposed convolution: [b, h, w, c], [3, 3, c, f] -> [b, 2h, 2w, f].

    Stride 2, padding 1 and output padding 1, as CycleGAN's code has it; the kernel is mirrored.
    """
    padding = ((1, 2), (1, 2))
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), padding, lhs_dilation=(2, 2), dimension_numbers=LAYOUT
    )


class PatchConv(nn.Module):
    """Convolution with a square kernel: [b, h, w, c] -> [b, h', w', features].

    Attributes:
      features: output channels.
      size: side k of the kernel [k, k, c, features].
      stride: of both axes; h' = (h + 2 padding - k) // stride + 1.
      padding: pixels on every side, at least 0.
      reflect: whether the padding mirrors the image instead of being 0.
      use_bias: whether to add a bias per channel, 0 at the start.
      kernel_init: initialiser of the kernel.
    """

    features: int
    size: int
    stride: int = 1
    padding: int = 0
    reflect: bool = False
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        sides = ((0, 0), (self.padding,) * 2, (self.padding,) * 2, (0, 0))
        if self.padding:
            x = jnp.pad(x, sides, mode="reflect" if self.reflect else "constant")
        return convolved(
            self,
            x,
            self.size,
            partial(convolve_by_products, stride=self.stride),
            partial(convolve_natively, stride=self.stride),
        )


class DoublingConv3(nn.Module):
    """Transposed 3x3 convolution of stride 2: [b, h, w, c] -> [b, 2h, 2w, features].

    Attributes:
      features: output channels.
      use_bias: whether to add a bias per channel, 0 at the start.
      kernel_init: initialiser of the kernel [3, 3, c, features].
    """

    features: int
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return convolved(self, x, 3, double_by_products, double_natively)
