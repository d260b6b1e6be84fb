"""Patches of the two colour photographs that ship inside scikit-learn; no download."""

import jax.numpy as jnp
import numpy as np

from ganjax.data.resident import Data, sample_rows

SHRINK = 2  # the photographs are halved, so that a patch shows more than one surface
TRAIN_SHARE = 0.75  # of the width, from the left


def photographs(size: int = 16, stride: int = 4, grey_to_colour: bool = False) -> Data:
    """Square patches of a Chinese temple and a flower (`sklearn.datasets.load_sample_images`).

    Both photographs, 427x640, are averaged over blocks of 2x2. Patches on a square raster, which
    overlap if the stride is less than the size, are for training from the left three quarters, and
    for tests from the rest: no pixel is in both.

    Args:
      size: side of a patch, from 4 to 64.
      stride: pixels between neighbouring patches, at least 1.
      grey_to_colour: give two domains, `a` the patch in grey (luma of Rec. 601) and `b` in colour.

    Returns:
      Data with `x` [batch, size, size, 3] in [-1, 1], or with `a` [batch, size, size, 1] and `b`
      [batch, size, size, 3].

    Raises:
      ValueError: an option is out of range.
    """
    if not 4 <= size <= 64:
        raise ValueError(f"size={size} must be from 4 to 64")
    if stride < 1:
        raise ValueError(f"stride={stride} must be at least 1")
    from sklearn.datasets import load_sample_images  # 0.7 s: not for a run that is refused before

    images = [_halved(image) for image in load_sample_images().images]

    def part(train):
        cut = [round(TRAIN_SHARE * image.shape[1]) for image in images]
        halves = [
            image[:, :at] if train else image[:, at:] for image, at in zip(images, cut, strict=True)
        ]
        patches = np.concatenate([_patches(image, size, stride) for image in halves])
        # In an order of no meaning, so that the first few show what there is.
        patches = patches[np.random.RandomState(0).permutation(len(patches))]
        x = jnp.asarray(patches, float)
        if not grey_to_colour:
            return {"x": x}
        return {"a": (x @ jnp.array([0.299, 0.587, 0.114]))[..., None], "b": x}

    return Data(shape=(size, size, 3), train=part(True), test=part(False), sample=sample_rows)


def _halved(image: np.ndarray) -> np.ndarray:
    """uint8 [height, width, 3] -> [-1, 1], averaged over blocks; an odd last row is left out."""
    height, width = (side // SHRINK * SHRINK for side in image.shape[:2])
    blocks = image[:height, :width].reshape(height // SHRINK, SHRINK, width // SHRINK, SHRINK, 3)
    return blocks.mean((1, 3)) / 127.5 - 1


def _patches(image: np.ndarray, size: int, stride: int) -> np.ndarray:
    """[height, width, 3] -> [patches, size, size, 3]."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(0, 1))
    return np.moveaxis(windows[::stride, ::stride], 2, -1).reshape(-1, size, size, 3)
