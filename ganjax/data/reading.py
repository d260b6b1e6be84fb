"""Rows as read: from arrays on the device, or from their source on the host, and checked."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import numpy as np

from ganjax.data.resident import Batch, Data, Rows
from ganjax.errors import DataError, GanjaxError

Form = Mapping[str, jax.ShapeDtypeStruct]  # of one row, by key
NUMBERS = "fiub"  # kinds of NumPy types

# The error of a read inside a compiled program, of which JAX passes on the text alone.
_failed: list[BaseException] = []
logging.getLogger("jax._src.callback").addFilter(lambda record: not _failed)  # its traceback


def taken(data: Data, train: Batch, rows: jax.Array) -> Batch:
    """The rows as read: those of resident arrays, or, streamed, of the source on the host.

    A compiled program that cannot read them raises JAX's error, see `errors_of_reading`.
    """
    if train:
        places = _places(data.source, rows, train)
        return {key: array[places[key]] for key, array in train.items()}
    form = form_of(data.source)
    if not isinstance(rows, jax.core.Tracer):
        return read_rows(data.source, rows, form)
    shapes = shapes_of(data.source, rows.shape)
    read = partial(_called_back, data.source, form)
    return jax.pure_callback(read, shapes, rows, vmap_method="broadcast_all")


def _places(source: Rows, rows: Any, keys: Iterable[str]) -> dict[str, Any]:
    """The rows of each array that rows are made of; of two domains they differ."""
    return source.places(rows) if hasattr(source, "places") else dict.fromkeys(keys, rows)


def _called_back(source: Rows, form: Form, rows: jax.Array) -> dict[str, np.ndarray]:
    _failed.clear()
    try:
        return read_rows(source, rows, form)
    except BaseException as error:
        _failed.append(error)
        raise


@contextlib.contextmanager
def errors_of_reading() -> Iterator[None]:
    """Raises `cause` of JAX's errors."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        raise cause(error) from None


def cause(error: Exception) -> BaseException:
    """The error of a read inside a compiled program, for the one that JAX makes of it."""
    return _failed.pop() if _failed and isinstance(error, jax.errors.JaxRuntimeError) else error


def form_of(source: Rows) -> Form:
    """The shapes and types of one row, which is read."""
    return shapes_of(source, ())


def shapes_of(source: Rows, shape: tuple[int, ...]) -> dict[str, jax.ShapeDtypeStruct]:
    """The shapes and types that `read_rows` gives for rows of a shape."""
    return {
        key: jax.ShapeDtypeStruct((*shape, *x.shape[1:]), x.dtype)
        for key, x in read_rows(source, np.zeros(1, int)).items()
    }


def read_rows(source: Rows, rows: np.ndarray, form: Form | None = None) -> dict[str, np.ndarray]:
    """The examples of rows of any shape, [*rows.shape, ...], of types that the device has.

    Args:
      source: to read from.
      rows: whole numbers.
      form: the shapes and types that every row must have; None for any.

    Raises:
      DataError: they cannot be read, or are not as they must be; any error of a user's source is
        one.
    """
    rows = np.asarray(rows)
    try:
        read = source.read(rows.ravel())
        if not isinstance(read, Mapping):
            raise DataError(
                f"{source.where}: read gives a {type(read).__name__}; expected a dict of arrays"
            )
        found = {key: _array(x) for key, x in read.items()}
    except (GanjaxError, MemoryError):
        raise
    except Exception as error:
        raise DataError(
            f"{source.where} cannot be read ({type(error).__name__}: {error}) among rows "
            f"{rows.min()} to {rows.max()}; repair it and call the same command again"
        ) from error
    _check(source, rows, found, form)
    return {key: x.reshape(*rows.shape, *x.shape[1:]) for key, x in found.items()}


def _array(x: Any) -> np.ndarray:
    """An array of a type that the device has: without x64, 64 bits become 32."""
    x = np.asarray(x)
    return x.astype(jax.dtypes.canonicalize_dtype(x.dtype), copy=False)


def _check(source: Rows, rows: np.ndarray, found: dict, form: Form | None) -> None:
    for key, x in found.items():
        if x.dtype.kind not in NUMBERS or x.shape[:1] != (rows.size,):
            raise DataError(
                f"{source.where}: read gives {key} of type {x.dtype} and shape {list(x.shape)} for "
                f"{rows.size} rows; expected numbers [{rows.size}, ...]"
            )
    ones = {key: jax.ShapeDtypeStruct(x.shape[1:], x.dtype) for key, x in found.items()}
    if form is not None and ones != form:
        raise DataError(
            f"{source.where}: read gives {_shown(ones)} among rows {rows.min()} to {rows.max()}, "
            f"and {_shown(form)} for row 0; expected the same for all"
        )


def _shown(form: Form) -> str:
    return ", ".join(f"{key} {x.dtype}{list(x.shape)}" for key, x in form.items())
