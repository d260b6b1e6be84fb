"""Instance noise, and DiffAugment's changes of images (Zhao et al. 2020, arXiv:2006.10738)."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from ganjax import checks
from ganjax.errors import unknown

Augmentation = Callable[[jax.Array, jax.Array, jax.Array | int], jax.Array]


def check_images(name: str, x: jax.Array) -> None:
    """Raises ValueError for an array that is no batch of images."""
    if x.ndim != 4:
        raise ValueError(
            f"{name} needs images [batch, height, width, channel], got an array of shape "
            f"{x.shape}; instance_noise works for points"
        )


def _of_images(name: str, change: Callable[[jax.Array, jax.Array], jax.Array]) -> Augmentation:
    """An augmentation of images from `(x, rng) -> x`, which is not annealed."""

    def augment(x, rng, updates=0):
        del updates
        check_images(name, x)
        return change(x, rng)

    return augment


_check_share = partial(checks.within, "[0, 1]")


def _pixels(share: float, side: int) -> int:
    """A share of a side in whole pixels, halves rounded up."""
    return int(share * side + 0.5)


def _per_image(x: jax.Array) -> tuple[int, ...]:
    return (x.shape[0], 1, 1, 1)


def _stretched(name: str, strength: float, axes: int | tuple[int, ...]) -> Augmentation:
    """Each image about its mean over some axes, by a factor uniform in 1 +- strength."""
    _check_share(strength=strength)

    def change(x, rng):
        mean = jnp.mean(x, axis=axes, keepdims=True)
        low, high = 1 - strength, 1 + strength
        return mean + (x - mean) * jax.random.uniform(rng, _per_image(x), x.dtype, low, high)

    return _of_images(name, change)


def instance_noise(std: float = 0.1, steps: int = 0) -> Augmentation:
    """x + sigma N(0, I) (Sonderby et al. 2017, arXiv:1610.04490; Arjovsky and Bottou 2017).

    Both distributions then overlap, which makes the Dirac-GAN converge (Mescheder et al. 2018,
    arXiv:1801.04406; `games.dirac` has the same noise in closed form).

    Args:
      std: sigma at the start, at least 0, in units of x.
      steps: updates of the discriminator over which sigma falls linearly to 0; 0 for never.

    Returns:
      Augmentation of arrays [batch, ...].

    Raises:
      ValueError: an argument is out of range.
    """
    checks.within("[0, inf)", std=std)
    checks.whole(0, steps=steps, hint="0 keeps the noise as it is")

    def augment(x, rng, updates=0):
        left = jnp.maximum(1 - updates / steps, 0.0) if steps else 1.0
        return x + jnp.asarray(std * left, x.dtype) * jax.random.normal(rng, x.shape, x.dtype)

    return augment


def flip() -> Augmentation:
    """Mirrors each image left to right with probability 1/2."""

    def change(x, rng):
        return jnp.where(jax.random.bernoulli(rng, 0.5, _per_image(x)), x[:, :, ::-1], x)

    return _of_images("flip", change)


def brightness(strength: float = 0.5) -> Augmentation:
    """Adds to each image one number, uniform within +-strength (DiffAugment's colour, first part).

    Images span [-1, 1]; ValueError for a strength outside [0, 1].
    """
    _check_share(strength=strength)

    def change(x, rng):
        return x + jax.random.uniform(rng, _per_image(x), x.dtype, -strength, strength)

    return _of_images("brightness", change)


def contrast(strength: float = 0.5) -> Augmentation:
    """Stretches each image about its mean by a factor uniform in 1 +- strength, in [0, 1]."""
    return _stretched("contrast", strength, axes=(1, 2, 3))


def saturation(strength: float = 1.0) -> Augmentation:
    """Stretches each pixel's colours about their mean by a factor uniform in 1 +- strength.

    Nothing for images of one channel; ValueError for a strength outside [0, 1].
    """
    return _stretched("saturation", strength, axes=3)


def translate(share: float = 0.125) -> Augmentation:
    """Shifts each image by whole pixels, filling with 0 (DiffAugment's translation).

    At most by `share` of the side, in every direction; ValueError for a share outside [0, 1].
    """
    _check_share(share=share)

    def change(x, rng):
        reach = [_pixels(share, side) for side in x.shape[1:3]]
        rngs = jax.random.split(rng)
        shifts = jnp.stack(
            [
                jax.random.randint(rng, x.shape[:1], 0, 2 * r + 1)
                for rng, r in zip(rngs, reach, strict=True)
            ],
            axis=1,
        )
        padded = jnp.pad(x, ((0, 0), *((r, r) for r in reach), (0, 0)))

        def window(image, shift):
            return jax.lax.dynamic_slice(image, (shift[0], shift[1], 0), x.shape[1:])

        return jax.vmap(window)(padded, shifts)

    return _of_images("translate", change)


def cutout(share: float = 0.5) -> Augmentation:
    """Sets one square of each image to 0, its centre uniform over the image (DiffAugment).

    The square's side is `share` of the image's, and parts outside are lost; ValueError for a share
    outside [0, 1].
    """
    _check_share(share=share)

    def change(x, rng):
        inside = []
        for rng_axis, side in zip(jax.random.split(rng), x.shape[1:3], strict=True):
            size = _pixels(share, side)
            # One place more for an even square, so that both edges are cut as often.
            places = side + 1 - size % 2
            first = jax.random.randint(rng_axis, (x.shape[0], 1), 0, places)
            first = first - size // 2
            pixel = jnp.arange(side)[None, :]
            inside.append((pixel >= first) & (pixel < first + size))  # [batch, side]
        hole = inside[0][:, :, None, None] & inside[1][:, None, :, None]
        return jnp.where(hole, 0, x)

    return _of_images("cutout", change)


PARTS = {
    "brightness": brightness,
    "contrast": contrast,
    "cutout": cutout,
    "flip": flip,
    "instance_noise": instance_noise,
    "saturation": saturation,
    "translate": translate,
}


def diff_augment(policy: tuple[str, ...] = ("colour", "translate", "cutout")) -> Augmentation:
    """DiffAugment's policies one after the other (Zhao et al. 2020, arXiv:2006.10738).

    Each is a row of this file with its defaults, or "colour" for brightness, saturation and
    contrast; ValueError for an unknown name.
    """
    known = {"colour", *PARTS}
    for name in policy:
        if name not in known:
            raise ValueError(unknown("augmentation", name, known))
    colour = ("brightness", "saturation", "contrast")
    names = [part for name in policy for part in (colour if name == "colour" else (name,))]
    parts = [PARTS[name]() for name in names]

    def augment(x, rng, updates=0):
        for part, rng_part in zip(parts, jax.random.split(rng, len(parts)), strict=True):
            x = part(x, rng_part, updates)
        return x

    return augment
