"""One convolution layer, fast on every backend; the networks' kinds are its settings.

On CPU it is few matrix products (`products`), in derivatives of every order and mode too: XLA's
convolution takes a slow path inside a loop there (jax issue 12868) and makes the gradients of a
layer 3 to 276 times slower (`scripts/benchmarks/convolutions.py`). Elsewhere it is XLA's.
"""

from collections.abc import Callable
from functools import partial
from typing import Self

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.linen.dtypes import promote_dtype

from ganjax.checks import whole
from ganjax.nets import products

LAYOUT = ("NHWC", "HWIO", "NHWC")
JOINED = 32  # channels that groups are joined up to


def convolve_natively(
    x: jax.Array, kernel: jax.Array, stride: int = 1, padding: int = 0, groups: int = 1
) -> jax.Array:
    """Convolution, zeros around the image: [b, h, w, c], [k, k, c/groups, f] -> [b, h', w', f]."""
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        (stride,) * 2,
        ((padding, padding),) * 2,
        dimension_numbers=LAYOUT,
        feature_group_count=groups,
    )


def convolve_by_products(
    x: jax.Array, kernel: jax.Array, stride: int = 1, padding: int = 0, groups: int = 1
) -> jax.Array:
    """`convolve_natively` as matrix products, of each group by itself."""
    if groups > 1:
        kernel, groups = _joined(kernel, groups)
    if groups > 1:
        # The groups in front: products batched over them. In the gradients of a penalty 5 to 90
        # times faster than XLA's grouped convolution, and seldom slower than other orders.
        x, kernel = (jnp.moveaxis(_grouped(array, groups), 3, 0) for array in (x, kernel))
        y = jax.vmap(partial(convolve_by_products, stride=stride, padding=padding))(x, kernel)
        return jnp.moveaxis(y, 0, 3).reshape(*y.shape[1:4], -1)
    if padding:
        x = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    b, h, w, c = x.shape
    if stride == 1 or any(side % stride for side in (h, w, len(kernel))):
        return products.convolve(x, kernel, stride)
    # Space to depth: blocks of pixels become channels, and the stride becomes 1.
    blocks = x.reshape(b, h // stride, stride, w // stride, stride, c).transpose(0, 1, 3, 2, 4, 5)
    blocks = blocks.reshape(b, h // stride, w // stride, stride**2 * c)
    return products.convolve(blocks, _blocked(kernel, stride))


def _joined(kernel: jax.Array, groups: int) -> tuple[jax.Array, int]:
    """Groups of few channels joined, with zeros between them: (kernel, fewer groups).

    Products of 32 channels cost less than several of 8 or 16: in the gradients of a penalty they
    take 0.33 to 0.85 of the time.
    """
    k, _, c, f = kernel.shape
    fits = [m for m in range(1, groups + 1) if groups % m == 0 and m * c <= JOINED]
    m = max(fits, default=1)
    if m == 1:
        return kernel, groups
    parts = kernel.reshape(k, k, c, groups // m, m, f // groups)
    blocks = jnp.einsum("abcgmf,mn->abncgmf", parts, jnp.eye(m, dtype=kernel.dtype))
    return blocks.reshape(k, k, m * c, f), groups // m


def _grouped(array: jax.Array, groups: int) -> jax.Array:
    """The last axis in groups: [..., c] -> [..., groups, c/groups]."""
    return array.reshape(*array.shape[:-1], groups, -1)


def _blocked(kernel: jax.Array, block: int) -> jax.Array:
    """[k, k, c, f] -> [k/block, k/block, block^2 c, f]: the kernel on blocks of pixels."""
    c, f = kernel.shape[2:]
    k = len(kernel) // block
    return kernel.reshape(k, block, k, block, c, f).swapaxes(1, 2).reshape(k, k, -1, f)


def double_natively(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Transposed convolution: [b, h, w, c], [k, k, c, f] -> [b, 2h, 2w, f] for k = 3 or 4.

    Stride 2, padding 1 and, for k = 3, output padding 1; the kernel is mirrored.
    """
    sides = ((len(kernel) - 2, 2),) * 2
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), sides, lhs_dilation=(2, 2), dimension_numbers=LAYOUT
    )


def double_by_products(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`double_natively` as matrix products: the transpose of halving with the kernel mirrored."""
    b, h, w, _ = x.shape
    if len(kernel) == 3:  # is one of 4 whose first taps are 0
        kernel = jnp.pad(kernel, ((1, 0), (1, 0), (0, 0), (0, 0)))
    blocks = products.transpose(x, _blocked(kernel[::-1, ::-1].swapaxes(2, 3), 2))
    # Depth to space: [b, h+1, w+1, 4f] -> [b, 2h+2, 2w+2, f].
    y = blocks.reshape(b, h + 1, w + 1, 2, 2, -1).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(b, 2 * h + 2, 2 * w + 2, -1)[:, 1:-1, 1:-1]


def widened(kernel: jax.Array) -> jax.Array:
    """[3, 3, c, f] -> [4, 4, c, f]: the sum of the kernel's shifts by one pixel.

    Nearest-neighbour doubling and then a 3x3 convolution is one transposed convolution of stride 2
    with this kernel; a 3x3 convolution and then sums over 2x2 pixels is one of stride 2.
    """
    shifts = [((i, 1 - i), (j, 1 - j), (0, 0), (0, 0)) for i in (0, 1) for j in (0, 1)]
    return sum(jnp.pad(kernel, shift) for shift in shifts)


class Conv(nn.Module):
    """Convolution with a square kernel: [b, h, w, c] -> [b, h', w', features].

    h' = (h + 2 padding - size) // stride + 1, or 2 h with `up`.

    Attributes:
      features: output channels.
      size: side of the kernel [size, size, c, features].
      stride: of both axes.
      padding: pixels on every side.
      reflect: whether the padding mirrors the image instead of being 0.
      up: whether it doubles the image by a transposed convolution of stride 2; size 3 or 4.
      fused: whether it is a 3x3 convolution of the image doubled by nearest neighbours (with `up`),
        or one followed by means over 2x2 pixels (with stride 2, padding 1).
      use_bias: whether to add a bias per channel, 0 at the start.
      kernel_init: initialiser of the kernel.
      groups: parts of the channels and of the features that are convolved each by itself; the
        kernel is [size, size, c / groups, features] then. Without `up` alone.
    """

    features: int
    size: int = 3
    stride: int = 1
    padding: int = 0
    reflect: bool = False
    up: bool = False
    fused: bool = False
    use_bias: bool = True
    kernel_init: Callable = nn.initializers.lecun_normal()
    groups: int = 1

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        whole(1, groups=self.groups)
        if (
            x.shape[-1] % self.groups
            or self.features % self.groups
            or (self.up and self.groups > 1)
        ):
            raise ValueError(
                f"groups={self.groups} must divide the {x.shape[-1]} channels and the "
                f"{self.features} features, and be 1 in a transposed convolution"
            )
        shape = (self.size, self.size, x.shape[-1] // self.groups, self.features)
        x, kernel = promote_dtype(x, self.param("kernel", self.kernel_init, shape, jnp.float32))
        if self.fused:
            kernel = widened(kernel) if self.up else widened(kernel) / 4
        on_cpu, padding = jax.default_backend() == "cpu", self.padding
        if self.reflect:
            sides = ((0, 0), (padding, padding), (padding, padding), (0, 0))
            x, padding = jnp.pad(x, sides, mode="reflect"), 0
        if self.up:
            y = (double_by_products if on_cpu else double_natively)(x, kernel)
        else:
            convolve = convolve_by_products if on_cpu else convolve_natively
            y = convolve(x, kernel, self.stride, padding, self.groups)
        if self.use_bias:
            bias = self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32)
            y = y + bias.reshape(1, 1, 1, -1)
        return y

    def unfused(self, shape: tuple[int, ...]) -> tuple[Self, tuple[int, ...]]:
        """The 3x3 convolution in a fused layer and its input shape, for images [h, w, c]."""
        h, w, c = shape
        alone = self.clone(stride=1, padding=1, up=False, fused=False, parent=None)
        return alone, (2 * h, 2 * w, c) if self.up else shape


# Settings of `Conv` under the names that the layers have in parameter trees and checkpoints.


class PatchConv(Conv):
    """`Conv` of any size, stride and padding."""


class SameConv(Conv):
    """`nn.Conv(features, (3, 3))`: [b, h, w, c] -> [b, h, w, features]."""

    padding: int = 1


class HalvingConv(Conv):
    """`nn.Conv(features, (4, 4), (2, 2))`: [b, h, w, c] -> [b, h/2, w/2, features]."""

    size: int = 4
    stride: int = 2
    padding: int = 1


class DownscalingConv(SameConv):
    """`SameConv` and then means over 2x2 pixels: [b, h, w, c] -> [b, h/2, w/2, features]."""

    stride: int = 2
    fused: bool = True


class DoublingConv(Conv):
    """`nn.ConvTranspose(features, (4, 4), (2, 2))`: [b, h, w, c] -> [b, 2h, 2w, features]."""

    size: int = 4
    up: bool = True


class DoublingConv3(Conv):
    """Transposed 3x3 convolution of stride 2, as in CycleGAN's code: -> [b, 2h, 2w, features]."""

    up: bool = True


class UpscalingConv(Conv):
    """`SameConv` of the image doubled by nearest neighbours: -> [b, 2h, 2w, features]."""

    up: bool = True
    fused: bool = True
