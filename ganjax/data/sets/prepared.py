"""Sets of TensorFlow Datasets that are on disk: found by name, their shards checked, or refused.

Nothing here imports TensorFlow, touches the network or decodes an image.
"""

import difflib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np

from ganjax.data.columns import reason
from ganjax.errors import DataError, MachineError, unknown

NAME = re.compile(r"\w+(/\w[\w.+-]*)?(:[\w.*]+)?")
VERSION = re.compile(r"\d+\.\d+\.\d+")
CLASSES = ("type", "pythonClassName", "python_class_name")  # keys of features.json
OPEN = 256  # shards at a time; a process may have 1,024 files
NEAREST = 3  # names in a message about an unknown set


def library() -> ModuleType:
    """The module tensorflow_datasets, which takes half a second to import.

    Raises:
      MachineError: it is not installed.
    """
    try:
        import array_record.python.array_record_module  # noqa: F401 - loads its binary
        import tensorflow_datasets
    except ImportError as error:
        raise MachineError(
            f"sets of TensorFlow Datasets need a package that is not there ({error}); "
            "pip install tensorflow-datasets array_record importlib_resources"
        ) from error
    return tensorflow_datasets


def data_folder(data_dir: str | None) -> Path:
    """The folder of all sets: the given one, `$TFDS_DATA_DIR`, or `~/tensorflow_datasets`."""
    default = os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return Path(os.path.expanduser(data_dir or default))  # as it is for a user without a home


def command(name: str, data_dir: str | None) -> str:
    """The command that prepares a set."""
    where = f" --data_dir {data_dir}" if data_dir else ""
    return f"ganjax prepare --set {name}{where}"


def opened(name: str, data_dir: str | None) -> Any:
    """The builder of a set on disk, made from its metadata alone.

    Args:
      name: of the set, with the config and the version where needed, e.g. `mnist`, `mnist:3.0.1`,
        `lsun/bedroom`; without a version the newest one.
      data_dir: see `data_folder`.

    Raises:
      DataError: the set is unknown, not prepared, in another format, or its metadata are damaged.
      MachineError: as `library`.
    """
    tfds = library()
    if (folder := found(name, data_folder(data_dir))) is None:
        raise DataError(missing(name, data_dir))
    try:
        _check_features(json.loads((folder / "features.json").read_text("utf-8")))
        builder = tfds.builder_from_directory(folder)
        kind = builder.info.file_format.value
    except Exception as error:  # JSON and protobuf raise errors of many types
        raise DataError(
            f"the metadata of {name} in {folder} cannot be read ({reason(error)}); remove that "
            f"folder and call `{command(name, data_dir)}`"
        ) from error
    if kind != "array_record":
        raise DataError(
            f"{name} in {folder} is in the format {kind}, which has no random access; remove that "
            f"folder, or choose another with data_dir, and call `{command(name, data_dir)}`, "
            "which writes array_record"
        )
    return builder


def _check_features(content: Any) -> None:
    """Refuses feature classes of other modules, which TFDS would import.

    Raises:
      ValueError: there is one.
    """
    parts = content if isinstance(content, dict) else dict(enumerate(content))
    for key, value in parts.items():
        if isinstance(value, dict | list):
            _check_features(value)
        elif key in CLASSES and not str(value).startswith("tensorflow_datasets."):
            raise ValueError(f"the feature class {value!r} is none of tensorflow_datasets")


def base(name: str) -> str:
    """The name of a set without config and version."""
    return name.partition(":")[0].partition("/")[0]


def found(name: str, root: Path) -> Path | None:
    """The folder of a set's newest version; None if it is not there.

    Raises:
      DataError: the set has several configs and none is named, or the name is none of a set.
    """
    path, _, version = name.partition(":")
    if not NAME.fullmatch(name):
        raise DataError(
            f"set={name!r} is no name of a set; expected e.g. 'mnist', 'lsun/bedroom' or "
            "'mnist:3.0.1'"
        )
    folder = root / path
    there = _versions(folder, version)
    if not there and "/" not in path and folder.is_dir():
        configs = [inner for inner in sorted(folder.iterdir()) if _versions(inner, version)]
        if len(configs) > 1:
            names = ", ".join(f"{path}/{inner.name}" for inner in configs)
            raise DataError(f"set {name!r} in {root} has several configs; name one of {names}")
        there = [inner for config in configs for inner in _versions(config, version)]
    return max(there, key=lambda inner: [int(n) for n in inner.name.split(".")], default=None)


def _versions(folder: Path, version: str) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        inner
        for inner in folder.iterdir()
        if VERSION.fullmatch(inner.name)
        and version in ("", inner.name)
        and (inner / "dataset_info.json").exists()
        and (inner / "features.json").exists()
    ]


def missing(name: str, data_dir: str | None) -> str:
    """The message about a set that is not on disk: unknown, or not prepared yet."""
    tfds, root = library(), data_folder(data_dir)
    path, kind = name.partition(":")[0], base(name)
    stock = {*tfds.list_builders(with_community_datasets=False)}
    there = {inner.name for inner in root.glob("*/") if inner.name != "downloads"}
    if kind not in stock | there:
        return (
            f"unknown set {name!r}, neither in {root} nor in TensorFlow Datasets. Nearest: "
            f"{nearest(kind.lower(), stock | there)}. Your own images: "
            f"`{command(path, data_dir)} --from PATH`"
        )
    configs = {*tfds.builder_cls(kind).builder_configs} if kind in stock else set()
    config = path.partition("/")[2]
    if configs and config not in configs:
        near = nearest(config, configs, before=f"{kind}/")
        return f"set {name!r} names none of the {len(configs)} configs of {kind}. Nearest: {near}"
    seen = f"{path} has no folder there"
    if versions := [inner.name for inner in _versions(root / path, "")]:
        seen = f"there are the versions {', '.join(sorted(versions))}"
    return (
        f"set {name!r} is not prepared: looked in {root} ({seen}); call "
        f"`{command(name, data_dir)}`, or set data.data_dir to the folder that has it"
    )


def nearest(name: str, known: Iterable[str], before: str = "") -> str:
    """The three of the known names that look most like a name."""
    near = difflib.get_close_matches(name, sorted(known), n=NEAREST, cutoff=0.0)
    return ", ".join(before + each for each in near)


def check_split(builder: Any, split: str) -> None:
    """Refuses a split that the set does not have; slices as `train[:80%]` are TFDS's own.

    Raises:
      DataError: an unknown split, with the known ones.
    """
    known = list(builder.info.splits)
    for part in split.split("+"):
        if (name := part.partition("[")[0].strip()) not in (*known, "all"):
            raise DataError(f"set {builder.name!r}: {unknown('split', name, known)}")
    try:
        _ = builder.info.splits[split].file_instructions
    except Exception as error:  # TFDS raises errors of several types
        raise DataError(
            f"set {builder.name!r} has no split {split!r} ({reason(error)}); a slice is e.g. "
            "'train[:80%]' or 'train[1000:]'"
        ) from error


@dataclass(frozen=True)
class Records:
    """The records of a split, as bytes, by random access; may be read by several threads.

    Attributes:
      where: the set and the split, for messages.
      shards: (path, records before, records taken) of each file.
    """

    where: str
    shards: tuple[tuple[str, int, int], ...]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(taken for _, _, taken in self.shards))

    @cached_property
    def _readers(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _locks(self) -> dict[str, Lock]:
        return {path: Lock() for path, _, _ in self.shards}

    def __len__(self) -> int:
        return self._ends[-1]

    def read(self, row: int) -> bytes:
        """One record.

        Raises:
          RuntimeError: it is damaged.
        """
        path, position = self.place(row)
        with self._locks[path]:  # a reader has one position; to share it takes 5 us, else 110 us
            reader = self._readers.get(path) or self._opened(path)
            try:
                reader.seek(position)
                return reader.read()
            except Exception:
                self._readers.pop(path, None)  # it reads nothing more
                raise

    def _opened(self, path: str) -> Any:
        for old in list(self._readers)[: max(0, len(self._readers) - OPEN + 1)]:
            self._readers.pop(old, None)
        self._readers[path] = reader = _reader(path)
        return reader

    def place(self, row: int) -> tuple[str, int]:
        """The shard of a row and its position there."""
        index = int(np.searchsorted(self._ends, row, side="right"))
        path, skip, taken = self.shards[index]
        return path, skip + row - (self._ends[index] - taken)

    def name(self, row: int) -> str:
        """A row in messages."""
        path, position = self.place(row)
        return f"record {position} of shard {Path(path).name}"


def records(builder: Any, split: str) -> Records:
    """The records of a split whose shards are all there and as long as the set says.

    Raises:
      DataError: an unknown or empty split; shards that are missing or damaged, the first of them.
    """
    check_split(builder, split)
    where, shards = f"{builder.info.full_name} {split}", []
    for each in builder.info.splits[split].file_instructions:
        path, expected = os.fspath(each.filename), each.examples_in_shard
        if damage := _damage(path, expected):
            raise DataError(
                f"shard {Path(path).name} of {where} in {builder.data_dir} {damage}; copy the set "
                "again, or remove that folder and prepare it again"
            )
        taken = expected - each.skip if each.take == -1 else each.take
        shards.append((path, each.skip, taken))
    if not shards:
        raise DataError(f"split {split!r} of {builder.info.full_name} has no examples")
    return Records(where, tuple(shards))


def _damage(path: str, expected: int) -> str | None:
    """The reason why a shard cannot be used, None if it can."""
    if not os.path.exists(path):
        return "is missing"
    size = os.path.getsize(path)
    if not size:
        return "is empty"
    reader = _reader(path)
    if (count := reader.num_records()) == expected:
        return None
    if count:
        return f"has {count} records; the set says {expected}"
    try:
        reader.read([0])
    except (RuntimeError, IndexError, ValueError) as error:
        return f"is cut short or damaged, {size} bytes ({reason(error)})"
    return f"has no records; the set says {expected}"


def _reader(path: str) -> Any:
    from array_record.python.array_record_module import ArrayRecordReader

    # Random access by one thread: nothing is read ahead.
    options = "readahead_buffer_size:0,max_parallelism:0"
    return ArrayRecordReader(path, options=options, file_reader_buffer_size=32768)
