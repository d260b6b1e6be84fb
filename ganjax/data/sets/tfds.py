"""Image sets of TensorFlow Datasets by name, without TensorFlow: features found, rows decoded."""

import io
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from ganjax.checks import one_of, whole
from ganjax.data.cache import cached
from ganjax.data.files.domains import Pairs
from ganjax.data.files.images import Images
from ganjax.data.files.sizing import CROPS, fitted
from ganjax.data.resident import BUFFER, Data, Rows
from ganjax.data.rows import of_rows, some
from ganjax.data.rows import split as split_rows
from ganjax.data.sets import prepared
from ganjax.data.sets.prepared import Records
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
    crop: str | None = None,
    labels: bool = True,
    flip: bool = False,
    keep: str = "auto",
    order: str = "random",
    cache: bool = True,
    held_out: int = 0,
    image: str | None = None,
    buffer_bytes: int = BUFFER,
) -> Data:
    """An image set of TensorFlow Datasets, prepared on disk in the format array_record.

    `ganjax prepare` downloads and builds a set, or converts images of your own into one. A set with
    the splits `trainA` and `trainB`, as those of `cycle_gan`, has two domains, a and b.

    Args:
      set: its name, with the config and the version where needed: `mnist`, `lsun/bedroom`,
        `cifar10:3.0.2`.
      split: of the training examples, e.g. `train`, `train[:80%]`, `train+validation`.
      test_split: of the held-out ones; None for `test`, if the set has it and `held_out` is 0.
      data_dir: the folder of all sets; None for `$TFDS_DATA_DIR`, else `~/tensorflow_datasets`.
      size: side of the images; None for that of the set.
      channels: 3 for colour or 1 for grey; None for those of the set.
      crop: how images get that size: "centre", "pad", "stretch" or "random", see `sizing.fitted`;
        None for "pad" where those of the set are smaller, as digits of 28 pixels in 32, else
        "centre".
      labels: whether a class label of the set becomes y.
      flip: mirror images at random.
      keep: see `rows.of_rows`, as for order and buffer_bytes.
      order: of the rows.
      cache: whether images are decoded once, into a cache, see `cache.cached`; if not, whenever
        they are read.
      held_out: examples of `split` that are kept for tests in place of a split.
      image: the feature that holds the image; None for the one that is there.
      buffer_bytes: memory of streamed batches.

    Returns:
      Data with `x` uint8 [size, size, channels] in its source, in [-1, 1] in its batches, and, with
      labels, `y`; or with `a` and `b`. The source has the `names` of the classes.

    Raises:
      ValueError: an argument is out of range.
      DataError: the set, the split or the image is not there, or damaged.
      MachineError: a package is missing, or the disk is full.
    """
    if size is not None:
        whole(1, size=size)
    elif crop == "random":
        raise ValueError("size=None, but crop='random' needs a size, the side of its squares")
    one_of((None, *CROPS), crop=crop)
    one_of((None, 1, 3), channels=channels)
    if held_out and test_split is not None:
        raise ValueError(f"held_out={held_out} and test_split={test_split!r}; give one of them")
    builder = prepared.opened(set, data_dir)
    features = dict(_flat(builder.info.features))
    image = _image(builder, features, image)
    domains = _domains(builder, split)
    label = _label(builder, features) if labels and not domains else None
    *sides, stored = features[image].shape
    channels = channels or (1 if stored == 1 else 3)
    if crop is None:
        crop = "pad" if size and all(side and side < size for side in sides) else "centre"
    form = {"image": image, "label": label, "size": size, "channels": channels, "crop": crop}
    rows = partial(_rows, builder, form=form, cache=cache)
    shown = {}
    if domains:
        train, test, shown = _of_domains(builder, domains, rows, test_split, held_out)
    else:
        train, test = _parts(builder, split, rows, test_split, held_out, label)
    data = of_rows(
        Images(train, tuple(features[label].names) if label else (), ()),
        test=test,
        num_classes=features[label].num_classes if label else 0,
        keep=keep,
        order=order,
        flip=flip,
        crop=size if crop == "random" else None,
        buffer_bytes=buffer_bytes,
    )
    return data._replace(test=data.decode(shown, None)) if shown else data


def _domains(builder: Any, split: str) -> dict[str, str]:
    """The splits of both domains, by key of a batch; {} for a set without domains."""
    there = {"a": f"{split}A", "b": f"{split}B"}
    known = builder.info.splits
    return there if split not in known and all(name in known for name in there.values()) else {}


def _parts(
    builder: Any,
    split: str,
    rows: Callable,
    test_split: str | None,
    held_out: int,
    label: str | None,
) -> tuple[Rows, Rows | None]:
    """Rows for training and held-out ones; both are looked at before either is decoded.

    Raises:
      DataError: as `prepared.records`, or a split has no labels.
    """
    taken = [part.partition("[")[0].strip() for part in split.split("+")]
    chosen = test_split is None and not held_out and "test" in builder.info.splits
    if chosen and not {"test", "all"} & {*taken}:
        test_split = "test"
    for each in (split, test_split):
        if each is None or not _unlabelled(prepared.records(builder, each), label):
            continue
        where = f"split {each!r} of {builder.info.full_name} has no labels, -1 in their place"
        if each == split or not chosen:
            raise DataError(f"{where}; give labels=False or another split")
        log.warning("%s; not held out", where)
        test_split = None
    train, test = rows(split), None if test_split is None else rows(test_split)
    return split_rows(train, held_out) if held_out else (train, test)


def _of_domains(
    builder: Any,
    domains: dict[str, str],
    rows: Callable,
    test_split: str | None,
    held_out: int,
) -> tuple[Rows, None, dict[str, np.ndarray]]:
    """Rows of two domains, and held-out images of each, of two lengths."""
    tests = {} if held_out else _domains(builder, test_split or "test")
    if test_split is not None and not tests:
        names = ", ".join(builder.info.splits)
        raise DataError(f"{builder.info.full_name} has no {test_split}A and B; it has {names}")
    for each in (*domains.values(), *tests.values()):
        prepared.records(builder, each)
    train = {key: rows(each) for key, each in domains.items()}
    test = {key: rows(each) for key, each in tests.items()}
    if held_out:
        parts = {key: split_rows(domain, held_out) for key, domain in train.items()}
        train = {key: domain for key, (domain, _) in parts.items()}
        test = {key: shown for key, (_, shown) in parts.items()}
    return Pairs(**train), None, {key: some(domain)["x"] for key, domain in test.items()}


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
        hint="copy the set again, or remove its folder and prepare it again",
    )


def _unlabelled(found: Records, label: str | None) -> bool:
    """Whether the first row has the label -1, as those of competitions' test splits have."""
    try:
        return label is not None and _parsed(found, 0)[label].int64_list.value[0] < 0
    except Exception:  # it is reported when all rows are decoded
        return False


def _stamp(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


def _parsed(found: Records, row: int) -> Mapping[str, Any]:
    """The features of a row."""
    from tensorflow_datasets.proto import tf_example_pb2

    return tf_example_pb2.Example.FromString(found.read(row)).features.feature


def _decoded(found: Records, form: dict[str, Any], row: int) -> dict[str, Any]:
    """One row: the image `x` uint8 [height, width, channels] and the label `y`."""
    features = _parsed(found, row)
    (encoded,) = features[form["image"]].bytes_list.value
    with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
        read = {"x": fitted(image, form["size"], form["channels"], form["crop"])}
    if form["label"]:
        (label,) = features[form["label"]].int64_list.value
        read["y"] = np.int32(label)
    return read
