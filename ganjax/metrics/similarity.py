"""Multi-scale structural similarity of images, and the diversity that it shows."""

import numpy as np

from ganjax.checks import whole
from ganjax.metrics.finite import finite

WINDOW, SIGMA = 11, 1.5  # pixels
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, the finest first
STABLE = (0.01**2, 0.03**2)  # (K L)^2 of luminance and contrast, for a range L of 1
BLOCK = 64  # pairs compared at once


def _window(side: int) -> np.ndarray:
    """Gaussian weighted means over windows inside the image, [side - window + 1, side]."""
    size = min(WINDOW, side)
    offsets = (np.arange(size) - (size - 1) / 2) / (SIGMA * size / WINDOW)
    weights = np.exp(-(offsets**2) / 2)
    weights /= weights.sum()
    return np.stack([np.pad(weights, (i, side - size - i)) for i in range(side - size + 1)])


def _one_scale(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of luminance times contrast, and of contrast alone, each [pairs, channel]."""
    rows, columns = (_window(side) for side in a.shape[2:])

    def mean(x):
        return rows @ x @ columns.T

    mean_a, mean_b = mean(a), mean(b)
    spread = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    contrast = (2 * (mean(a * b) - mean_a * mean_b) + STABLE[1]) / (spread + STABLE[1])
    luminance = (2 * mean_a * mean_b + STABLE[0]) / (mean_a**2 + mean_b**2 + STABLE[0])
    return (luminance * contrast).mean((2, 3)), contrast.mean((2, 3))


def _halved(x: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels; a last odd row or column is left out."""
    n, c, h, w = x.shape
    x = x[:, :, : h // 2 * 2, : w // 2 * 2]
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))


def _scaled(name: str, images: np.ndarray) -> np.ndarray:
    """Images [n, h, w, c] in [-1, 1] -> [n, c, h, w] in [0, 1]."""
    images = finite(name, images)
    if images.ndim != 4 or not images.size:
        raise ValueError(f"expected {name} [n, height, width, channel], got shape {images.shape}")
    if np.abs(images).max() > 1 + 1e-3:
        raise ValueError(
            f"expected {name} in [-1, 1], got values from {images.min():.6g} to {images.max():.6g}"
        )
    return (images.transpose(0, 3, 1, 2) + 1) / 2


def ms_ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multi-scale structural similarity of pairs of images (Wang, Simoncelli & Bovik 2003).

    Five scales where the coarsest side is still as long as the Gaussian window of 11 pixels (176
    pixels and more), else fewer, with the first weights scaled to a sum of 1; below 11 pixels the
    window is the image, its sigma in proportion. Means are over windows inside the image; a
    negative mean counts 0; channels are compared apart and their values averaged. Libraries
    disagree: pytorch-msssim does as here and refuses small images, torchmetrics pads by reflection.

    Args:
      a: images [n, height, width, channel] in [-1, 1].
      b: the images to compare them with, of the same shape.

    Returns:
      Similarities [n], from 0 to 1, that of equal images.

    Raises:
      ValueError: the shapes are no such or differ, or values are not finite or outside [-1, 1].
    """
    a, b = _scaled("a", a), _scaled("b", b)
    if a.shape != b.shape:
        raise ValueError(f"images of shapes {a.shape} and {b.shape} do not compare")
    scales = max(1, min(len(WEIGHTS), int(np.log2(min(a.shape[2:]) / WINDOW)) + 1))
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    product = np.ones(a.shape[:2])
    for weight in weights[:-1]:
        product *= np.maximum(_one_scale(a, b)[1], 0.0) ** weight
        a, b = _halved(a), _halved(b)
    return (product * np.maximum(_one_scale(a, b)[0], 0.0) ** weights[-1]).mean(1)


def ms_ssim_diversity(images: np.ndarray, *, pairs: int = 1000, seed: int = 0) -> float:
    """Mean MS-SSIM of random pairs of different images (Odena et al. 2017, arXiv:1610.09585, 4.2).

    Higher is less diverse: 1 for copies of one image. The paper compares 100 pairs within each
    class with those of the training data: give images of one class, and the real data's value
    beside it.

    Args:
      images: [n >= 2, height, width, channel] in [-1, 1].
      pairs: their number.
      seed: of the pairs.

    Raises:
      ValueError: as `ms_ssim`, or fewer than 2 images.
    """
    images = np.asarray(images)
    whole(2, images=len(images), hint="a pair has two")
    whole(1, pairs=pairs)
    rng = np.random.default_rng(seed)
    first = rng.integers(len(images), size=pairs)
    second = (first + rng.integers(1, len(images), size=pairs)) % len(images)
    values = [
        ms_ssim(images[first[i : i + BLOCK]], images[second[i : i + BLOCK]])
        for i in range(0, pairs, BLOCK)
    ]
    return float(np.concatenate(values).mean())
