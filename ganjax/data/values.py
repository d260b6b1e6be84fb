"""The meaning of numbers in arrays: pixels and labels, the same rules for files and functions.

The range of pixels follows from the type only if it is unsigned and well filled; all other pixels
are in [-1, 1] or need an explicit range.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ganjax.errors import ConfigError, DataError

ROUNDING = 1e-6
PART = 2**26  # bytes looked at at a time
FLAG = "--range={:g},{:g}"
ARGUMENT = "value_range=({:g}, {:g})"


def scaled(
    x: np.ndarray,
    value_range: tuple[float, float] | None = None,
    *,
    where: str,
    remedy: str = ARGUMENT,
) -> np.ndarray:
    """Images as floats in [-1, 1].

    Without a range, unsigned integers are scaled by their own type (uint8 255 -> 1, uint16 65535 ->
    1, 0 -> -1) and floats are taken as they are. Ambiguous pixels are refused until the range is
    given: booleans and masks of 0 and 1, unsigned integers that fill no more than a fifteenth of
    their type (12 bits in a uint16), signed integers, floats without a value below 0.

    Args:
      x: numbers of any shape, at least one.
      value_range: the values that are to become -1 and 1, e.g. (0, 1).
      where: the file or array that holds them, the subject of the message.
      remedy: how the user gives the range, `FLAG` or `ARGUMENT`.

    Returns:
      Floats of x's shape: x itself where it is in [-1, 1] already, else float32.

    Raises:
      DataError: values are not finite, out of range, or ambiguous.
    """
    values = np.asarray(x)
    bottom, top = pixel_range(values, value_range, where=where, remedy=remedy)
    if (bottom, top) == (-1, 1) and values.dtype.kind not in "biu":
        return x
    middle = (top + bottom) / (top - bottom)
    return values.astype(np.float32) / np.float32((top - bottom) / 2) - np.float32(middle)


def pixel_range(
    x: np.ndarray,
    value_range: tuple[float, float] | None = None,
    *,
    where: str,
    remedy: str = ARGUMENT,
) -> tuple[float, float]:
    """The values of images that stand for black and white, given or by the rules of `scaled`.

    The arguments and errors are those of `scaled`; a memory map is read in parts.
    """
    check_finite(where, x)
    low, high = _extent(x)
    found, kind = f"{where} has pixels from {low:g} to {high:g}", x.dtype
    if value_range is None:
        value_range = _range_of_type(kind, low, high, found, remedy)
    bottom, top = value_range
    slack = ROUNDING * (top - bottom)
    if low < bottom - slack or high > top + slack:
        formula = ", which x / 127.5 - 1 makes of 0 to 255" if 1 < high <= 255 and low >= 0 else ""
        raise DataError(
            f"{found}; expected {bottom:g} to {top:g}{formula}; scale them or give "
            f"{remedy.format(*_guess(low, high))}"
        )
    return float(bottom), float(top)


def _range_of_type(
    kind: np.dtype, low: float, high: float, found: str, remedy: str
) -> tuple[float, float]:
    """The range that follows from the type and the values themselves."""
    give = f"; give the range, e.g. {remedy.format(*_guess(low, high))}"
    if kind.kind == "b":
        raise DataError(f"{found}, values of type bool, a mask and no image{give}")
    if kind.kind == "i":
        raise DataError(f"{found}, of type {kind}, which does not tell where white is{give}")
    if kind.kind != "u":
        if 0 <= low <= high <= 1 + ROUNDING:
            raise DataError(
                f"{found}, none below 0, where -1 is black; give {remedy.format(0, 1)} if 0 is "
                f"black, or {remedy.format(-1, 1)} if they are right as they are"
            )
        return -1.0, 1.0
    top = float(np.iinfo(kind).max)
    if 0 < 15 * high <= top:
        raise DataError(f"{found}, of type {kind}, which ends at {top:g}{give}")
    return 0.0, top


def _guess(low: float, high: float) -> tuple[float, float]:
    """The likely range of values: that of a usual format if they are not negative."""
    if low < 0:
        return low, high
    return 0.0, next((top for top in (1.0, 255.0, 4095.0, 65535.0) if high <= top), high)


def check_finite(where: str, x: np.ndarray) -> None:
    """Raises a DataError if some numbers are not finite, or will not be as float32."""
    if x.dtype.kind in "bu" and x.dtype.itemsize < 8:
        return
    if not all(np.isfinite(part).all() for part in _parts(x)):
        raise DataError(f"{where} has values that are not finite; clean them")
    low, high = _extent(x)
    if max(-low, high) > float(np.finfo(np.float32).max):
        raise DataError(
            f"{where} has values from {low:g} to {high:g}, beyond float32, which ends at 3.4e38; "
            "scale them"
        )


def _extent(x: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value."""
    ends = [(float(part.min()), float(part.max())) for part in _parts(x)]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _parts(x: np.ndarray) -> Iterator[np.ndarray]:
    """The rows of a large array in parts, since a memory map need not fit into memory."""
    if not isinstance(x, np.ndarray) or not x.ndim or x.nbytes <= PART:
        return iter((x,))
    step = max(1, PART * len(x) // x.nbytes)
    return (x[begin : begin + step] for begin in range(0, len(x), step))


def labels(where: str, y: np.ndarray, num_classes: int | None) -> np.ndarray:
    """Labels as int32 [n]; `num_classes` None is one more than the largest, if the smallest is 0.

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
        remedy = "number the classes from 0"
        if high - low < num_classes:
            remedy += f", y - {low}" if low > 0 else f", y + {-low}"
        elif low >= 0:
            remedy = f"declare num_classes={high + 1} or more"
        raise DataError(
            f"{where} is of {num_classes} classes, but has labels from {low} to {high}; {remedy}"
        )
    return y.astype(np.int32)


def parsed_range(text: str | None) -> tuple[float, float] | None:
    """The range of a flag, "0,1" -> (0.0, 1.0), or a ConfigError; None for None."""
    try:
        ends = None if text is None else tuple(map(float, text.split(",")))
    except ValueError:
        ends = ()
    if ends is not None and not is_range(ends):
        raise ConfigError(
            f"--range={text} must be two numbers, the smaller first, e.g. --range=0,1"
        )
    return ends


def is_range(value: Any) -> bool:
    """Whether a value is a pair of finite numbers, the smaller first."""
    return (
        isinstance(value, tuple | list)
        and len(value) == 2
        and all(isinstance(end, int | float) and math.isfinite(end) for end in value)
        and value[0] < value[1]
    )
