"""The two colour photographs that ship inside scikit-learn, and crops of them; no download.

All data made of them hold out the same part of the width, which shares no pixel with what is
trained on: what follows the left half, a quarter, or as much as a crop needs.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

WIDTH, HEIGHT = 640, 427


def photographs(size: int, shrink: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The photographs in three parts: left and right for training, the middle held out.

    First a pagoda over a lake under a light sky (china.jpg), then an orange dahlia before dark
    leaves (flower.jpg), `sklearn.datasets.load_sample_images`.

    Args:
      size: side of the crops, at least 4.
      shrink: whole factor by which the photographs are made smaller first, by averaging.

    Returns:
      (left, right, held out), each [2, height, width, 3] in [-1, 1]; right may be too narrow for
      a crop.

    Raises:
      ValueError: an argument is out of range, or crops of this size do not fit.
    """
    if shrink < 1:
        raise ValueError(f"shrink={shrink} must be at least 1")
    height, width = HEIGHT // shrink, WIDTH // shrink
    half = width // 2
    if not 4 <= size <= min(height, half):
        raise ValueError(
            f"size={size} must be from 4 to {min(height, half)}, half of the photographs' width "
            f"with shrink={shrink}"
        )
    from sklearn.datasets import load_sample_images  # 0.7 s: not for a run that is refused before

    photos = np.stack(load_sample_images().images)[:, : height * shrink, : width * shrink]
    blocks = photos.reshape(2, height, shrink, width, shrink, 3)
    photos = (blocks.mean((2, 4)) / 127.5 - 1).astype(np.float32)
    middle = half + max(width // 4, size)
    return photos[:, :, :half], photos[:, :, middle:], photos[:, :, half:middle]


def sample_crops(
    left: jax.Array, right: jax.Array, rng: jax.Array, batch_size: int, size: int
) -> jax.Array:
    """Crops [batch, size, size, c] of photographs in two parts [n, height, width, c] each.

    Every place in either part and every photograph is equally likely.
    """
    photos, height, width, channels = left.shape
    rngs = jax.random.split(rng, 3)
    places = width - size + 1, max(0, right.shape[2] - size + 1)
    which = jax.random.randint(rngs[0], (batch_size,), 0, photos)
    top = jax.random.randint(rngs[1], (batch_size,), 0, height - size + 1)
    start = jax.random.randint(rngs[2], (batch_size,), 0, sum(places))

    both = jnp.concatenate([left, right], axis=2)
    start = jnp.where(start < places[0], start, start - places[0] + width)

    def crop(which, top, start):
        return jax.lax.dynamic_slice(both, (which, top, start, 0), (1, size, size, channels))[0]

    return jax.vmap(crop)(which, top, start)


def places(parts: Sequence[np.ndarray], size: int, stride: int) -> int:
    """How many crops `raster` makes."""
    return sum(
        len(part) * math.prod((side - size) // stride + 1 for side in part.shape[1:3])
        for part in _wide(parts, size)
    )


def raster(parts: Sequence[np.ndarray], size: int, stride: int) -> np.ndarray:
    """Crops of photographs on a square raster, in an order of no meaning.

    Args:
      parts: of photographs, [n, height, width, 3] each; those narrower than a crop have none.
      size: side of a crop.
      stride: pixels between neighbours, at least 1; crops overlap where it is less than `size`.

    Returns:
      [m, size, size, 3].
    """
    crops = []
    for part in _wide(parts, size):
        windows = np.lib.stride_tricks.sliding_window_view(part, (size, size), axis=(1, 2))
        windows = np.moveaxis(windows[:, ::stride, ::stride], 3, -1)
        crops.append(windows.reshape(-1, size, size, 3))
    crops = np.concatenate(crops)
    return crops[np.random.RandomState(0).permutation(len(crops))]


def _wide(parts: Sequence[np.ndarray], size: int) -> list[np.ndarray]:
    return [part for part in parts if part.shape[2] >= size]
