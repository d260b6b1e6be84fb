"""Arrays in npy and npz files, mapped into memory where the file stores them as they are."""

import os
import zipfile
from pathlib import Path

import numpy as np

from ganjax.errors import DataError, unknown

LOCAL_HEADER = 30  # bytes of it before a file's name


def arrays_of(path: str | Path, wanted: dict[str, bool]) -> dict[str, np.ndarray]:
    """The arrays of a npz file, by name; a npy file has one, which is the first that is wanted.

    Args:
      path: of the file.
      wanted: {name: whether it must be there}.

    Raises:
      DataError: there is no such file, it is of another kind, or an array is missing.
    """
    first, *others = wanted
    if Path(path).is_dir():
        raise DataError(
            f"{path} is a folder; expected a npz file with an array {first}, or a npy file"
        )
    try:
        with open(path, "rb") as file:
            packed = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
        if not packed:
            return _only(path, np.load(path, "r", allow_pickle=False), wanted)
        with np.load(path, allow_pickle=False) as loaded:
            names = loaded.files
            there = [name for name in wanted if name in names]
            found = {name: _mapped(path, loaded, name) for name in there}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} cannot be read as a npz or npy file ({error}); numpy.savez(file, {first}=...) "
            "writes one"
        ) from error
    for name, needed in wanted.items():
        if needed and name not in found:
            raise DataError(
                f"{path} holds {', '.join(names) or 'nothing'}; expected an array {name}, as "
                f"numpy.savez(file, {name}=...) writes it"
            )
    return found
