"""Arrays in a user's npy and npz files, read and checked before a network gets them."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ganjax.checks import one_of
from ganjax.data.columns import digest_of
from ganjax.data.files.array_files import arrays_of
from ganjax.data.files.converted import as_floats, of_size
from ganjax.data.files.sizing import CROPS
from ganjax.data.resident import BUFFER, Data, one_length
from ganjax.data.rows import Table, of_rows, split
from ganjax.data.values import FLAG, check_finite, is_range, labels, pixel_range, scaled
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
    x = arrays_of(path, {"x": True})["x"]
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
    return np.array(x, np.float32)


def arrays(
    path: str,
    x: str = "x",
    y: str = "y",
    x_test: str | None = None,
    y_test: str | None = None,
    value_range: tuple | None = None,
    num_classes: int | None = None,
    held_out: int = 0,
    size: int | None = None,
    crop: str = "pad",
    flip: bool = False,
    keep: str = "auto",
    order: str = "random",
    cache: bool = True,
    buffer_bytes: int = BUFFER,
) -> Data:
    """Examples in a file: arrays of a npz file, or a npy file, mapped where they are uncompressed.

    Args:
      path: of the file.
      x: name of the array of examples; of a npy file, which holds one array, it does not matter.
      y: name of the labels; without such an array there are none, if it is left as it is.
      x_test: name of the examples held out; None for none.
      y_test: name of their labels.
      value_range: the values that stand for black and white in images, e.g. (0, 1); without it
        unsigned integers are scaled by their type and floats must be in [-1, 1], see
        `values.scaled`.
      num_classes: of the labels; one more than the largest if None.
      held_out: examples kept for tests, see `rows.split`; not beside x_test.
      size: side of the images; None to leave them as they are.
      crop: how they get there, see `sizing.fitted`.
      flip: mirror images at random.
      keep: see `rows.of_rows`.
      order: see `rows.of_rows`.
      cache: whether images that are resized are kept, see `cache.cached`.
      buffer_bytes: see `rows.of_rows`.

    Returns:
      Data with `x` [batch, ...], images in [-1, 1], and labels `y` int [batch] where there are any.

    Raises:
      ValueError: an argument is out of range.
      DataError: the file holds no arrays, or arrays of a wrong type, shape or range.
    """
    if value_range is not None and not is_range(value_range):
        raise ValueError(f"value_range={value_range} must be two numbers, the smaller first")
    one_of(CROPS, crop=crop)
    if x_test and held_out:
        raise ValueError(f"held_out={held_out}, but {x_test} is held out; leave one of them out")
    wanted = {x: True, y: y != "y", **_wanted(x_test, y_test)}
    found = arrays_of(path, wanted, hint=", or name another, e.g. data.x='x_train'")
    train = _part(path, found, x, y, num_classes)
    if "y" in train:
        num_classes = num_classes or int(train["y"].max()) + 1
    test = _part(path, found, x_test, y_test, num_classes) if x_test else {}
    _check_test(path, train, test, x_test)
    where = f"{x} in {path}"
    ends = (-1.0, 1.0)
    if train["x"].ndim > 3:
        ends = pixel_range(train["x"], value_range, where=where)
        if test:
            pixel_range(test["x"], ends, where=f"{x_test} in {path}")
    else:
        check_finite(where, train["x"])
        _refuse_for_points(train["x"], value_range=value_range, size=size, flip=flip)

    def rows(part):
        table = Table(part, digest_of(part), str(path))
        return as_floats(table) if size is None else of_size(table, size, crop, ends, cache)

    source = rows(train)
    source, shown = split(source, held_out)
    return of_rows(
        source,
        test=rows(test) if test else shown,
        num_classes=num_classes or 0,
        keep=keep,
        order=order,
        value_range=ends,
        flip=flip,
        crop=size if crop == "random" else None,
        buffer_bytes=buffer_bytes,
    )


def _refuse_for_points(x: np.ndarray, **options) -> None:
    for name, value in options.items():
        if value:
            raise ValueError(f"{name}={value} is for images, and x is of shape {x.shape}")


def _wanted(*names: str | None) -> dict[str, bool]:
    return dict.fromkeys(filter(None, names), True)


def _part(
    path: str,
    found: Mapping[str, np.ndarray],
    x_name: str,
    y_name: str | None,
    num_classes: int | None,
) -> dict[str, np.ndarray]:
    """Examples x and, if there are any, labels y."""
    x, y = found[x_name], found.get(y_name)
    if x.dtype.kind not in "fiub" or x.ndim < 2 or not len(x):
        raise DataError(
            f"{path} holds {x_name} of type {x.dtype} and shape {x.shape}; expected numbers, "
            "points [n, dim] or images [n, height, width, channel], n at least 1"
        )
    if y is None:
        return {"x": x}
    part = {"x": x, "y": labels(f"{y_name} in {path}", y, num_classes)}
    one_length(path, {x_name: x, y_name: y})
    return part


def _check_test(path: str, train: dict, test: dict, x_test: str | None) -> None:
    if not test:
        return
    if train.keys() != test.keys():
        raise DataError(
            f"{path}: {' and '.join(train)} to train on, but {' and '.join(test)} held out; give "
            "y and y_test, or neither"
        )
    if train["x"].shape[1:] != test["x"].shape[1:] or train["x"].dtype != test["x"].dtype:
        raise DataError(
            f"{path} holds {x_test} of type {test['x'].dtype} and shape {test['x'].shape}; "
            f"expected {train['x'].dtype} [n, {', '.join(map(str, train['x'].shape[1:]))}]"
        )


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
