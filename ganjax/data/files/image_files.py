"""Image files in a folder or a zip: found, in a fixed order, and read by name from any thread."""

import hashlib
import io
import logging
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from ganjax.data.columns import listed
from ganjax.errors import DataError

log = logging.getLogger("ganjax")

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
LOCAL_HEADER = 30  # bytes of it before a file's name


class Files(NamedTuple):
    """Image files, at least one.

    Attributes:
      names: sorted paths relative to the folder, or in the zip.
      read: name -> the bytes of the file; any error is a short reason.
      stamp: a digest of where they lie, of names, sizes and times.
    """

    names: list[str]
    read: Callable[[str], bytes]
    stamp: str


def found(path: str | Path) -> Files:
    """The image files in a folder or a zip, nested or not.

    Links are followed, except links to images that are there already. Other files, and names that
    begin with a dot, are left out.

    Raises:
      DataError: there is neither, or no image in it; the endings looked for and those found.
    """
    root = Path(path)
    endings = {end for end, kind in Image.registered_extensions().items() if kind in FORMATS}
    if root.is_dir():
        return _in_folder(root, endings)
    if not root.exists():
        raise DataError(f"there is no folder or zip {root} (looked for from {Path.cwd()})")
    return _in_zip(root, endings)


def opened(data: bytes) -> Image.Image:
    """The image in a file's bytes, decoded.

    Raises:
      ValueError: there is none, with a short reason.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise ValueError("no image that Pillow knows" if data else "empty") from None
    image.load()
    return image


def _in_folder(root: Path, endings: Collection[str]) -> Files:
    there, links, others = {}, [], Counter()
    for path, real, is_link in _walked(root):
        if _left_out(path, endings, others):
            continue
        if is_link:
            links.append(path)
        else:
            there.setdefault(real, path)
    taken = [there.setdefault(os.path.realpath(path), path) for path in links]
    if twice := [path for path, first in zip(links, taken, strict=True) if path != first]:
        log.warning("links to files that are there already, left out: %s", listed(twice))
    base = len(os.path.join(root, ""))
    names = sorted(path[base:] for path in there.values())
    _tell(root, names, endings, others)

    def read(name):
        path = os.path.join(root, name)
        if not os.path.exists(path):
            raise ValueError("a link to nothing" if os.path.islink(path) else "gone")
        with open(path, "rb") as file:
            return file.read()

    return Files(names, read, _stamp(root, ((name, *_size_and_time(root, name)) for name in names)))


def _walked(root: Path) -> Iterator[tuple[str, str, bool]]:
    """(path, path without links, is a link) of all files; those below linked folders last."""
    seen, linked, folders = set(), [], [str(root)]
    while folders or linked:
        folder = folders.pop() if folders else linked.pop(0)
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise DataError(
                f"{error.filename} cannot be read ({error.strerror}); remove it or open it"
            ) from error
        for entry in entries:
            if entry.is_dir():
                if not entry.name.startswith("."):
                    (linked if entry.is_symlink() else folders).append(entry.path)
            else:
                yield entry.path, os.path.join(real, entry.name), entry.is_symlink()


def _size_and_time(root: Path, name: str) -> tuple[int, int]:
    try:
        stat = os.stat(os.path.join(root, name))
    except OSError:  # a link to nothing
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def _in_zip(path: Path, endings: Collection[str]) -> Files:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DataError(
            f"{path} cannot be read as a zip ({error}); expected a folder or a zip of images"
        ) from error
    others = Counter()
    names = sorted(name for name in entries if not _left_out(name, endings, others))
    _tell(path, names, endings, others)

    def read(name):
        with open(path, "rb", buffering=0) as file:
            return _unpacked(file.fileno(), entries[name])

    stat = os.stat(path)
    return Files(names, read, _stamp(path, [(stat.st_size, stat.st_mtime_ns)]))


def _unpacked(descriptor: int, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of a file in a zip, by position: threads share no state."""
    data = os.pread(descriptor, entry.compress_size, begin_of(descriptor, entry))
    if entry.flag_bits & 1:
        raise ValueError("encrypted")
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        data = zlib.decompress(data, -zlib.MAX_WBITS, bufsize=max(1, entry.file_size))
    elif entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"compression method {entry.compress_type}; only deflate is known")
    if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
        raise ValueError("another checksum than the zip says")
    return data


def begin_of(descriptor: int, entry: zipfile.ZipInfo) -> int:
    """The position of a file's content in a zip, behind its own header."""
    header = os.pread(descriptor, LOCAL_HEADER, entry.header_offset)
    name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    return entry.header_offset + LOCAL_HEADER + name + extra


def _left_out(path: str, endings: Collection[str], others: Counter) -> bool:
    """Whether a file is no image; then it is counted by its ending."""
    folder, _, name = path.rpartition("/")
    ending = os.path.splitext(name)[1].lower()
    if not name.startswith(".") and ending in endings and "__MACOSX" not in folder:
        return False
    others[ending or name] += 1
    return True


def _tell(root: Path, names: list[str], endings: Collection[str], others: Counter) -> None:
    left_out = listed([f"{count} {ending}" for ending, count in sorted(others.items())]) or "none"
    if not names:
        raise DataError(f"{root} holds no {', '.join(sorted(endings))}; other files: {left_out}")
    log.info("%s: %d images; left out: %s", root, len(names), left_out)


def _stamp(root: Path, files: Iterator[tuple] | list[tuple]) -> str:
    sha256 = hashlib.sha256(os.path.realpath(root).encode("utf-8", "surrogateescape"))
    for file in files:
        sha256.update("\0".join(map(str, file)).encode("utf-8", "surrogateescape") + b"\n")
    return sha256.hexdigest()
