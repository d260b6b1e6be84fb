"""Crops of two photographs on a raster, all of them resident: for scores that need every one."""

import jax.numpy as jnp

from ganjax.data import crops
from ganjax.data.paired import luminance
from ganjax.data.resident import Data, sample_rows

LARGEST = 2**30  # bytes of all crops; up to three times as much while they are made and checked


def photographs(
    size: int = 16, stride: int = 4, grey_to_colour: bool = False, shrink: int = 2
) -> Data:
    """Square crops of a pagoda by a lake and of a dahlia, see `crops.photographs`.

    They lie on a square raster of either photograph. No training crop has a pixel of a test crop.

    Args:
      size: side of a crop, from 4 to 160, or to 320 with shrink=1.
      stride: pixels between neighbouring crops, at least 1.
      grey_to_colour: give two domains, pairs of `a` the crop in grey (luma of Rec. 601) and `b` in
        colour.
      shrink: whole factor by which the photographs, 427x640, are made smaller first, so that a crop
        shows more than one surface.

    Returns:
      Data with `x` [batch, size, size, 3] in [-1, 1], or with `a` [batch, size, size, 1] and `b`
      [batch, size, size, 3].

    Raises:
      ValueError: an option is out of range, or the crops would take more than 1 GiB.
    """
    if stride < 1:
        raise ValueError(f"stride={stride} must be at least 1")
    left, right, held_out = crops.photographs(size, shrink)
    train, test = (left, right), (held_out,)

    def taken(stride):
        one = 4 * size * size * (4 if grey_to_colour else 3)  # bytes, float32
        return one * sum(crops.places(parts, size, stride) for parts in (train, test))

    if taken(stride) > LARGEST:
        fits = next(wide for wide in range(stride, size + 1) if taken(wide) <= LARGEST)
        raise ValueError(
            f"size={size} and stride={stride} make crops of {taken(stride) / 2**30:.1f} GiB, and "
            f"at most 1 GiB is kept; take stride={fits} or more"
        )

    def part(parts):
        x = jnp.asarray(crops.raster(parts, size, stride))
        return {"a": luminance(x), "b": x} if grey_to_colour else {"x": x}

    return Data(
        shape=(size, size, 3),
        train=part(train),
        test=part(test),
        sample=sample_rows,
        paired=grey_to_colour,
    )
