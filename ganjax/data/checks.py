"""Checks that data are as declared, once, before anything is traced with them.

JAX reads past the end of an array in silence, and a network takes pixels of any range; so lengths,
labels and pixels are looked at here, whichever function made the data; `drawn` looks at batches.
"""

import reprlib
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.data.drawn import IMAGES, check_drawn, check_sample, of_pixels, reason, traced
from ganjax.data.pixels import check_finite, is_range, scaled
from ganjax.data.resident import Batch, Data, one_length
from ganjax.errors import DataError, GanjaxError

REAL = (np.bool_, np.integer, np.floating)
# The values that each field may hold.
FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "shape": ("a tuple of whole numbers, each at least 1", lambda v: _is_shape(v)),
    "train": ("a dict of arrays", lambda v: isinstance(v, Mapping)),
    "test": ("a dict of arrays", lambda v: isinstance(v, Mapping)),
    "sample": ("a function (train, rng, batch_size) -> batch", callable),
    "num_classes": ("a whole number, at least 0", lambda v: _is_whole(v) and v >= 0),
    "centres": (
        "an array [modes, dim], or ()",
        lambda v: v.ndim == 2 if _is_array(v) else isinstance(v, tuple) and not v,
    ),
    "std": (
        "a number, at least 0",
        lambda v: (isinstance(v, Real) or (_is_array(v) and not v.ndim)) and v >= 0,
    ),
    "density": ("a function of points, or None", lambda v: v is None or callable(v)),
    "paired": ("True or False", lambda v: isinstance(v, bool)),
    "value_range": ("two numbers, the smaller first, or None", lambda v: v is None or is_range(v)),
}


def made(name: str, factory: Callable[[], Any]) -> Any:
    """Calls a factory of the user's; whatever it raises is told in one line, with its own.

    Raises:
      DataError: it raised something.
    """
    try:
        return factory()
    except (GanjaxError, MemoryError):
        raise
    except Exception as error:
        told = reason(error, getattr(factory, "func", factory))
        raise DataError(
            f"data {name!r} cannot be made: {told}; mend the function or give it other arguments"
        ) from error


def checked(name: str, data: Any) -> Data:
    """The data with all images as floats in [-1, 1], or a refusal.

    Args:
      name: of the data in the config, for the messages.
      data: the return value of a factory.

    Returns:
      Data whose arrays are on the device; labels are int32, points floats.

    Raises:
      DataError: a field is of another type; arrays are empty, not finite as float32 or not of one
        length; batches do not fit them, see `drawn`; labels are not whole numbers from 0 to
        num_classes - 1; pixels are ambiguous or out of range, see `pixels.scaled`.
    """
    where = f"data {name!r}"
    if not isinstance(data, Data):
        raise DataError(f"{where} returned a {type(data).__name__}; expected a Data")
    for field, (expected, fits) in FIELDS.items():
        value = getattr(data, field)
        if not fits(value):
            shown = " ".join(reprlib.repr(value).split())
            raise DataError(f"{where} has {field}={shown}; expected {expected}")
    data = data._replace(shape=tuple(map(int, data.shape)), num_classes=int(data.num_classes))
    _check_arrays(where, data)
    parts = {
        part: {
            key: labels(f"y in {part} of {where}", array, data.num_classes) if key == "y" else array
            for key, array in getattr(data, part).items()
        }
        for part in ("train", "test")
    }
    data = data._replace(**parts)
    batch = traced(where, data)
    _check_batch(where, data, batch)
    check_sample(where, data, batch)
    parts = {part: _ready(where, data, part, batch) for part in ("train", "test")}
    ready = data._replace(**parts)
    drawn = check_drawn(where, ready, batch)
    if "y" in drawn:
        labels(f"y drawn by {where}", drawn["y"], data.num_classes)
    return ready._replace(value_range=(-1.0, 1.0))


def labels(where: str, y: np.ndarray, num_classes: int | None) -> np.ndarray:
    """Labels as int32 [n].

    Args:
      where: the file or array that holds them, for the message.
      y: the labels.
      num_classes: their number; None for one more than the largest, if the smallest is 0.

    Raises:
      DataError: they are not whole numbers [n] from 0 to num_classes - 1, with the remedy.
    """
    y = np.asarray(y)
    if y.dtype.kind not in "iu" or y.ndim != 1 or not len(y):
        if y.ndim == 2:
            hint = "y[:, 0]" if y.shape[1] == 1 else "y.argmax(1)"
        else:
            text = y.dtype.kind in "OSU"
            hint = "numpy.unique(y, return_inverse=True)[1]" if text else "y.astype(int)"
        raise DataError(
            f"{where} is of type {y.dtype} and shape {list(y.shape)}; expected whole numbers [n] "
            f"from 0 to num_classes - 1, e.g. {hint}"
        )
    low, high = int(y.min()), int(y.max())
    if num_classes is None:
        num_classes = len(np.unique(y)) if low else high + 1
    if low < 0 or high >= num_classes:
        mend = "number the classes from 0"
        if high - low < num_classes:
            mend += f", y - {low}" if low > 0 else f", y + {-low}"
        elif low >= 0:
            mend = f"declare num_classes={high + 1} or more"
        raise DataError(
            f"{where} is of {num_classes} classes, but has labels from {low} to {high}; {mend}"
        )
    return y.astype(np.int32)


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(_is_whole(v) and v > 0 for v in value)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | jax.Array)


def _check_arrays(where: str, data: Data) -> None:
    """Arrays of numbers, finite, with an example at least, and of one length where they must be."""
    for part in ("train", "test"):
        arrays = getattr(data, part)
        for key, array in arrays.items():
            told = f"{key!r} in {part} of {where}"
            if not _is_array(array):
                raise DataError(f"{told} is a {type(array).__name__}; expected an array")
            if not array.ndim or not len(array):
                raise DataError(
                    f"{told} has no examples, shape {list(array.shape)}; expected [n, ...] with n "
                    f"at least 1{' (leave test={} without any)' if part == 'test' else ''}"
                )
            if key == "y":
                continue
            if not any(jnp.issubdtype(array.dtype, kind) for kind in REAL):
                raise DataError(
                    f"{told} holds values of type {array.dtype}; expected numbers, not complex"
                )
            check_finite(told, array)
        labelled = "x_labelled" if "x_labelled" in arrays else "x"
        for keys in ((labelled, "y"), *((("a", "b"),) if data.paired else ())):
            if set(keys) <= arrays.keys():
                one_length(f"{part} of {where}", {key: arrays[key] for key in keys})


def _check_batch(where: str, data: Data, batch: Batch) -> None:
    """A batch fits the declared shape and the held-out examples, and arrays are of one length."""
    unpaired = "a" in batch and not data.paired
    if data.train and "x_labelled" not in batch and not unpaired:
        one_length(f"train of {where}, one row an example,", data.train)
    key = "b" if "a" in batch else "x"
    found = {name: array.shape for name, array in batch.items()}
    if key not in batch:
        raise DataError(f"{where} draws {', '.join(batch) or 'nothing'}; expected x, or a and b")
    if found[key] != (2, *data.shape) or found.get("x_labelled", found[key]) != found[key]:
        raise DataError(
            f"{where} declares samples of shape {data.shape}, but a batch of two has {found}; "
            f"declare shape={found[key][1:]} or change the arrays"
        )
    if len(data.shape) in (0, 2):
        raise DataError(
            f"{where} has samples of shape {data.shape}; expected points (dim,) or images (height, "
            "width, channel): add an axis, x[..., None]"
        )
    if alone := [name for name, shape in found.items() if shape[:1] != (2,)]:
        raise DataError(f"{where} draws {alone[0]!r} of shape {found[alone[0]]} in a batch of two")
    if ("y" in batch) != bool(data.num_classes):
        raise DataError(
            f"{where} declares num_classes={data.num_classes}, and its batches have "
            f"{', '.join(batch)}; declare as many classes as the labels y have, or 0 without labels"
        )
    if "y" in batch and (found["y"] != (2,) or batch["y"].dtype.kind not in "iu"):
        raise DataError(
            f"{where} draws labels y {batch['y']} in a batch of two; expected whole numbers [n]"
        )
    wanted = sorted(batch.keys() - {"x_labelled"})
    if data.test and (lacking := [name for name in wanted if name not in data.test]):
        raise DataError(
            f"{where} has no {' and '.join(lacking)} in test; expected {' and '.join(wanted)}, or "
            "test={} without held-out examples"
        )
    for name, array in data.test.items():
        if name in found and array.shape[1:] != found[name][1:]:
            raise DataError(
                f"{name!r} in test of {where} has examples of shape {array.shape[1:]}; expected "
                f"{found[name][1:]}, that of batches"
            )


def _ready(where: str, data: Data, part: str, batch: Batch) -> Batch:
    """The arrays of a part on the device, images in [-1, 1] and points floats."""
    arrays = dict(getattr(data, part))
    pixels = of_pixels(arrays, batch)
    for key, array in arrays.items():
        if key in pixels:
            array = scaled(array, data.value_range, where=f"{key!r} in {part} of {where}")
        elif key in IMAGES and array.dtype.kind in "biu":
            array = array.astype(np.float32)
        arrays[key] = jnp.asarray(array)
    return arrays
