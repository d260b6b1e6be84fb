"""Pictures of pixels: grids, files of one image each, animations."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganjax.disclosure import Disclosure
from ganjax.errors import ConfigError
from ganjax.files import replaced

TILE = 48  # smallest side of an image in a grid, in pixels


def drawable(shape: Sequence[int]) -> bool:
    """Whether there is a picture of samples of this shape: images or points in the plane."""
    return (len(shape) == 3 and shape[-1] in (1, 3)) or tuple(shape) == (2,)


def check_drawable(shape: Sequence[int], otherwise: str) -> None:
    """Refuses samples that cannot be drawn.

    Args:
      shape: of one sample.
      otherwise: the advice at the end of the message.

    Raises:
      ConfigError: samples of this shape cannot be drawn.
    """
    if not drawable(shape):
        raise ConfigError(
            f"there is no picture of samples of shape {tuple(shape)}, only of images with 1 or 3 "
            f"channels and of points in the plane; {otherwise}"
        )


def image_grid(x: np.ndarray, *, columns: int | None = None) -> np.ndarray:
    """Tiles images into one, row by row, with a gap of a sixteenth of a tile.

    Args:
      x: images [n, height, width, channel] in [-1, 1]; 1 or 3 channels.
      columns: images in a row; about the square root of n if None.

    Returns:
      uint8 image [height, width, channel]; images below 48 pixels are enlarged by a whole factor.
    """
    x = np.asarray(x)
    scale = -(-TILE // min(x.shape[1:3]))
    x = pixels(x).repeat(scale, axis=1).repeat(scale, axis=2)
    n, height, width, channels = x.shape
    (rows, columns), gap = grid_shape(n, columns), max(1, min(height, width) // 16)
    canvas = np.full(
        (rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 255, np.uint8
    )
    for index, image in enumerate(x):
        top = gap + index // columns * (height + gap)
        left = gap + index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    return canvas


def grid_shape(n: int, columns: int | None) -> tuple[int, int]:
    """(rows, columns) of a grid of n images, about square if the columns are None."""
    columns = columns or int(np.ceil(np.sqrt(n)))
    return -(-n // columns), columns


def save_image(path: Path, image: np.ndarray, *, disclosure: Disclosure) -> None:
    """Writes a uint8 image [height, width, 1 or 3] in the format of the path's ending."""
    kind, options = Image.registered_extensions(), disclosure.image_options(path.suffix)
    with replaced(path) as file:
        _image(image).save(file, kind[path.suffix.lower()], title=path.stem, **options)


def _image(x: np.ndarray) -> Image.Image:
    return Image.fromarray(x[..., 0] if x.shape[-1] == 1 else x)


def save_apart(paths: Sequence[Path], x: np.ndarray, *, disclosure: Disclosure) -> None:
    """Writes images [n, height, width, 1 or 3] in [-1, 1], unscaled, each into its own file."""
    for path, image in zip(paths, pixels(x), strict=True):
        save_image(path, image, disclosure=disclosure)


def pixels(x: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] as uint8, rounded."""
    return np.clip(np.rint((x + 1) * 127.5), 0, 255).astype(np.uint8)


def save_animation(
    path: Path, frames: Sequence[np.ndarray], *, disclosure: Disclosure, seconds: float = 0.12
) -> None:
    """Writes uint8 images [height, width, 1 or 3] of one size as an endless GIF.

    Args:
      path: of the GIF.
      frames: at least one.
      disclosure: of their origin.
      seconds: duration of each frame.
    """
    images = [_image(frame) for frame in frames]
    options = dict(append_images=images[1:], duration=round(1000 * seconds), loop=0)
    options |= disclosure.image_options(".gif")
    with replaced(path) as file:
        images[0].save(file, format="GIF", save_all=True, optimize=True, **options)
