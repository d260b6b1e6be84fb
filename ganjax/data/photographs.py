"""Crops of the two colour photographs that ship inside scikit-learn: three data sources.

All hold out the same part of the width, which shares no pixel with the training part: the columns
right of the left half, a quarter of the width or as wide as a crop.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.checks import whole
from ganjax.data.resident import Data, sample_rows

HEIGHT, WIDTH = 427, 640
LUMA = (0.299, 0.587, 0.114)  # Rec. 601
LARGEST = 2**30  # bytes of all crops; up to three times as much while they are made and checked


def photographs(
    size: int = 16, stride: int = 4, grey_to_colour: bool = False, shrink: int = 2
) -> Data:
    """All crops on a square raster, resident: for scores that need every one.

    First a pagoda over a lake under a light sky (china.jpg), then an orange dahlia before dark
    leaves (flower.jpg), `sklearn.datasets.load_sample_images`.

    Args:
      size: side of a crop, from 4 to 160, or to 320 with shrink=1.
      stride: pixels between neighbouring crops, at least 1.
      grey_to_colour: give two domains, pairs of `a` the crop in grey (luma of Rec. 601) and `b` in
        colour.
      shrink: whole factor by which the photographs, 427x640, are shrunk first, by averaging, so
        that a crop shows more than one surface.

    Returns:
      Data with `x` [batch, size, size, 3] in [-1, 1], or with `a` [batch, size, size, 1] and `b`
      [batch, size, size, 3].

    Raises:
      ValueError: an option is out of range, or the crops would take more than 1 GiB.
    """
    whole(1, stride=stride)
    left, right, held_out = parts(size, shrink)
    train, test = (left, right), (held_out,)

    def total_bytes(stride):
        windows = _windows((*train, *test), size, stride)
        count = sum(math.prod(part.shape[:3]) for part in windows)
        return 4 * size * size * (4 if grey_to_colour else 3) * count

    if total_bytes(stride) > LARGEST:
        fits = next(wide for wide in range(stride, size + 1) if total_bytes(wide) <= LARGEST)
        raise ValueError(
            f"size={size} and stride={stride} make crops of {total_bytes(stride) / 2**30:.1f} GiB, "
            f"and at most 1 GiB is kept; take stride={fits} or more"
        )

    def crops(of):
        x = jnp.asarray(raster(of, size, stride))
        return {"a": luminance(x), "b": x} if grey_to_colour else {"x": x}

    shape = (size, size, 3)
    return Data(shape, crops(train), crops(test), sample_rows, paired=grey_to_colour)


def photograph_domains(size: int = 32, shrink: int = 2) -> Data:
    """Two unpaired domains, a photograph each: a pagoda by a lake and a dahlia.

    Args:
      size: side of a crop, from 4 to 160, or to 320 with shrink=1.
      shrink: as in `photographs`.

    Returns:
      Data with unpaired `a` (the pagoda) and `b` (the dahlia) [batch, size, size, 3] in [-1, 1],
      each crop from its own place; the held-out examples are crops half their size apart.

    Raises: as `photographs`.
    """
    left, right, held_out = parts(size, shrink)
    train, test = {}, {}
    for photo, domain in enumerate("ab"):
        this = slice(photo, photo + 1)
        train[f"{domain}_left"] = jnp.asarray(left[this])
        train[f"{domain}_right"] = jnp.asarray(right[this])
        test[domain] = jnp.asarray(raster([held_out[this]], size, stride=size // 2))

    def sample(train, rng, batch_size):
        return {
            domain: sample_crops(
                train[f"{domain}_left"], train[f"{domain}_right"], rng, batch_size, size
            )
            for domain, rng in zip("ab", jax.random.split(rng), strict=True)
        }

    return Data((size, size, 3), train, test, sample)


def photograph_crops(size: int = 64, pyramid: int | None = None, shrink: int = 2) -> Data:
    """Crops of either photograph, drawn for every batch, at the sizes of growing networks.

    Only the photographs are kept, so crops may be large and lie anywhere.

    Args:
      size: side of the images, at least 1.
      pyramid: crops have this side, a multiple of `size`, and are averaged over blocks down to
        `size`, so that images of one size are those of the next, halved; `size` if None. At most
        160, or 320 with shrink=1.
      shrink: as in `photographs`.

    Returns:
      Data with `x` [batch, size, size, 3] in [-1, 1], of either photograph with probability 1/2;
      the held-out crops show the photographs in turn.

    Raises: as `photographs`.
    """
    side = size if pyramid is None else pyramid
    if size < 1 or side % size:
        raise ValueError(
            f"pyramid={pyramid} must be a multiple of size={size}, which is at least 1; e.g. "
            "size=64 with pyramid=256"
        )
    domains, block = photograph_domains(side, shrink), side // size

    def shrunk(x):
        return x.reshape(-1, size, block, size, block, 3).mean((2, 4))

    def sample(train, rng, batch_size):
        rng_crops, rng_photo = jax.random.split(rng)
        crops = domains.sample(train, rng_crops, batch_size)
        first = jax.random.bernoulli(rng_photo, shape=(batch_size, 1, 1, 1))
        return {"x": shrunk(jnp.where(first, crops["a"], crops["b"]))}

    test = shrunk(jnp.stack([domains.test["a"], domains.test["b"]], 1))  # [m, 2, side, side, 3]
    return Data((size, size, 3), domains.train, {"x": test}, sample)


def parts(size: int, shrink: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The photographs in three parts for crops of a size: (left, right, held out).

    Each is [2, height, width, 3] in [-1, 1]; right may be too narrow for a crop.

    Raises:
      ValueError: an argument is out of range, or crops of this size do not fit.
    """
    whole(1, shrink=shrink)
    height, width = HEIGHT // shrink, WIDTH // shrink
    half = width // 2
    hint = f"with shrink={shrink}, half of the photographs' width is {half}"
    whole(4, min(height, half), size=size, hint=hint)
    from sklearn.datasets import load_sample_images  # 0.7 s: after the checks

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
    photo = jax.random.randint(rngs[0], (batch_size,), 0, photos)
    top = jax.random.randint(rngs[1], (batch_size,), 0, height - size + 1)
    start = jax.random.randint(rngs[2], (batch_size,), 0, sum(places))

    both = jnp.concatenate([left, right], axis=2)
    start = jnp.where(start < places[0], start, start - places[0] + width)

    def crop(photo, top, start):
        return jax.lax.dynamic_slice(both, (photo, top, start, 0), (1, size, size, channels))[0]

    return jax.vmap(crop)(photo, top, start)


def raster(parts: Sequence[np.ndarray], size: int, stride: int) -> np.ndarray:
    """Crops on a square raster, in a random order that is always the same.

    Args:
      parts: of photographs, [n, height, width, 3] each; those narrower than a crop have none.
      size: side of a crop.
      stride: pixels between neighbours, at least 1; crops overlap where it is less than `size`.

    Returns: crops [m, size, size, 3].
    """
    crops = np.concatenate(
        [windows.reshape(-1, size, size, 3) for windows in _windows(parts, size, stride)]
    )
    return crops[np.random.RandomState(0).permutation(len(crops))]


def _windows(parts: Sequence[np.ndarray], size: int, stride: int) -> list[np.ndarray]:
    """Views [n, rows, columns, size, size, 3] of the parts that are as wide as a crop."""
    slide = np.lib.stride_tricks.sliding_window_view
    return [
        np.moveaxis(slide(part, (size, size), axis=(1, 2))[:, ::stride, ::stride], 3, -1)
        for part in parts
        if part.shape[2] >= size
    ]


def luminance(x: jax.Array) -> jax.Array:
    """Images [n, h, w, 1 or 3] -> grey ones [n, h, w, 1], weighted as in Rec. 601."""
    return x if x.shape[-1] == 1 else x @ jnp.array(LUMA, x.dtype)[:, None]
