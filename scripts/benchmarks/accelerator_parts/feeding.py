"""The rate at which uint8 images of a file reach the device, read as training reads them."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from works.feeding import feed

from accelerator_parts import Row, Settings

SIZE, BATCH = 32, 1_024


def rows(settings: Settings) -> Iterator[Row]:
    """Images a second."""
    count, seconds = (2_048, 0.2) if settings.tiny else (50_000, 4.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images.npy")
        drawn = np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
        np.save(path, drawn)
        with feed({"name": "arrays", "path": str(path)}, BATCH) as read:
            read()
            taken, began = 0, time.perf_counter()
            while (spent := time.perf_counter() - began) < seconds:
                taken += read()
    yield Row(f"feed of {SIZE}x{SIZE} uint8 images", taken / spent, "images/s")
