"""The Inception-v3 network of 2015-12-05, with which Frechet Inception distances are computed.

Names of layers are those of the usual PyTorch file. Batch normalisation is folded into the
convolutions (`inception_weights`), so that a layer is a convolution, a bias and a ReLU.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

CLASSES = 1008
SIDE = 299  # pixels of the input


def _layer(x, name, features, size=1, stride=1, padding="SAME"):
    sides = (size, size) if isinstance(size, int) else size
    # Products in TF32 or bfloat16 would make features depend on the device.
    precision = jax.lax.Precision.HIGHEST
    return nn.relu(nn.Conv(features, sides, stride, padding, precision=precision, name=name)(x))


def _branch(x, name, *layers):
    for index, layer in enumerate(layers, 1):
        x = _layer(x, f"{name}_{index}", *layer)
    return x


def _mean_pool(x):
    """Means over 3x3 pixels; those outside the image do not count."""
    return nn.avg_pool(x, (3, 3), padding="SAME", count_include_pad=False)


def _max_pool(x):
    """Maxima over 3x3 pixels."""
    return nn.max_pool(x, (3, 3), padding="SAME")


def _shrink(x):
    """Maxima over 3x3 pixels, [n, h, w, c] -> [n, (h - 1) // 2, (w - 1) // 2, c]."""
    return nn.max_pool(x, (3, 3), (2, 2))


class BlockA(nn.Module):
    """[n, 35, 35, c] -> [n, 35, 35, 224 + pool_features]."""

    pool_features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        parts = [
            _layer(x, "branch1x1", 64),
            _branch(x, "branch5x5", (48,), (64, 5)),
            _branch(x, "branch3x3dbl", (64,), (96, 3), (96, 3)),
            _layer(_mean_pool(x), "branch_pool", self.pool_features),
        ]
        return jnp.concatenate(parts, -1)


class BlockB(nn.Module):
    """[n, 35, 35, c] -> [n, 17, 17, 480 + c]."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        parts = [
            _layer(x, "branch3x3", 384, 3, 2, "VALID"),
            _branch(x, "branch3x3dbl", (64,), (96, 3), (96, 3, 2, "VALID")),
            _shrink(x),
        ]
        return jnp.concatenate(parts, -1)


class BlockC(nn.Module):
    """[n, 17, 17, c] -> [n, 17, 17, 768], by rows and columns of 7 pixels."""

    inner: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        inner, row, column = (self.inner,), (self.inner, (1, 7)), (self.inner, (7, 1))
        parts = [
            _layer(x, "branch1x1", 192),
            _branch(x, "branch7x7", inner, row, (192, (7, 1))),
            _branch(x, "branch7x7dbl", inner, column, row, column, (192, (1, 7))),
            _layer(_mean_pool(x), "branch_pool", 192),
        ]
        return jnp.concatenate(parts, -1)


class BlockD(nn.Module):
    """[n, 17, 17, c] -> [n, 8, 8, 512 + c]."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        last = (192, 3, 2, "VALID")
        parts = [
            _branch(x, "branch3x3", (192,), (320, 3, 2, "VALID")),
            _branch(x, "branch7x7x3", (192,), (192, (1, 7)), (192, (7, 1)), last),
            _shrink(x),
        ]
        return jnp.concatenate(parts, -1)


class BlockE(nn.Module):
    """[n, 8, 8, c] -> [n, 8, 8, 2048]; the last block of this network pools by maxima."""

    by_maxima: bool

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        short = _layer(x, "branch3x3_1", 384)
        long = _branch(x, "branch3x3dbl", (448,), (384, 3))
        pooled = (_max_pool if self.by_maxima else _mean_pool)(x)
        parts = [
            _layer(x, "branch1x1", 320),
            _layer(short, "branch3x3_2a", 384, (1, 3)),
            _layer(short, "branch3x3_2b", 384, (3, 1)),
            _layer(long, "branch3x3dbl_3a", 384, (1, 3)),
            _layer(long, "branch3x3dbl_3b", 384, (3, 1)),
            _layer(pooled, "branch_pool", 192),
        ]
        return jnp.concatenate(parts, -1)


class InceptionV3(nn.Module):
    """Images [n, 299, 299, 3] in [-1, 1] -> features [n, 2048], probabilities [n, 1008].

    Szegedy et al. 2016 (arXiv:1512.00567) as released on 2015-12-05. Probabilities are the softmax
    of logits without their bias, as the code of Salimans et al. 2016 (arXiv:1606.03498) takes them
    for the Inception score.
    """

    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = _layer(x, "Conv2d_1a_3x3", 32, 3, 2, "VALID")
        x = _layer(x, "Conv2d_2a_3x3", 32, 3, 1, "VALID")
        x = _shrink(_layer(x, "Conv2d_2b_3x3", 64, 3))
        x = _layer(x, "Conv2d_3b_1x1", 80)
        x = _shrink(_layer(x, "Conv2d_4a_3x3", 192, 3, 1, "VALID"))
        for letter, pool_features in zip("bcd", (32, 64, 64), strict=True):
            x = BlockA(pool_features, name=f"Mixed_5{letter}")(x)
        x = BlockB(name="Mixed_6a")(x)
        for letter, inner in zip("bcde", (128, 160, 160, 192), strict=True):
            x = BlockC(inner, name=f"Mixed_6{letter}")(x)
        x = BlockD(name="Mixed_7a")(x)
        x = BlockE(by_maxima=False, name="Mixed_7b")(x)
        x = BlockE(by_maxima=True, name="Mixed_7c")(x)
        features = x.mean((1, 2))
        precision = jax.lax.Precision.HIGHEST
        logits = nn.Dense(CLASSES, use_bias=False, precision=precision, name="fc")(features)
        return features, nn.softmax(logits)
