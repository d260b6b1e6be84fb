"""Columns of decoded rows: digests and files of NumPy, filled in order by several threads."""

import contextlib
import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tqdm

from ganjax.errors import DataError, MachineError

log = logging.getLogger("ganjax")

META = "meta.json"
CHUNK = 8  # rows that a thread decodes at a time
THREADS = min(32, (os.cpu_count() or 1) + 4)
LISTED = 20  # names in a message
QUIET = 30.0  # seconds between lines about progress, without a terminal
Row = dict[str, Any]  # one row: x uint8 [height, width, channel], y a whole number


@dataclass(frozen=True)
class Source:
    """A source of rows, see the arguments of `cache.cached`."""

    where: str
    count: int
    read: Callable[[int], Row]
    known: Mapping[str, np.ndarray]
    name: Callable[[int], str]
    skip_bad: bool
    hint: str

    def good(self, bad: Mapping[int, str]) -> np.ndarray:
        """The numbers of the rows that can be read, int[n]."""
        return np.setdiff1d(np.arange(self.count), np.array(list(bad), int))

    def digest(self, columns: Mapping[str, list], bad: Mapping[int, str]) -> str:
        """The digest of all columns; of those decoded, {key: [type, shape, sha256]} is given."""
        good = self.good(bad)
        known = {key: _described(column[good]) for key, column in self.known.items()}
        return _digest({**columns, **known})

    def judge(self, bad: Mapping[int, str]) -> None:
        """Raises a DataError about rows that cannot be read, or warns that they are left out."""
        if not bad:
            return
        names = listed([f"{self.name(row)} ({reason})" for row, reason in bad.items()])
        message = f"{len(bad)} of {self.count} images in {self.where} cannot be read: {names}"
        if not self.skip_bad or len(bad) == self.count:
            raise DataError(f"{message}; {self.hint}")
        log.warning("%s; left out", message)


def listed(names: Sequence[str]) -> str:
    """The first 20 names and the number of the others."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


class Columns:
    """The columns of a source, row after row: their digests and, in a folder, their files."""

    def __init__(self, source: Source, folder: Path | None):
        self.source, self.folder = source, folder
        self.bad: dict[int, str] = {}
        self.meta: dict[str, list] = {}
        self.form: dict[str, tuple] = {}  # type and shape of one row, by key
        self.first = 0  # the row that has them
        self.sha256, self.files = {}, {}

    def __enter__(self) -> "Columns":
        return self

    def __exit__(self, *_) -> None:
        for file in self.files.values():
            with contextlib.suppress(OSError):  # the disk is full, and the error on its way
                file.close()

    def fill(self) -> None:
        """Decodes all rows, in several threads, and adds them in their order."""
        source, chunks = self.source, deque()
        begins = iter(range(0, source.count, CHUNK))
        pool = ThreadPoolExecutor(THREADS)
        try:
            with _progress(source.where, source.count) as show:
                while True:
                    while len(chunks) < 2 * THREADS and (begin := next(begins, None)) is not None:
                        chunks.append((begin, pool.submit(self._decoded, begin)))
                    if not chunks:
                        break
                    begin, chunk = chunks.popleft()
                    self._add(begin, chunk.result())
                    show(min(begin + CHUNK, source.count))
        finally:
            pool.shutdown(cancel_futures=True)
        source.judge(self.bad)
        good = self.source.good(self.bad)
        for key, sha256 in self.sha256.items():
            kind, shape = self.form[key]
            self.meta[key] = [kind.str, [len(good), *shape], sha256.hexdigest()]

    def save(self) -> None:
        """Completes the files."""
        good = self.source.good(self.bad)
        with self._room():
            for key, file in self.files.items():
                if self.bad:
                    file.seek(0)  # NumPy leaves room for any length
                    self._header(file, key, len(good))
                _to_disk(file)
            with open(self.folder / META, "w", encoding="utf-8") as file:
                json.dump({"columns": self.meta, "left_out": self.bad}, file)
                _to_disk(file)

    def _decoded(self, begin: int) -> list[Row | str]:
        """A chunk of rows, or the reasons why they cannot be read."""
        rows: list[Row | str] = []
        for row in range(begin, min(begin + CHUNK, self.source.count)):
            try:
                read = self.source.read(row)
                rows.append({key: np.asarray(value) for key, value in read.items()})
            except Exception as error:  # decoders raise errors of any type
                rows.append(reason(error))
        return rows

    def _add(self, begin: int, rows: list[Row | str]) -> None:
        good = []
        for row, read in enumerate(rows, begin):
            if isinstance(read, str):
                self.bad[row] = read
                continue
            form = {key: (value.dtype, value.shape) for key, value in read.items()}
            if not self.form:
                self._start(row, form)
            if form != self.form:
                self._refuse(row, form)
            good.append(read)
        if not good:
            return
        with self._room():
            for key in self.form:
                column = np.stack([read[key] for read in good])
                self.sha256[key].update(column)
                if self.folder is not None:
                    self.files[key].write(column)

    def _start(self, row: int, form: dict[str, tuple]) -> None:
        self.first, self.form = row, form
        self.sha256 = {key: hashlib.sha256() for key in form}
        if self.folder is None:
            return
        if shutil.disk_usage(self.folder).free < self._needed():
            raise self._full()
        with self._room():
            for key in form:
                self.files[key] = open(self.folder / f"{key}.npy", "wb")  # noqa: SIM115 - closed by __exit__
                self._header(self.files[key], key, self.source.count)

    def _header(self, file, key: str, count: int) -> None:
        kind, shape = self.form[key]
        header = {"descr": kind.str, "fortran_order": False, "shape": (count, *shape)}
        np.lib.format.write_array_header_1_0(file, header)

    def _needed(self) -> int:
        row = sum(kind.itemsize * int(np.prod(shape)) for kind, shape in self.form.values())
        return row * self.source.count

    def _refuse(self, row: int, form: dict[str, tuple]) -> None:
        """Two rows of different shapes."""
        name = self.source.name
        if form.keys() == self.form.keys():
            key = next(key for key in form if form[key] != self.form[key])
            (kind, shape), (other, another) = self.form[key], form[key]
            raise DataError(
                f"{self.source.where} has images of several sizes: {name(self.first)} is "
                f"{list(shape)} of {kind} and {name(row)} is {list(another)} of {other}; give a "
                "size, e.g. size=32"
            )
        raise DataError(
            f"{self.source.where} has {', '.join(self.form)} in {name(self.first)} and "
            f"{', '.join(form)} in {name(row)}; expected the same in all"
        )

    @contextlib.contextmanager
    def _room(self):
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._full() from error
            raise

    def _full(self) -> MachineError:
        return MachineError(
            f"the cache of {self.source.where} needs {self._needed()} bytes in "
            f"{self.folder.parent}, where {shutil.disk_usage(self.folder).free} are free; free "
            "some, set GANJAX_CACHE to another folder, or give cache=False"
        )


def _to_disk(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def reason(error: Exception) -> str:
    """The first line of an error's message, or its type."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextlib.contextmanager
def _progress(where: str, count: int) -> Iterator[Callable[[int], None]]:
    """A function that shows how many rows are read: as a bar on a terminal, else in lines."""
    last = time.monotonic()
    with tqdm.tqdm(total=count, desc=where, unit="image", delay=1, disable=None) as bar:

        def show(done: int) -> None:
            nonlocal last
            bar.update(done - bar.n)
            if bar.disable and time.monotonic() - last > QUIET:
                log.info("%s: %d of %d images read", where, done, count)
                last = time.monotonic()

        yield show


def digest_of(arrays: Mapping[str, np.ndarray]) -> str:
    """The digest of a table's content: of each array's type, shape and bytes, by key."""
    return _digest({key: _described(array) for key, array in arrays.items()})


def _described(column: np.ndarray) -> list:
    sha256, step = hashlib.sha256(), max(1, 2**24 // max(1, column[:1].nbytes))
    for begin in range(0, len(column), step):  # in parts: a map need not fit into memory
        sha256.update(np.ascontiguousarray(column[begin : begin + step]))
    return [column.dtype.str, list(column.shape), sha256.hexdigest()]


def _digest(columns: Mapping[str, list]) -> str:
    return hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()
