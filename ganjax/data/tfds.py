"""Image sets of TensorFlow Datasets by name, without TensorFlow: features found, rows decoded."""

import io
import json
import logging
import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from ganjax.checks import one_of, whole
from ganjax.data import prepared
from ganjax.data.cache import cached
from ganjax.data.prepared import Records
from ganjax.data.resident import Data, Rows
from ganjax.data.rows import of_rows
from ganjax.data.rows import split as split_rows
from ganjax.data.sizing import CROPS, fitted
from ganjax.errors import DataError

log = logging.getLogger("ganjax")

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "WEBP")


def tfds(
    set: str,
    split: str = "train",
    test_split: str | None = None,
    data_dir: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    crop: str = "centre",
    labels: bool = True,
    flip: bool = False,
    keep: str = "auto",
    order: str = "random",
    cache: bool = True,
    held_out: int = 0,
    image: str | None = None,
) -> Data:
    """An image set of TensorFlow Datasets, prepared on disk in the format array_record.

    `ganjax prepare` downloads and builds a set, or converts images of your own into one.

    Args:
      set: its name, with the config and the version where needed: `mnist`, `lsun/bedroom`,
        `cifar10:3.0.2`.
      split: of the training examples, e.g. `train`, `train[:80%]`, `train+test`.
      test_split: of the held-out ones; None for `test`, if the set has it and `held_out` is 0.
      data_dir: the folder of all sets; None for `$TFDS_DATA_DIR`, else `~/tensorflow_datasets`.
      size: side of the images; None for that of the set.
      channels: 3 for colour or 1 for grey; None for those of the set.
      crop: how images get that size: "centre", "pad", "stretch" or "random", see `sizing.fitted`.
      labels: whether a class label of the set becomes y.
      flip: mirror images at random.
      keep, order: see `rows.of_rows`.
      cache: decode once, into a cache, see `cache.cached`.
      held_out: examples of `split` that are kept for tests instead of a split.
      image: the feature that holds the image; None for the one that is there.

    Returns:
      Data with `x` [batch, size, size, channels] in [-1, 1] and, with labels, `y` int [batch].

    Raises:
      ValueError: an argument is out of range.
      DataError: the set, the split or the image is not there, or damaged.
      MachineError: a package is missing, or the disk is full.
    """
    one_of(CROPS, crop=crop)
    one_of((None, 1, 3), channels=channels)
    if size is not None:
        whole(1, size=size)
    if held_out and test_split is not None:
        raise ValueError(f"held_out={held_out} and test_split={test_split!r}; give one of them")
    builder = prepared.opened(set, data_dir)
    features = dict(_flat(builder.info.features))
    image = _image(builder, features, image)
    label = _label(builder, features) if labels else None
    stored = features[image].shape[-1]
    channels = channels or (1 if stored == 1 else 3)
    form = {"image": image, "label": label, "size": size, "channels": channels, "crop": crop}
    rows = partial(_rows, builder, form=form, cache=cache)
    names = builder.info.splits
    if test_split is None and not held_out and "test" in names and "test" not in split:
        test_split = "test"
    for each in (split, test_split):  # before the rows of either are decoded
        if each is not None:
            prepared.check_split(builder, each)
    train, test = rows(split), None if test_split is None else rows(test_split)
    if held_out:
        whole(0, len(train) - 1, held_out=held_out, hint=f"there are {len(train)} examples")
        train, test = split_rows(train, held_out)
    return of_rows(
        train,
        test=test,
        num_classes=features[label].num_classes if label else 0,
        keep=keep,
        order=order,
        flip=flip,
        crop=size if crop == "random" else None,
    )


def _flat(features: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """All features with their keys in a record, `a/b` for b inside a."""
    for key, feature in features.items():
        if isinstance(feature, prepared.library().features.FeaturesDict):
            yield from _flat(feature, f"{before}{key}/")
        else:
            yield before + key, feature


def _image(builder: Any, features: dict[str, Any], asked: str | None) -> str:
    """The key of the image.

    Raises:
      DataError: there is none, or there are several and none is asked for.
    """
    kind = prepared.library().features.Image
    images = [key for key, feature in features.items() if isinstance(feature, kind)]
    listed = ", ".join(f"{key} ({type(each).__name__})" for key, each in features.items())
    name = builder.info.full_name
    if not images:
        raise DataError(f"set {name} has no image; its features: {listed}")
    first = (builder.info.supervised_keys or (None,))[0]
    chosen = asked or next((key for key in (first, "image", *images) if key in images), None)
    if chosen not in images:
        raise DataError(f"set {name} has no image {asked!r}; its images: {', '.join(images)}")
    if len(images) > 1 and not asked:
        log.info("%s: images %s; taken: %s", name, ", ".join(images), chosen)
    if np.dtype(features[chosen].np_dtype).kind not in "ub":
        raise DataError(
            f"image {chosen!r} of set {name} has pixels of type {features[chosen].np_dtype}; "
            "expected unsigned integers"
        )
    return chosen


def _label(builder: Any, features: dict[str, Any]) -> str | None:
    """The key of the class label, None without one."""
    kind = prepared.library().features.ClassLabel
    known = [key for key, feature in features.items() if isinstance(feature, kind)]
    supervised = [*(builder.info.supervised_keys or ())][-1:]
    for key in (*supervised, "label", *(known if len(known) == 1 else ())):
        if key in known:
            names = features[key].names or []
            log.info("%s: labels %s: %s", builder.info.full_name, key, ", ".join(names[:20]))
            return key
    return None


def _rows(builder: Any, split: str, *, form: dict[str, Any], cache: bool) -> Rows:
    """The decoded rows of a split."""
    found = prepared.records(builder, split)
    files = [[path, *rest, *_stamp(path)] for path, *rest in found.shards]
    return cached(
        json.dumps(["tfds", files, form]),
        found.where,
        len(found),
        partial(_decoded, found, form),
        beside=builder.data_dir,
        on=cache,
        name=found.name,
        hint="copy the set again, or remove its folder and prepare it anew",
    )


def _stamp(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


def _decoded(found: Records, form: dict[str, Any], row: int) -> dict[str, Any]:
    """One row: the image `x` uint8 [height, width, channels] and the label `y`."""
    from tensorflow_datasets.proto import tf_example_pb2

    features = tf_example_pb2.Example.FromString(found.read(row)).features.feature
    (encoded,) = features[form["image"]].bytes_list.value
    with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
        read = {"x": fitted(image, form["size"], form["channels"], form["crop"])}
    if form["label"]:
        (label,) = features[form["label"]].int64_list.value
        read["y"] = np.int32(label)
    return read
