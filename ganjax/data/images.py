"""Folders of image files: found, decoded to one size and one range, every bad file named."""

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganjax.checks import one_of, whole
from ganjax.data.resident import Data, of_examples
from ganjax.errors import DataError

log = logging.getLogger("ganjax")

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
LISTED = 20  # names in a message


def images(
    path: str,
    size: int,
    channels: int = 3,
    labels: bool = True,
    skip_bad: bool = False,
    held_out: int = 0,
) -> Data:
    """The images below a folder, in the order of their names, all resident.

    Links are followed, except links to images that are there already; other files and names that
    begin with a dot are left out. Where every image lies in one of several folders, those are the
    classes, in the order of their names, or of their numbers where all are numbers.

    Args:
      path: of the folder.
      size: side of the images, at least 1: the largest square in the middle is resized to it by
        bicubic interpolation with antialiasing.
      channels: 3 for colour or 1 for grey (luma of Rec. 601). Transparent parts become white; 16
        bits of grey are kept.
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
    whole(1, size=size)
    one_of((1, 3), channels=channels)
    root = Path(path)
    endings = {end for end, kind in Image.registered_extensions().items() if kind in FORMATS}
    names = _found(root, endings)
    y, num_classes = _classes(names) if labels else (None, 0)
    x = np.empty((len(names), size, size, channels), np.float32)

    def read(row):
        try:
            x[row] = _decoded(root / names[row], size, channels)
        except Exception as error:  # decoders raise errors of any type
            return f"{names[row]} ({_reason(error, root / names[row])})"
        return None

    with ThreadPoolExecutor() as pool:
        reasons = list(pool.map(read, range(len(names))))
    good = [row for row, reason in enumerate(reasons) if reason is None]
    if len(good) < len(names):
        bad = [reason for reason in reasons if reason is not None]
        message = f"{len(bad)} of {len(names)} images in {path} cannot be read: {_first(bad)}"
        if not (skip_bad and good):
            raise DataError(f"{message}; repair or remove them, or set data.skip_bad=True")
        log.warning("%s; left out", message)
        x, y = x[good], None if y is None else y[good]
    if -1 < (top := x.max()) <= 2 / 15 - 1:
        raise DataError(
            f"the images in {path} end at {(top + 1) / 2:.2g} of white, as masks of 0 and 1 or 12 "
            "bits in 16 do; spread them over the range of their type"
        )
    return of_examples(x, y, num_classes=num_classes, held_out=held_out)


def _found(root: Path, endings: Collection[str]) -> list[str]:
    """Names of the image files below a folder: sorted paths relative to it, at least one."""
    if not root.is_dir():
        raise DataError(f"there is no folder {root} (looked for from {Path.cwd()})")
    there, links, others = {}, [], Counter()
    for path in _files(root):
        if path.name.startswith(".") or path.suffix.lower() not in endings:
            others[path.suffix.lower() or path.name] += 1
        elif path.is_symlink():
            links.append(path)
        else:
            there.setdefault(os.path.realpath(path), path)
    taken = [there.setdefault(os.path.realpath(path), path) for path in links]
    if twice := [str(path) for path, first in zip(links, taken, strict=True) if path != first]:
        log.warning("links to files that are there already, left out: %s", _first(twice))
    left_out = _first([f"{count} {ending}" for ending, count in sorted(others.items())]) or "none"
    if not there:
        raise DataError(f"{root} holds no {', '.join(sorted(endings))}; other files: {left_out}")
    log.info("%s: %d files; left out: %s", root, len(there), left_out)
    return sorted(path.relative_to(root).as_posix() for path in there.values())


def _files(root: Path) -> Iterator[Path]:
    """All files below a folder, those below links to other folders last."""

    def refuse(error):
        raise DataError(f"{error.filename} cannot be read ({error.strerror}); remove it or open it")

    tops, seen = [root], set()
    for top in tops:
        for folder, inside, files in os.walk(top, onerror=refuse):
            inside.sort()
            if (real := os.path.realpath(folder)) in seen:
                inside.clear()
                continue
            seen.add(real)
            yield from (Path(folder, file) for file in sorted(files))
            tops += [Path(folder, name) for name in inside if Path(folder, name).is_symlink()]


def _classes(names: Sequence[str]) -> tuple[np.ndarray | None, int]:
    """Labels [n] by the first folder of each name, and the number of classes; else (None, 0)."""
    folders = [name.split("/")[0] if "/" in name else None for name in names]
    known = set(folders)
    if None in known or len(known) == 1:
        return None, 0
    numbers = all(name.isdecimal() for name in known)
    order = sorted(known, key=lambda name: (int(name), name) if numbers else name)
    log.info("classes from 0 on: %s", _first(order))
    index = {name: index for index, name in enumerate(order)}
    return np.array([index[folder] for folder in folders], np.int32), len(order)


def _first(names: Sequence[str]) -> str:
    """The first 20 names and the number of the others."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


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
