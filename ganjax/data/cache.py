"""Rows that are decoded once, into memory maps of bytes, or again and again.

Both check every row first, and both have the same digest, that of the decoded rows: neither times
nor paths change it.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from ganjax import files
from ganjax.data.columns import META, THREADS, Columns, Row, Source, reason
from ganjax.data.resident import Rows
from ganjax.data.rows import Table
from ganjax.errors import DataError, MachineError

log = logging.getLogger("ganjax")

NAME = ".ganjax-cache"
FORMAT = 1  # of the folder


@dataclass(frozen=True)
class Cached(Table):
    """A `Table` mapped from a cache folder; `left_out` has the rows that cannot be read."""

    folder: Path
    left_out: dict[int, str]


@dataclass(frozen=True)
class Decoded:
    """`Rows` that are decoded whenever they are read, in several threads.

    Attributes:
      good: int[n], the arguments of `read_row`, one for each row.
      read_row: one row, by its number.
      digest: see `Rows`.
      where: see `Rows`.
      known: columns that need no decoding, e.g. labels y, by key.
      name: of a row's file, by its number.
      left_out: {number: reason} of the rows that cannot be read.
    """

    good: np.ndarray
    read_row: Callable[[int], Row]
    digest: str
    where: str
    known: Mapping[str, np.ndarray]
    name: Callable[[int], str] = str
    left_out: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(THREADS)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The columns that are at hand."""
        return {key: column[self.good] for key, column in self.known.items()}

    def __len__(self) -> int:
        return len(self.good)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        decoded = list(self._pool.map(self._row, self.good[rows].tolist()))
        read = {key: np.stack([row[key] for row in decoded]) for key in decoded[0]}
        return read | {key: column[self.good[rows]] for key, column in self.known.items()}

    def _row(self, row: int) -> Row:
        try:
            return self.read_row(row)
        except Exception as error:  # decoders raise errors of any type
            raise DataError(
                f"{self.where}: {self.name(row)}, row {row}, cannot be read ({reason(error)}); "
                "repair it and call the same command again"
            ) from error


def cached(
    key: str,
    where: str,
    count: int,
    read: Callable[[int], Row],
    *,
    beside: str | Path | None = None,
    on: bool = True,
    known: Mapping[str, np.ndarray] | None = None,
    name: Callable[[int], str] = str,
    skip_bad: bool = False,
    hint: str = "repair or remove them",
) -> Rows:
    """Rows of a source that is slow to read: decoded once into a cache folder, then mapped.

    The folder is `$GANJAX_CACHE` if that is set; else `.ganjax-cache` beside the source if that can
    be written, else `~/.cache/ganjax/data`. Of several processes, one writes and the others wait; a
    write that was cut short leaves nothing that is taken for a cache, and a damaged cache is
    written again.

    Args:
      key: whatever determines the rows: paths, sizes, times, options. Another key, another cache.
      where: the source, for messages.
      count: the number of rows, at least 1.
      read: row number -> {key: array or number}, all of one shape and type; called from several
        threads. Its error says why a row cannot be read.
      beside: the folder that the source lies in; None for none.
      on: whether to write a cache; if not, rows are decoded once now, to check them, and again
        whenever they are read.
      known: columns [count, ...] that need no decoding, e.g. {"y": labels}.
      name: row number -> the name of its file.
      skip_bad: leave out rows that cannot be read, with a warning.
      hint: the remedy for rows that cannot be read.

    Returns:
      `Cached` or `Decoded`, equal in rows and digest, both with `left_out`.

    Raises:
      DataError: rows cannot be read, the first 20 by name and a count; or differ in shape.
      MachineError: the disk is full.
    """
    source = Source(where, count, read, known or {}, name, skip_bad, hint)
    if on:
        digest = hashlib.sha256(f"{FORMAT} {key}".encode()).hexdigest()[:32]
        roots = _roots(beside)
        for root in roots:
            if isinstance(found := _opened(root / digest, source), Cached):
                source.judge(found.left_out)
                return found
        if (root := next(filter(_writable, roots), None)) is not None:
            return _written(root, digest, source)
        tried = ", ".join(map(str, roots))
        log.warning("%s: no cache, for none of %s can be written; set GANJAX_CACHE", where, tried)
    with Columns(source, None) as columns:
        columns.fill()
    good, digest = source.good(columns.bad), source.digest(columns.meta, columns.bad)
    return Decoded(good, read, digest, where, source.known, name, columns.bad)


def _roots(beside: str | Path | None) -> list[Path]:
    """Folders of caches, the best first."""
    if own := os.environ.get("GANJAX_CACHE"):
        return [Path(os.path.expanduser(own))]  # as it is for a user without a home
    home = files.cache_folder()
    roots = [] if beside is None or (Path(beside) / NAME).is_symlink() else [Path(beside) / NAME]
    return roots if home is None else [*roots, home / "data"]


def writable_root() -> Path | None:
    """The user's folder for what is no part of a source; None if none can be written."""
    return next(filter(_writable, _roots(None)), None)


def _writable(root: Path) -> bool:
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (
            contextlib.suppress(FileExistsError),
            open(root / ".gitignore", "x", encoding="utf-8") as file,
        ):
            file.write("*\n")
    except OSError:
        return False
    return os.access(root, os.W_OK)


def _opened(folder: Path, source: Source) -> Cached | Exception:
    """The cache in a folder, or the error that tells why it is none."""
    try:
        meta = json.loads((folder / META).read_text("utf-8"))
        left_out = {int(row): reason for row, reason in meta["left_out"].items()}
        good, arrays = source.good(left_out), {}
        for key, (kind, shape, _) in meta["columns"].items():
            arrays[key] = np.load(folder / f"{key}.npy", mmap_mode="r", allow_pickle=False)
            if [arrays[key].dtype.str, list(arrays[key].shape)] != [kind, shape]:
                raise ValueError(f"{key}.npy has another type or shape than {META} says")
            if len(arrays[key]) != len(good):
                raise ValueError(f"{key}.npy has {len(arrays[key])} rows of {len(good)}")
        digest = source.digest(meta["columns"], left_out)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return error
    size = sum(array.nbytes for array in arrays.values()) / 2**20
    log.info("%s: cache of %.1f MiB in %s", source.where, size, folder)
    known = {key: column[good] for key, column in source.known.items()}
    return Cached(arrays | known, digest, source.where, folder, left_out)


def _written(root: Path, digest: str, source: Source) -> Cached:
    """The cache of a source, written unless another process did so meanwhile."""
    folder = root / digest
    with _alone(root / f"{digest}.lock", source.where) as alone:
        if folder.exists():
            found = _opened(folder, source)
            if isinstance(found, Cached):
                source.judge(found.left_out)
                return found
            log.warning("the cache %s is damaged (%s); writing it again", folder, found)
            shutil.rmtree(folder)
        if alone:
            for stale in root.glob(f"{digest}.*.draft"):
                shutil.rmtree(stale, ignore_errors=True)
        draft = root / f"{digest}.{secrets.token_hex(4)}.draft"
        try:
            draft.mkdir()
            with Columns(source, draft) as columns:
                columns.fill()
                columns.save()
            with contextlib.suppress(OSError):  # another process was first, where locks fail
                draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    found = _opened(folder, source)
    if not isinstance(found, Cached):
        raise MachineError(f"the cache {folder} cannot be read just written ({found}); call again")
    return found


@contextlib.contextmanager
def _alone(path: Path, where: str) -> Iterator[bool]:
    """A lock between processes; False where the file system has none."""
    with open(path, "w", encoding="utf-8", opener=files.not_followed) as file:
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.info("%s: another process writes the cache; waiting for it", where)
                fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            yield False
        else:
            yield True
