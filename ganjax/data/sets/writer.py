"""Converts a folder, a zip or an array file into a set of TensorFlow Datasets, without TensorFlow.

Rows keep their order, and files that are PNG or JPEG already keep their bytes.
"""

import contextlib
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ganjax.data.columns import THREADS, listed, reason
from ganjax.data.files.image_files import found, opened
from ganjax.data.files.layout import layout
from ganjax.data.files.sizing import ORIENTATION, fitted
from ganjax.data.sets import prepared, stock
from ganjax.errors import DataError

MODES = {"L": 1, "RGB": 3}  # of images whose bytes are kept
VERSION = "1.0.0"


@dataclass(frozen=True)
class Examples:
    """Images that are to be written.

    Attributes:
      where: the file or folder, for messages.
      splits: {name: numbers of the examples, in their order}.
      image: number -> the bytes of a PNG or a JPEG.
      name: number -> the name of an example.
      shape: (height, width, channels); None for sides that differ.
      labels: class of every example, or None.
      classes: names of the classes, in the order of their labels; () without names.
    """

    where: str
    splits: dict[str, np.ndarray]
    image: Callable[[int], bytes]
    name: Callable[[int], str]
    shape: tuple[int | None, int | None, int]
    labels: np.ndarray | None
    classes: Sequence[str]


def convert(path: str, name: str, data_dir: str | None, *, split: str, shards: int | None) -> Any:
    """Writes the images of a folder, a zip, an npz or an npy as a set, and opens it.

    Under the name of a set that TensorFlow Datasets knows, e.g. mnist, it is written as that set:
    the same version and features.

    Args:
      path: as of the data sources `images` and `arrays`; an npz may have x_train, y_train, x_test
        and y_test instead of x and y.
      name: of the set, with a config if needed.
      data_dir: see `prepared.data_folder`.
      split: the name of the split, if the source has no parts.
      shards: files of each split; None for as many as their size suggests.

    Raises:
      DataError: the source cannot be read, the set is there already, or has features that the
        source lacks.
    """
    root = prepared.data_folder(data_dir)
    if (there := prepared.found(name, root)) is not None:
        raise DataError(f"{name} is in {there} already; remove that folder or choose another name")
    tfds = prepared.library()
    is_array = Path(path).suffix.lower() in (".npz", ".npy")
    examples = (_of_arrays if is_array else _of_files)(path, split)
    builder = _builder(tfds, name, data_dir, examples)
    settings = tfds.download.DownloadConfig(try_download_gcs=False, num_shards=shards)
    stock.build(tfds, builder, root / "downloads", settings)
    with contextlib.suppress(OSError):
        (root / "downloads").rmdir()
    return prepared.opened(name, data_dir)


def _of_arrays(path: str, split: str) -> Examples:
    """The images of an npz or an npy, uint8 [n, h, w] or [n, h, w, c]."""
    arrays = _loaded(path)
    parts = [key.removeprefix("x_") for key in arrays if key.startswith("x_")]
    named = {part: (arrays[f"x_{part}"], arrays.get(f"y_{part}")) for part in parts}
    if "x" in arrays:
        named = {split: (arrays["x"], arrays.get("y"))}
    if not named:
        raise DataError(
            f"{path} has the arrays {', '.join(arrays) or 'none'}; expected x and, with labels, y, "
            "or x_train, y_train, x_test, y_test"
        )
    images, labels, splits, count = [], [], {}, 0
    for part, (x, y) in named.items():
        x = x[..., None] if x.ndim == 3 else x
        if x.dtype != np.uint8 or x.ndim != 4 or x.shape[-1] not in MODES.values() or not len(x):
            raise DataError(
                f"the images {part} in {path} are {x.dtype} {list(x.shape)}; expected uint8 "
                "[n, height, width] or [n, height, width, 1 or 3], 255 for white"
            )
        if y is not None and (y.shape != (len(x),) or y.dtype.kind not in "iu" or y.min() < 0):
            raise DataError(
                f"the labels {part} in {path} are {y.dtype} {list(y.shape)}; expected whole "
                f"numbers from 0, [{len(x)}]"
            )
        images.append(x)
        labels.append(y)
        splits[part] = np.arange(count, count + len(x))
        count += len(x)
    if len({x.shape[1:] for x in images}) > 1 or len({y is None for y in labels}) > 1:
        raise DataError(f"the parts of {path} differ in the shape of images or in having labels")
    begins = np.cumsum([0, *map(len, images)])

    def image(row):
        part = int(np.searchsorted(begins, row, side="right")) - 1
        return _png(images[part][row - begins[part]])

    labels = None if labels[0] is None else np.concatenate(labels)
    return Examples(path, splits, image, "{:08d}".format, images[0].shape[1:], labels, ())


def _loaded(path: str) -> dict[str, np.ndarray]:
    try:
        read = np.load(path, allow_pickle=False)
        return {"x": read} if isinstance(read, np.ndarray) else {key: read[key] for key in read}
    except Exception as error:  # NumPy and zipfile raise errors of many types
        raise DataError(f"{path} cannot be read ({reason(error)})") from error


class Seen(NamedTuple):
    """One image file: what keeps its bytes."""

    mode: str
    size: tuple[int, int]
    kept: bool


def _of_files(path: str, split: str) -> Examples:
    """The images of a folder or a zip; every one is decoded once, to know that it can be."""
    files = found(path)
    there = layout(path, files.names, None, labels=True)

    def look(name):
        try:
            image = opened(files.read(name))
            upright = image.getexif().get(ORIENTATION, 1) == 1
            kept = image.format in ("JPEG", "PNG") and upright and "transparency" not in image.info
            return Seen(image.mode, image.size, kept)
        except Exception as error:  # decoders raise errors of any type
            return f"{name} ({reason(error)})"

    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(look, files.names))
    if bad := [each for each in seen if isinstance(each, str)]:
        raise DataError(
            f"{len(bad)} of {len(seen)} images in {path} cannot be read: {listed(bad)}; repair or "
            "remove them"
        )
    channels = 1 if all(each.mode in ("1", "L", "LA") for each in seen) else 3

    def image(row):
        data = files.read(files.names[row])
        if seen[row].kept and MODES.get(seen[row].mode) == channels:
            return data
        return _png(fitted(opened(data), None, channels))

    sides = seen[0].size[::-1] if len({each.size for each in seen}) == 1 else (None, None)
    labels, classes = there.labels, there.classes
    if "a" in there.train:
        splits = {f"train{key.upper()}": rows for key, rows in there.train.items()}
        splits |= {f"test{key.upper()}": rows for key, rows in there.test.items()}
        labels, classes = np.zeros(len(seen), np.int32), ("A", "B")
        for key, rows in splits.items():
            labels[rows] = classes.index(key[-1])
    else:
        parts = {"train": there.train, "test": there.test} if there.test else {split: there.train}
        splits = {key: rows["x"] for key, rows in parts.items()}
    name = files.names.__getitem__
    return Examples(path, splits, image, name, (*sides, channels), labels, classes)


def _png(x: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(x[..., 0] if x.shape[-1] == 1 else x).save(file, "PNG")
    return file.getvalue()


def _builder(tfds: ModuleType, name: str, data_dir: str | None, examples: Examples) -> Any:
    """A builder of that name, with the features of the stock set if there is one."""
    base, config = prepared.base(name), name.partition(":")[0].partition("/")[2]
    version = name.partition(":")[2] or VERSION
    features = {"image": tfds.features.Image(shape=examples.shape)}
    index = examples.labels
    if index is not None:
        count, classes = int(index.max()) + 1, list(examples.classes) or None
        counted = {"names": classes} if classes else {"num_classes": count}
        features["label"] = tfds.features.ClassLabel(**counted)
    if base in tfds.list_builders(with_community_datasets=False):
        known = stock.builder_of(tfds, name, data_dir)
        version, features = str(known.version), dict(known.info.features)
        index = _as_stock(tfds, known.info.full_name, features, examples)
    image, label, texts = _keys(tfds, features)

    def generate(rows):
        for number, row in enumerate(rows.tolist()):
            example = {image: io.BytesIO(examples.image(row))}
            example |= {label: int(index[row])} if label else {}
            yield number, example | dict.fromkeys(texts, examples.name(row))

    def info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"Converted from {Path(examples.where).name}.",
            features=tfds.features.FeaturesDict(features),
            supervised_keys=(image, label) if label else None,
            disable_shuffling=True,
        )

    kinds = [tfds.core.BuilderConfig(name=config, version=version)] if config else []
    members = {
        "name": base,
        "VERSION": tfds.core.Version(version),
        "BUILDER_CONFIGS": kinds,
        "pkg_dir_path": Path(__file__).parent,
        "_info": info,
        "_split_generators": lambda self, _: {
            key: generate(rows) for key, rows in examples.splits.items()
        },
        "_generate_examples": lambda self: (),
    }
    kind = type(base, (tfds.core.GeneratorBasedBuilder,), members, skip_registration=True)
    root = prepared.data_folder(data_dir)
    return kind(data_dir=root, file_format="array_record", **({"config": config} if config else {}))


def _keys(tfds: ModuleType, features: dict[str, Any]) -> tuple[str, str | None, list[str]]:
    """The keys of the image, of the label if there is one, and of texts."""
    kinds = tfds.features.Image, tfds.features.ClassLabel, tfds.features.Text
    images, labels, texts = (
        [key for key, feature in features.items() if isinstance(feature, kind)] for kind in kinds
    )
    return images[0], next(iter(labels), None), texts


def _as_stock(
    tfds: ModuleType, name: str, features: dict[str, Any], examples: Examples
) -> np.ndarray | None:
    """The labels of the examples as the stock set has them.

    Raises:
      DataError: the set has features that the examples lack, or images or classes of another kind.
    """
    kinds = tfds.features.Image, tfds.features.ClassLabel, tfds.features.Text
    counts = [sum(isinstance(each, kind) for each in features.values()) for kind in kinds]
    if counts[0] != 1 or counts[1] > 1 or sum(counts) < len(features):
        raise DataError(
            f"{name} has the features {', '.join(features)}, which {examples.where} lacks; choose "
            "a name of your own"
        )
    image, label, _ = _keys(tfds, features)
    if any(
        side not in (None, ours)
        for side, ours in zip(features[image].shape, examples.shape, strict=True)
    ):
        raise DataError(
            f"{name} has images of shape {features[image].shape}, {examples.where} of "
            f"{examples.shape}; choose a name of your own"
        )
    if label is None:
        return None
    if examples.labels is None:
        raise DataError(f"{name} has labels, {examples.where} has none; choose another name")
    known, count = features[label].names, features[label].num_classes
    own = list(examples.classes) or known[: int(examples.labels.max()) + 1]
    if not set(own) <= set(known) and len(own) == count and known == [*map(str, range(count))]:
        # TFDS reads the names when it downloads the set.
        known, features[label] = own, tfds.features.ClassLabel(names=own)
    if not set(own) <= set(known) or int(examples.labels.max()) >= len(own):
        raise DataError(
            f"{name} has {count} classes, {listed(known)}; {examples.where} has "
            f"{listed(own) if examples.classes else int(examples.labels.max()) + 1}; choose a name "
            "of your own"
        )
    return np.array([known.index(each) for each in own], np.int32)[examples.labels]
