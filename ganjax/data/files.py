"""Arrays in a user's npy and npz files, read and checked before a network gets them."""

import math
import zipfile
from pathlib import Path

import numpy as np

from ganjax.data.resident import Data, of_examples
from ganjax.data.values import ARGUMENT, FLAG, check_finite, is_range, labels, scaled
from ganjax.errors import DataError


def samples_of_file(
    path: str | Path,
    shape: tuple[int, ...],
    value_range: tuple[float, float] | None = None,
    *,
    any_size: bool = False,
) -> np.ndarray:
    """The samples in a npy file, or of the array `x` in a npz file.

    Args:
      path: of the file.
      shape: of one sample, (height, width, channel) for images.
      value_range: the values that stand for black and white, see `values.scaled`.
      any_size: whether images of another height and width are accepted.

    Returns:
      Samples [n, *shape], float32; images in [-1, 1].

    Raises:
      DataError: there is no such file, it is of another kind or empty, or its values are not
        numbers, not finite, of another shape, or out of range.
    """
    x = _read(path, "x")["x"]
    expected = f"[n, {', '.join(map(str, shape))}]"
    if x.dtype.kind not in "fiub":
        raise DataError(f"{path} holds values of type {x.dtype}; expected numbers {expected}")
    if x.shape == shape:
        raise DataError(
            f"{path} holds one sample of shape {x.shape}; expected {expected}: take x[None]"
        )
    another_size = any_size and len(shape) == 3 and x.ndim == 4 and x.shape[3] == shape[2]
    if x.shape[1:] != shape and not another_size:
        raise DataError(
            f"{path} holds samples of shape {x.shape[1:]}; expected {shape}: "
            f"{_remedy(x.shape[1:], shape)}"
        )
    if not len(x):
        raise DataError(f"{path} holds no samples; expected {expected} with n at least 1")
    if len(shape) == 3:
        x = scaled(x, value_range, where=str(path), remedy=FLAG)
    else:
        check_finite(path, x)
    return x.astype(np.float32, copy=False)


def arrays(
    path: str,
    value_range: tuple | None = None,
    num_classes: int | None = None,
    held_out: int = 0,
) -> Data:
    """Examples in a file: the array `x` and, if there are labels, `y` of a npz file, or a npy file.

    Args:
      path: of the file.
      value_range: the values that stand for black and white in images, e.g. (0, 1); without it
        unsigned integers are scaled by their type and floats must be in [-1, 1], see
        `values.scaled`.
      num_classes: of the labels; one more than the largest if None.
      held_out: examples kept for tests, see `resident.of_examples`.

    Returns:
      Data with `x` [batch, ...], images in [-1, 1], and labels `y` int [batch] where there are any.

    Raises:
      ValueError: an argument is out of range.
      DataError: the file holds no arrays, or arrays of a wrong type, shape or range.
    """
    if value_range is not None and not is_range(value_range):
        raise ValueError(f"value_range={value_range} must be two numbers, the smaller first")
    found = _read(path, "x", "y")
    x, y = found["x"], found.get("y")
    if x.dtype.kind not in "fiub" or x.ndim < 2 or not len(x):
        raise DataError(
            f"{path} holds x of type {x.dtype} and shape {x.shape}; expected numbers, points "
            "[n, dim] or images [n, height, width, channel], n at least 1"
        )
    if x.ndim > 3:
        x = scaled(x, value_range, where=f"x in {path}", remedy=ARGUMENT)
    elif value_range is not None:
        raise ValueError(f"value_range={value_range} is for images, and x is of shape {x.shape}")
    else:
        check_finite(f"x in {path}", x)
    if y is not None:
        y = labels(f"y in {path}", y, num_classes)
        num_classes = num_classes or int(y.max()) + 1
    return of_examples(x, y, num_classes=num_classes or 0, held_out=held_out)


def _read(path: str | Path, *wanted: str) -> dict[str, np.ndarray]:
    """The arrays of a file among those wanted; `x` is one of them."""
    if Path(path).is_dir():
        raise DataError(f"{path} is a folder; expected a npz file with an array x, or a npy file")
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {"x": loaded}
            names = loaded.files
            found = {name: loaded[name] for name in wanted if name in names}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} cannot be read as a npz or npy file ({error}); numpy.savez(file, x=...) "
            "writes one"
        ) from error
    if "x" not in found:
        raise DataError(
            f"{path} holds {', '.join(names) or 'nothing'}; expected an array x, as "
            "numpy.savez(file, x=...) writes it"
        )
    return found


def _remedy(found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """How to turn samples of one shape into samples of another."""
    if len(expected) != 3:
        size = math.prod(expected)
        if math.prod(found) != size:
            return f"take points of {size} coordinates"
        return f"reshape them, x.reshape({', '.join(map(str, (-1, *expected)))})"
    channels = expected[2]
    if found == expected[:2] or len(found) == 2:
        repeat = f", and give them {channels} channels, np.repeat(x, {channels}, -1)"
        return "add a channel axis, x[..., None]" + (repeat if channels > 1 else "")
    if len(found) != 3:
        return "make images [n, height, width, channel] of them"
    if found[0] == channels != found[2]:
        return "put the channels last, np.moveaxis(x, 1, -1)"
    if found[2] != channels:
        code = {
            (1, 3): ", np.repeat(x, 3, -1)",
            (3, 1): ", x.mean(-1, keepdims=True)",
            (4, 3): ", x[..., :3] without alpha",
        }.get((found[2], channels), "")
        return f"give them {channels} channel{'s' if channels > 1 else ''}{code}"
    return "resize or crop them"
