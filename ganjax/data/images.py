"""Folders of image files: decoded to one size and one range, every bad file named."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganjax.data import folders
from ganjax.data.resident import Data, of_examples
from ganjax.errors import DataError

log = logging.getLogger("ganjax")

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


def images(
    path: str,
    size: int,
    channels: int = 3,
    labels: bool = True,
    skip_bad: bool = False,
    held_out: int = 0,
) -> Data:
    """The images in a folder and the folders in it, in the order of their names, all resident.

    Links are followed, but for those to images that are there already; other files and names that
    begin with a dot are passed over. Where every image lies in one of several folders, those are
    the classes, in the order of their names, or of their numbers where all are numbers.

    Args:
      path: of the folder.
      size: side of the images, at least 1: the largest square in the middle is resized to it by
        bicubic interpolation with antialiasing.
      channels: 3 for colour or 1 for grey (luma of Rec. 601). What is transparent is laid over
        white; 16 bits of grey are kept.
      labels: whether folders are classes.
      skip_bad: leave out files that cannot be read, with a warning.
      held_out: images kept for tests, see `resident.of_examples`.

    Returns:
      Data with `x` [batch, size, size, channels] in [-1, 1] and, where folders are classes, labels
      `y` int [batch].

    Raises:
      ValueError: an argument is out of range.
      DataError: there is no such folder, no image in it, or some cannot be read: the first 20 with
        their reasons.
    """
    if size < 1 or channels not in (1, 3):
        raise ValueError(f"size={size} must be at least 1, and channels={channels} 1 or 3")
    root = Path(path)
    endings = {end for end, kind in Image.registered_extensions().items() if kind in FORMATS}
    names = folders.found(root, endings)
    y, num_classes = folders.classes(names) if labels else (None, 0)
    x = np.empty((len(names), size, size, channels), np.float32)

    def read(row):
        try:
            x[row] = _decoded(root / names[row], size, channels)
        except Exception as error:  # decoders raise what they like
            return f"{names[row]} ({_reason(error, root / names[row])})"
        return None

    with ThreadPoolExecutor() as pool:
        reasons = list(pool.map(read, range(len(names))))
    good = [row for row, reason in enumerate(reasons) if reason is None]
    if len(good) < len(names):
        bad = [reason for reason in reasons if reason is not None]
        told = f"{len(bad)} of {len(names)} images in {path} cannot be read: {folders.first(bad)}"
        if not (skip_bad and good):
            raise DataError(f"{told}; mend or remove them, or set data.skip_bad=True")
        log.warning("%s; going on without them", told)
        x, y = x[good], None if y is None else y[good]
    if -1 < (top := x.max()) <= 2 / 15 - 1:
        raise DataError(
            f"the images in {path} end at {(top + 1) / 2:.2g} of white, as masks of 0 and 1 or 12 "
            "bits in 16 do; spread them over the range of their type"
        )
    return of_examples(x, y, num_classes=num_classes, held_out=held_out)


def _decoded(path: Path, size: int, channels: int) -> np.ndarray:
    """One image as floats [size, size, channels] in [-1, 1]."""
    with Image.open(path, formats=FORMATS) as file:
        file.load()
        image = ImageOps.exif_transpose(file)
    if image.mode.startswith("I;16") or (image.mode == "I" and file.format in ("PNG", "PPM")):
        grey = Image.fromarray(np.asarray(image).astype(np.float32))  # Pillow would clip at 255
        x = np.clip(np.asarray(ImageOps.fit(grey, (size, size))) / 32767.5 - 1, -1, 1)
        return np.broadcast_to(x[..., None], (size, size, channels))
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of 32 bits, mode {image.mode}, of no known range")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = image.convert("RGB").convert("L" if channels == 1 else "RGB")
    image = ImageOps.fit(image, (size, size))
    return np.asarray(image, np.float32).reshape(size, size, channels) / 127.5 - 1


def _reason(error: Exception, path: Path) -> str:
    """Why a file cannot be read, in a few words."""
    if not path.exists():
        return "a link to nothing"
    if isinstance(error, UnidentifiedImageError):
        return "no image that Pillow knows" if path.stat().st_size else "empty"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
