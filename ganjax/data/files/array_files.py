"""Arrays in npy and npz files, mapped into memory where the file stores them as they are."""

import contextlib
import math
import zipfile
from pathlib import Path

import numpy as np

from ganjax.data.columns import reason
from ganjax.data.files.image_files import begin_of
from ganjax.errors import DataError

DEFLATED = 1032  # bytes, at most, that deflate makes of one


def arrays_of(path: str | Path, wanted: dict[str, bool], hint: str = "") -> dict[str, np.ndarray]:
    """The wanted arrays of a npz file, by name; a npy file has the first of them alone.

    Args:
      path: of the file.
      wanted: {name: whether it must be there}; the first must.
      hint: how to name another, for the message.

    Returns:
      Those that are there, read-only maps if the file stores them uncompressed.

    Raises:
      DataError: there is no such file, it is of another kind, or an array is missing.
    """
    first = next(iter(wanted))
    if Path(path).is_dir():
        raise DataError(
            f"{path} is a folder; expected a npz file with an array {first}, or a npy file"
        )
    try:
        with open(path, "rb") as file:
            if file.read(2) == b"PK":
                file.seek(0)
                loaded = np.load(file, allow_pickle=False)
                names = loaded.files
                found = {name: _member(path, loaded, name) for name in wanted if name in names}
            else:
                names, found = ["one array"], {first: _mapped(path)}
    except Exception as error:  # NumPy and zipfile raise errors of many types
        raise DataError(
            f"{path} cannot be read as a npz or npy file ({reason(error)}); "
            f"numpy.savez(file, {first}=...) writes one"
        ) from error
    for name, needed in wanted.items():
        if needed and name not in found:
            raise DataError(
                f"{path} holds {', '.join(names) or 'nothing'}; expected an array {name}, as "
                f"numpy.savez(file, {name}=...) writes it{hint}"
            )
    return found


def _mapped(path: str | Path) -> np.ndarray:
    with contextlib.suppress(ValueError):  # nothing to map, or a file that says so again
        return np.load(path, "r", allow_pickle=False)
    return np.load(path, allow_pickle=False)


def _member(path: str | Path, loaded: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    """An array of a npz file, mapped if it is neither compressed nor out of line."""
    archive = loaded.zip
    entry = next(e for e in archive.infolist() if e.filename in (f"{name}.npy", name))
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        if version not in readers:
            return loaded[name]
        shape, fortran_order, kind = readers[version](file)
        header = file.tell()
    claimed, there = header + kind.itemsize * math.prod(shape), Path(path).stat().st_size
    stored = entry.compress_type == zipfile.ZIP_STORED
    if claimed > (there if stored else min(entry.file_size, DEFLATED * there)):
        raise ValueError(f"{name} is cut short: its header claims {claimed} bytes")
    with open(path, "rb") as file:
        begin = header + begin_of(file.fileno(), entry)
    if not stored or kind.hasobject or 0 in shape or begin % kind.alignment:
        return loaded[name]
    return np.memmap(path, kind, "r", begin, shape, "F" if fortran_order else "C")
