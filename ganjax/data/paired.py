"""Pairs of images for translation: a degraded image a, and the image (or its mask) b."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ganjax.data.digits import digits
from ganjax.data.photographs import luminance, parts, raster, sample_crops
from ganjax.data.resident import Data, sample_rows
from ganjax.errors import unknown


def inpainting(x: jax.Array, rng: jax.Array) -> tuple[jax.Array, jax.Array]:
    """a: a square hole of half the side, at a random place of every image, is filled with 0."""
    n, height, width = x.shape[:3]
    rng_top, rng_left = jax.random.split(rng)

    def inside(rng, side):
        first = jax.random.randint(rng, (n, 1), 0, side - side // 2 + 1)
        pixel = jnp.arange(side)[None]
        return (pixel >= first) & (pixel < first + side // 2)  # [n, side]

    hole = inside(rng_top, height)[:, :, None, None] & inside(rng_left, width)[:, None, :, None]
    return jnp.where(hole, 0.0, x), x


def colourisation(x: jax.Array, _: jax.Array) -> tuple[jax.Array, jax.Array]:
    """a: the luminance. It raises a ValueError for grey images."""
    if x.shape[-1] != 3:
        raise ValueError(
            f"task='colourisation' needs colour images, not {x.shape[1:]}; take "
            "images='photographs' or another task"
        )
    return luminance(x), x


def sketch(x: jax.Array, _: jax.Array) -> tuple[jax.Array, jax.Array]:
    """a: edges, light on dark: 4 times the length of the luminance's gradient, between -1 and 1."""
    grey = jnp.pad(luminance(x), ((0, 0), (0, 1), (0, 1), (0, 0)), mode="edge")
    down = grey[:, 1:, :-1] - grey[:, :-1, :-1]
    right = grey[:, :-1, 1:] - grey[:, :-1, :-1]
    return jnp.clip(4 * jnp.sqrt(down**2 + right**2) - 1, -1, 1), x


def segmentation(x: jax.Array, rng: jax.Array) -> tuple[jax.Array, jax.Array]:
    """a: the image under Gaussian noise of deviation 1, clipped; b: 1 above 0 and -1 elsewhere.

    The mask is of the luminance, one channel.
    """
    a = jnp.clip(x + jax.random.normal(rng, x.shape, x.dtype), -1, 1)
    return a, jnp.where(luminance(x) > 0, 1.0, -1.0).astype(x.dtype)


TASKS: dict[str, Callable] = {
    "colourisation": colourisation,
    "inpainting": inpainting,
    "segmentation": segmentation,
    "sketch": sketch,
}


def _digits(size, shrink):
    if shrink is not None:
        raise ValueError(f"shrink={shrink} is for images='photographs'; leave it out for digits")
    source = digits(size=size)
    train, test = {"x": source.train["x"]}, source.test["x"]
    return train, lambda train, rng, n: sample_rows(train, rng, n)["x"], test


def _photographs(size, shrink):
    left, right, held_out = parts(size, 2 if shrink is None else shrink)
    train = {"left": jnp.asarray(left), "right": jnp.asarray(right)}

    def draw(train, rng, n):
        return sample_crops(train["left"], train["right"], rng, n, size)

    return train, draw, jnp.asarray(raster([held_out], size, stride=size // 2))


IMAGES = {"digits": _digits, "photographs": _photographs}


def paired_images(
    images: str = "digits", task: str = "inpainting", size: int = 16, shrink: int | None = None
) -> Data:
    """Pairs of images: a, and its translation b.

    Args:
      images: `digits`, or `photographs` for crops of the two in `photographs`.
      task: `colourisation`, `inpainting`, `segmentation` or `sketch`, see the functions.
      size: side of the images: 8, 16 or 32 for digits, 4 to 160 for photographs, or to 320 with
        shrink=1.
      shrink: as in `photographs`, 2 if None; digits have none.

    Returns:
      Data with `a` and `b` [batch, size, size, channels] in [-1, 1]. The random parts of a task are
      drawn for every batch, and once for the held-out examples.

    Raises:
      ValueError: an unknown name, or arguments that do not go together.
    """
    for kind, name, known in (("images", images, IMAGES), ("task", task, TASKS)):
        if name not in known:
            raise ValueError(unknown(kind, name, known))
    train, draw, held_out = IMAGES[images](size, shrink)

    def sample(train, rng, batch_size):
        rng_draw, rng_task = jax.random.split(rng)
        a, b = TASKS[task](draw(train, rng_draw, batch_size), rng_task)
        return {"a": a, "b": b}

    a, b = TASKS[task](held_out, jax.random.key(0))
    return Data(b.shape[1:], train, {"a": a, "b": b}, sample, paired=True)
