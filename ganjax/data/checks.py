"""Checks that data are as declared, once, before anything is traced with them.

JAX reads past the end of an array in silence, and a network takes pixels of any range; so lengths,
labels and pixels are checked here, whichever function made the data; `drawn` checks batches.
"""

import reprlib
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganjax.data.drawn import IMAGES, check_drawn, check_sample, of_pixels, reason, traced
from ganjax.data.resident import Batch, Data, one_length
from ganjax.data.values import check_finite, is_range, labels, scaled
from ganjax.errors import DataError, GanjaxError


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= least


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | jax.Array)


ROWS = ("__len__", "read", "digest", "where")
# field: (description of its values, whether a value is one of them)
FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "shape": (
        "a tuple of whole numbers, each at least 1",
        lambda v: isinstance(v, tuple | list) and all(_is_whole(side, 1) for side in v),
    ),
    "train": ("a dict of arrays", lambda v: isinstance(v, Mapping)),
    "test": ("a dict of arrays", lambda v: isinstance(v, Mapping)),
    "sample": ("a function (train, rng, batch_size) -> batch", callable),
    "num_classes": ("a whole number, at least 0", lambda v: _is_whole(v, 0)),
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
    "source": (
        "an object with len(), read(rows), digest and where, or None",
        lambda v: v is None or all(hasattr(v, name) for name in ROWS),
    ),
    "rows": ("a function (rng, batch_size) -> rows, or None", lambda v: v is None or callable(v)),
    "decode": ("a function (rows, rng) -> batch, or None", lambda v: v is None or callable(v)),
    "order": ("a function (rng, step, n) -> rows, or None", lambda v: v is None or callable(v)),
    "channel": ("a Data, or None", lambda v: v is None or isinstance(v, Data)),
}


def made(name: str, factory: Callable[[], Any]) -> Any:
    """The return value of a user's factory; any error it raises is given in one line.

    Raises:
      DataError: it raised something.
    """
    try:
        return factory()
    except (GanjaxError, MemoryError):
        raise
    except Exception as error:
        cause = reason(error, getattr(factory, "func", factory))
        raise DataError(
            f"data {name!r} cannot be made: {cause}; correct the function or its arguments"
        ) from error


def checked(name: str, data: Any) -> Data:
    """The data of a factory on the device: images in [-1, 1], labels int32, points floats.

    Raises:
      DataError: a field is of another type; arrays are empty, not finite as float32 or differ in
        length; batches do not fit them, see `drawn`; labels are not whole numbers from 0 to
        num_classes - 1; pixels are ambiguous or out of range, see `values.scaled`.
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
    for part in ("train", "test"):
        arrays = dict(getattr(data, part))
        _check_arrays(where, part, arrays, data.paired)
        if "y" in arrays and data.decode is None:
            arrays["y"] = labels(f"y in {part} of {where}", arrays["y"], data.num_classes)
        data = data._replace(**{part: arrays})
    batch = traced(where, data)
    _check_rows(where, data, batch)
    _check_batch(where, data, batch)
    _check_test(where, data, batch)
    if data.decode is None:  # which scales, as it should
        check_sample(where, data, batch)
    ready = {part: _ready(where, data, part, batch) for part in ("train", "test")}
    data = data._replace(**ready)
    drawn = check_drawn(where, data, batch)
    if "y" in drawn:
        labels(f"y drawn by {where}", drawn["y"], data.num_classes)
    return data._replace(value_range=(-1.0, 1.0))


def _check_arrays(where: str, part: str, arrays: Batch, paired: bool) -> None:
    """Arrays of finite numbers, not empty, and of one length where rows belong together."""
    for key, array in arrays.items():
        subject = f"{key!r} in {part} of {where}"
        if not _is_array(array):
            raise DataError(f"{subject} is a {type(array).__name__}; expected an array")
        if not array.ndim or not len(array):
            hint = " (leave test={} without any)" if part == "test" else ""
            raise DataError(
                f"{subject} has no examples, shape {list(array.shape)}; expected [n, ...] with n "
                f"at least 1{hint}"
            )
        if key == "y":
            continue
        if not any(jnp.issubdtype(array.dtype, t) for t in (np.bool_, np.integer, np.floating)):
            raise DataError(
                f"{subject} holds values of type {array.dtype}; expected numbers, not complex"
            )
        check_finite(subject, array)
    labelled = "x_labelled" if "x_labelled" in arrays else "x"
    for keys in ((labelled, "y"), *((("a", "b"),) if paired else ())):
        if set(keys) <= arrays.keys():
            one_length(f"{part} of {where}", {key: arrays[key] for key in keys})


def _check_rows(where: str, data: Data, batch: Batch) -> None:
    """Training arrays are of one length, unless domains are unpaired or few rows have labels."""
    unpaired = "a" in batch and not data.paired
    if data.train and "x_labelled" not in batch and not unpaired:
        one_length(f"train of {where}, one row an example,", data.train)


def _check_batch(where: str, data: Data, batch: Batch) -> None:
    """A batch has the declared shape, labels where there are classes, and rows of one number."""
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
            f"{where} draws labels y of type {batch['y'].dtype} and shape "
            f"{list(batch['y'].shape)} in a batch of two; expected whole numbers [2]"
        )


def _check_test(where: str, data: Data, batch: Batch) -> None:
    """Held-out examples have the keys and shapes of a batch."""
    keys = sorted(batch.keys() - {"x_labelled"})
    if data.test and (lacking := [key for key in keys if key not in data.test]):
        raise DataError(
            f"{where} has no {' and '.join(lacking)} in test; expected {' and '.join(keys)}, or "
            "test={} without held-out examples"
        )
    for key, array in data.test.items():
        if key in batch and array.shape[1:] != batch[key].shape[1:]:
            raise DataError(
                f"{key!r} in test of {where} has examples of shape {array.shape[1:]}; expected "
                f"{batch[key].shape[1:]}, that of batches"
            )


def _ready(where: str, data: Data, part: str, batch: Batch) -> Batch:
    """The arrays of a part on the device, images in [-1, 1] and points floats."""
    arrays = dict(getattr(data, part))
    if part == "train" and data.decode is not None:
        return jax.tree.map(jnp.asarray, arrays)
    pixels = of_pixels(arrays, batch)
    for key, array in arrays.items():
        if key in pixels:
            array = scaled(array, data.value_range, where=f"{key!r} in {part} of {where}")
        elif key in IMAGES and array.dtype.kind in "biu":
            array = array.astype(np.float32)
        arrays[key] = jnp.asarray(array)
    return arrays
