"""Images of the user: a folder or a zip of files, decoded to one size, every bad file named."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganjax.checks import one_of, whole
from ganjax.data.cache import cached
from ganjax.data.files.domains import Paired, Pairs
from ganjax.data.files.image_files import Files, found, opened
from ganjax.data.files.layout import Layout, in_pairs, layout
from ganjax.data.files.sizing import CROPS, fitted, stored_side
from ganjax.data.resident import BUFFER, Batch, Data, Rows
from ganjax.data.rows import Part, of_rows, some, split
from ganjax.errors import DataError

log = logging.getLogger("ganjax")

DARK = 17  # of 255: masks of 0 and 1 end below it, and 12 bits in 16
LOOKED_AT = 256  # images at a time, until one is brighter


@dataclass(frozen=True)
class Images:
    """Rows of image files.

    Attributes:
      of: the rows.
      names: of the classes, in the order of their labels.
      left_out: the files that cannot be read, with the reasons.
    """

    of: Rows
    names: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def digest(self) -> str:
        return self.of.digest

    @property
    def where(self) -> str:
        return self.of.where

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The labels, if they are at hand."""
        return getattr(self.of, "arrays", {})

    def __len__(self) -> int:
        return len(self.of)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return self.of.read(rows)


def images(
    path: str,
    size: int | None = None,
    channels: int = 3,
    labels: bool = True,
    crop: str = "centre",
    flip: bool = False,
    skip_bad: bool = False,
    held_out: int = 0,
    keep: str = "auto",
    order: str = "random",
    cache: bool = True,
    paired: bool = False,
    part: str | None = None,
    buffer_bytes: int = BUFFER,
) -> Data:
    """The images in a folder or a zip, nested or not, in the order of their names.

    Folders have a meaning, see `layout.layout`: `train` and `test` are parts, of which the second
    is held out; `a` and `b` are two domains; several others, with every image in one of them, are
    classes. Links are followed, except links to images that are there already; other files and
    names that begin with a dot are left out.

    Args:
      path: of the folder or zip.
      size: side of the images, at least 1; None for images that are all of one size already.
      channels: 3 for colour or 1 for grey, see `sizing.fitted`, as for all modes of images.
      labels: whether folders are classes.
      crop: "centre", "pad", "stretch" or "random", see `sizing.fitted`.
      flip: mirror images at random.
      skip_bad: leave out files that cannot be read, with a warning.
      held_out: images kept for tests, of each domain, see `rows.split`; not beside a test part.
      keep: see `rows.of_rows`.
      order: see `rows.of_rows`.
      cache: whether images are decoded once, into a cache, see `cache.cached`; if not, whenever
        they are read.
      paired: whether images of two domains with one name belong together.
      part: the folder to train on; None for `train`, with `test` held out, where there are such.
      buffer_bytes: see `rows.of_rows`.

    Returns:
      Data with `x` uint8 [size, size, channels] in its source, in [-1, 1] in its batches, and,
      where folders are classes, labels `y`; or with `a` and `b`. The source is an `Images`.

    Raises:
      ValueError: an argument is out of range.
      DataError: there is no such folder, no image in it, or some cannot be read: the first 20 with
        their reasons; or folders and arguments contradict each other.
    """
    if size is not None:
        whole(1, size=size)
    elif crop == "random":
        raise ValueError("size=None, but crop='random' needs a size, the side of its squares")
    one_of((1, 3), channels=channels)
    one_of(CROPS, crop=crop)
    files = found(path)
    there = layout(str(path), files.names, part, labels)
    if paired:
        there = in_pairs(str(path), files.names, there)
    if there.test and held_out:
        raise ValueError(
            f"held_out={held_out}, but {path} has a test part, which is held out; leave held_out "
            "out, or give part='train'"
        )
    rows, there, left_out = _decoded(path, files, there, size, channels, crop, cache, skip_bad)
    _refuse_dark(str(path), rows)
    train, test, shown = _parts(rows, there, held_out)
    data = of_rows(
        Images(train, there.classes, left_out),
        test=test,
        num_classes=len(there.classes),
        keep=keep,
        order=order,
        flip=flip,
        crop=size if crop == "random" else None,
        paired=paired,
        buffer_bytes=buffer_bytes,
    )
    return data._replace(test=data.decode(shown, None)) if shown else data


def _decoded(
    path: str,
    files: Files,
    there: Layout,
    size: int | None,
    channels: int,
    crop: str,
    cache: bool,
    skip_bad: bool,
) -> tuple[Rows, Layout, tuple[str, ...]]:
    """The images of all parts in one table; the layout by its rows; the files left out."""
    parts = [*there.train.values(), *there.test.values()]
    used = np.unique(np.concatenate(parts))
    names = [files.names[row] for row in used]
    side, small = stored_side(size, crop), set()

    def read(row):
        image = opened(files.read(names[row]))
        if size is not None and crop != "pad" and min(image.size) < side:
            small.add(names[row])
        return {"x": fitted(image, size, channels, crop)}

    options = hashlib.sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()
    rows = cached(
        f"{files.stamp} {options} {size} {channels} {crop}",
        str(path),
        len(names),
        read,
        beside=Path(path).resolve().parent,
        on=cache,
        known={} if there.labels is None else {"y": there.labels[used]},
        name=names.__getitem__,
        skip_bad=skip_bad,
        hint="repair or remove them, or set data.skip_bad=True",
    )
    if small:
        log.warning(
            "%s: %d images are smaller than %d pixels and enlarged, e.g. %s",
            *(path, len(small), side, min(small)),
        )
    bad = rows.left_out
    left_out = tuple(f"{names[row]} ({reason})" for row, reason in bad.items())
    return rows, _without(there, used, bad), left_out


def _without(there: Layout, used: np.ndarray, bad: Mapping[int, str]) -> Layout:
    """A layout by the rows that were read, of the files used without the bad ones."""
    good = np.delete(used, np.array(list(bad), int))

    def remaining(part):
        kept = {key: np.isin(rows, good) for key, rows in part.items()}
        if there.pairs:
            kept = dict.fromkeys(kept, np.all(list(kept.values()), axis=0))
        part = {key: np.searchsorted(good, rows[kept[key]]) for key, rows in part.items()}
        if empty := [key for key, rows in part.items() if not len(rows)]:
            raise DataError(f"no image of {empty[0]} can be read; repair them")
        return part

    return there._replace(train=remaining(there.train), test=remaining(there.test))


def _parts(rows: Rows, there: Layout, held_out: int) -> tuple[Rows, Rows | None, Batch]:
    """Rows for training and, held out, as rows or, of two domains of two lengths, as images."""
    train, test = (
        {key: _chosen(rows, index) for key, index in part.items()}
        for part in (there.train, there.test)
    )
    if "a" not in train or there.pairs:
        train, test = (Paired(**part) if "a" in part else part.get("x") for part in (train, test))
        return (train, test, {}) if test else (*split(train, held_out), {})
    if not test:
        parts = {key: split(domain, held_out) for key, domain in train.items()}
        train = {key: domain for key, (domain, _) in parts.items()}
        test = {key: shown for key, (_, shown) in parts.items() if shown is not None}
    return Pairs(**train), None, {key: some(domain)["x"] for key, domain in test.items()}


def _chosen(rows: Rows, index: np.ndarray) -> Rows:
    return rows if np.array_equal(index, np.arange(len(rows))) else Part(rows, index)


def _refuse_dark(where: str, rows: Rows) -> None:
    """Raises a DataError if all images are nearly black, as masks are, but not black."""
    top = 0
    for begin in range(0, len(rows), LOOKED_AT):
        x = rows.read(np.arange(begin, min(begin + LOOKED_AT, len(rows))))["x"]
        top = max(top, int(x.max()))
        if top > DARK:
            return
    if top:
        raise DataError(
            f"the images in {where} end at {top / 255:.2g} of white, as masks of 0 and 1 or 12 "
            "bits in 16 do; spread them over the range of their type"
        )
