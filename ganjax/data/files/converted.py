"""Arrays as rows: of a type that devices know, and of another size."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ganjax.data.cache import cached
from ganjax.data.files.sizing import fitted, resized, stored_side
from ganjax.data.resident import Rows
from ganjax.data.rows import Table

KINDS = tuple(map(np.dtype, ("uint8", "uint16", "int8", "int16", "bool", "float32")))


@dataclass(frozen=True)
class Converted:
    """`Rows` whose `x` is converted whenever it is read; `change` tells how, for the digest."""

    of: Table
    convert: Callable[[np.ndarray], np.ndarray]
    change: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.of.digest} {self.change}".encode()).hexdigest()

    @property
    def where(self) -> str:
        return self.of.where

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The labels, if there are any."""
        return {key: array for key, array in self.of.arrays.items() if key == "y"}

    def __len__(self) -> int:
        return len(self.of)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        found = self.of.read(rows)
        return {**found, "x": self.convert(found["x"])}


def as_floats(table: Table) -> Rows:
    """The rows with `x` as float32, if it is points or of a type that devices lack."""
    x = table.arrays["x"]
    if x.dtype == np.float32 or (x.ndim > 3 and x.dtype in KINDS):
        return table
    return Converted(table, lambda x: x.astype(np.float32), "float32")


def of_size(
    table: Table, size: int, crop: str, value_range: tuple[float, float], cache: bool
) -> Rows:
    """The rows with images `x` as squares of one side, see `sizing.fitted`, of their own type.

    Images are padded whenever they are read; all else is done once, see `cache.cached`.

    Args:
      table: with `x` [n, height, width, channel].
      size: see `sizing.fitted`.
      crop: see `sizing.fitted`.
      value_range: the values of black and white.
      cache: whether to write a cache.
    """
    x, side = table.arrays["x"], stored_side(size, crop)
    if x.shape[1:3] == (side, side):
        return as_floats(table)
    black, white = value_range
    if crop == "pad" and max(x.shape[1:3]) <= size:
        return Converted(table, _padding(size, black, x.dtype), f"pad {size} {black}")

    def one(row):
        image = x[row]
        if x.dtype == np.uint8 and x.shape[3] in (1, 3):
            image = Image.fromarray(image[..., 0] if x.shape[3] == 1 else image)
            return {"x": fitted(image, size, x.shape[3], crop)}
        planes = [
            np.asarray(resized(Image.fromarray(plane), size, crop, black))
            for plane in np.moveaxis(image.astype(np.float32), -1, 0)
        ]
        new = np.clip(np.stack(planes, -1), black, white)
        return {"x": new if x.dtype.kind == "f" else np.rint(new).astype(x.dtype)}

    known = {key: array for key, array in table.arrays.items() if key != "x"}
    resized_table = cached(
        f"{table.digest} {size} {crop} {value_range}",
        table.where,
        len(table),
        one,
        beside=Path(table.where).resolve().parent,
        on=cache,
        known=known,
    )
    return as_floats(resized_table) if isinstance(resized_table, Table) else resized_table


def _padding(size: int, black: float, kind: np.dtype) -> Callable[[np.ndarray], np.ndarray]:
    kind = kind if kind in KINDS else np.dtype(np.float32)

    def pad(x):
        n, height, width, channels = x.shape
        padded = np.full((n, size, size, channels), black, kind)
        top, left = (size - height) // 2, (size - width) // 2
        padded[:, top : top + height, left : left + width] = x
        return padded

    return pad
