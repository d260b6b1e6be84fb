"""A user's own source of rows, `sources:pixels` in test configs."""

import numpy as np

from ganjax.data import Data, of_rows
from ganjax.errors import DataError

COUNT = 37


class Pixels:
    """Random images of 8x8 with labels; it notes the rows it reads, and may fail."""

    where = "pixels"

    def __init__(self, content: int = 0, fails_after: int | None = None):
        draw = np.random.RandomState(content)
        self.x = draw.randint(0, 256, (COUNT, 8, 8, 1), np.uint8)
        self.y = np.arange(COUNT, dtype=np.int32) % 3
        self.digest, self.seen, self.fails_after = f"content {content}", [], fails_after

    def __len__(self):
        return COUNT

    def read(self, rows):
        if len(rows) > 1:  # the first row is read alone, for its form
            self.seen.append(rows.copy())
        if self.fails_after is not None and len(self.seen) > self.fails_after:
            raise DataError("pixels: shard 3, row 7 cannot be read")
        return {"x": self.x[rows], "y": self.y[rows]}


def pixels(
    keep: str = "stream",
    order: str = "random",
    flip: bool = False,
    crop: int | None = None,
    content: int = 0,
    buffer_bytes: int = 2**28,
) -> Data:
    options = {"keep": keep, "order": order, "flip": flip, "crop": crop}
    return of_rows(Pixels(content), num_classes=3, buffer_bytes=buffer_bytes, **options)


class Couples(Pixels):
    """Images of 16x16 as `a`, and darker ones as `b`."""

    def read(self, rows):
        x = super().read(rows)["x"].repeat(2, 1).repeat(2, 2)
        return {"a": x, "b": x // 2}


def couples(keep: str = "stream", flip: bool = True) -> Data:
    return of_rows(Couples(), keep=keep, flip=flip, paired=True)
