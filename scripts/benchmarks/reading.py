"""Rates at which images are read: decoded from a folder or a zip, and mapped from the cache.

python scripts/benchmarks/reading.py --zip cifar10_jpeg.zip --json reading.json

Batches of random rows, as training draws them. `decode` reads files with `cache=False`, of 32
pixels: the first images of the zip, as they are and again as PNG; noise in their place without a
zip. `cache` reads the memory map, and `feed` draws the rows too, in the order of training, and
brings them to the device, without training. Images a second by the clock, and of CPU time of all
threads, which a busy machine changes less.
"""

import io
import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl import flags

from ganjax import cli

ZIP = flags.DEFINE_string("zip", None, "A zip of JPEGs to read the first images of.")
IMAGES = flags.DEFINE_integer("images", 20_000, "Images in the cache.", 256)
FILES = flags.DEFINE_integer("files", 4_000, "Images to decode.", 256)
BATCH = flags.DEFINE_integer("batch", 256, "Rows read at a time.", 1)
SECONDS = flags.DEFINE_float("seconds", 2.0, "Least time of a measurement.", 0.0)
JSON = cli.define_output("json", (".json",), "Also write the rates to this JSON file.")
ROW = "{:28} {:>12} {:>16}"


def rate(read: Callable[[], int]) -> tuple[float, float]:
    """Images a second, and a second of CPU time; `read` reads some and says how many."""
    read()
    count, began, spent = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < SECONDS.value:
        count += read()
    return count / (time.perf_counter() - began), count / (time.process_time() - spent)


def batches(source: Any) -> Callable[[], int]:
    """Reads a batch of random rows."""
    import numpy as np

    rng = np.random.RandomState(0)

    def read():
        source.read(rng.randint(0, len(source), BATCH.value))
        return BATCH.value

    return read


def write_files(folder: Path) -> None:
    """The first images of the zip, or noise, as folders and zips of JPEG and PNG."""
    import zipfile

    import numpy as np
    from PIL import Image

    from ganjax.data.files import image_files

    if ZIP.value:
        files = image_files.found(ZIP.value)
        jpegs = map(files.read, files.names[: FILES.value])
    else:
        rng = np.random.RandomState(0)
        jpegs = (_encoded(Image.fromarray(x), "JPEG") for x in _noise(rng, FILES.value, 32))
    archives = {
        end: zipfile.ZipFile(folder / f"{end}.zip", "w", zipfile.ZIP_STORED)
        for end in ("jpg", "png")
    }
    for row, jpeg in enumerate(jpegs):
        image = image_files.opened(jpeg)
        for end, data in (("jpg", jpeg), ("png", _encoded(image, "PNG"))):
            (folder / end).mkdir(exist_ok=True)
            (folder / end / f"{row:06d}.{end}").write_bytes(data)
            archives[end].writestr(f"{row:06d}.{end}", data)
    for archive in archives.values():
        archive.close()


def _noise(rng: Any, count: int, size: int) -> Any:
    """Images that compress about as photographs do."""
    import numpy as np
    from PIL import Image

    for _ in range(count):
        coarse = Image.fromarray(rng.randint(0, 256, (size // 4, size // 4, 3), np.uint8))
        fine = rng.randint(-8, 9, (size, size, 3))
        large = coarse.resize((size, size), Image.Resampling.BICUBIC)
        yield np.clip(np.asarray(large) + fine, 0, 255).astype(np.uint8)


def _encoded(image: Any, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def main() -> None:
    """Prints the table."""
    import numpy as np
    from PIL import Image
    from works.feeding import feed

    from ganjax import run_folder
    from ganjax.data import images

    rates = {}

    def measure(name, read):
        rates[name] = rate(read)
        print(ROW.format(name, *(f"{each:,.0f}" for each in rates[name])), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANJAX_CACHE"] = str(Path(folder, "cache"))
        write_files(Path(folder))
        print(ROW.format("", "images/s", "images/s of CPU"))
        for end, place in itertools.product(("jpg", "png"), ("folder", "zip")):
            path = Path(folder, end if place == "folder" else f"{end}.zip")
            source = images(str(path), size=32, cache=False, keep="stream").source
            measure(f"decode 32 {end}, {place}", batches(source))
        rng = np.random.RandomState(0)
        for size in (32, 64):
            path = Path(folder, str(size))
            path.mkdir()
            some = list(_noise(rng, 256, size))
            for row in range(IMAGES.value):
                Image.fromarray(np.roll(some[row % 256], row // 256, 0)).save(path / f"{row}.bmp")
            source = images(str(path), size=size, keep="stream").source
            measure(f"cache {size}", batches(source))
        with feed({"name": "images", "path": str(path), "size": 64}, BATCH.value) as read:
            measure("feed 64", read)
    if JSON.value:
        run_folder.write_json(
            Path(JSON.value),
            {
                "zip": ZIP.value and Path(ZIP.value).name,
                "batch": BATCH.value,
                "cores": cli.cores(),
                "images_per_second": {name: wall for name, (wall, _) in rates.items()},
                "images_per_cpu_second": {name: cpu for name, (_, cpu) in rates.items()},
            },
        )


if __name__ == "__main__":
    cli.run(main)
