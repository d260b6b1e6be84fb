"""Samples in a file of the user's: read, and checked for being what a network takes."""

import zipfile
from pathlib import Path

import numpy as np

from ganjax.errors import DataError


def samples_of_file(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """The samples in a npy file, or of the array `x` in a npz file.

    Args:
      path: of the file.
      shape: of one sample, (height, width, channel) for images.

    Returns:
      Samples [n, *shape], float32; images in [-1, 1].

    Raises:
      DataError: there is no such file, it is of another kind or empty, or its values are not
        numbers, not finite, of another shape, or out of range.
    """
    x = _array(path)
    expected = f"[n, {', '.join(map(str, shape))}]"
    if x.dtype.kind not in "fiu":
        raise DataError(f"{path} holds values of type {x.dtype}; expected numbers {expected}")
    if x.ndim != len(shape) + 1:
        raise DataError(f"{path} holds an array of shape {x.shape}; expected {expected}")
    if x.shape[1:] != shape:
        change = "resize or crop them"
        if len(shape) == 3 and x.shape[1:3] == shape[:2]:
            change = f"give them {shape[2]} channel{'s' if shape[2] > 1 else ''}"
        raise DataError(f"{path} holds samples of shape {x.shape[1:]}; expected {shape}: {change}")
    if not len(x):
        raise DataError(f"{path} holds no samples; expected {expected} with n at least 1")
    x = x.astype(np.float32)
    if not np.isfinite(x).all():
        raise DataError(f"{path} has values that are not finite; clean them")
    if len(shape) == 3 and np.abs(x).max() > 1 + 1e-6:  # a little more, for rounding
        raise DataError(
            f"{path} has pixels from {x.min():g} to {x.max():g}; expected -1 to 1, which x / 127.5 "
            "- 1 makes of 0 to 255"
        )
    return x


def _array(path: str | Path) -> np.ndarray:
    if Path(path).is_dir():
        raise DataError(f"{path} is a folder; expected a npz file with an array x, or a npy file")
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            if "x" not in loaded:
                raise DataError(
                    f"{path} holds {', '.join(loaded.files) or 'nothing'}; expected an array x"
                )
            return loaded["x"]
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} cannot be read as a npz or npy file ({error}); numpy.savez(file, x=...) "
            "writes one"
        ) from error
