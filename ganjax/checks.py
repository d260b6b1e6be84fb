"""Range checks for numbers where they enter: one function a kind, one wording for all errors."""

import math
import numbers
from collections.abc import Collection
from typing import Any


def within(interval: str, *, hint: str = "", **values: Any) -> None:
    """Checks that numbers lie in an interval.

    Args:
      interval: e.g. "[0, 1)" or "(0, inf)"; a square bracket includes the end.
      hint: what to do, for the message, e.g. "e.g. 0.5".
      **values: the numbers by name; a `swept.Swept` is checked in all its values.

    Raises:
      ValueError: a value outside, or NaN.
    """
    low, high = map(float, interval[1:-1].split(","))
    for name, value in values.items():
        above = low <= value if interval[0] == "[" else low < value
        below = value <= high if interval[-1] == "]" else value < high
        if not (above and below):
            _refuse(name, value, f"be in {interval}", hint)


def whole(least: int, most: float = math.inf, *, hint: str = "", **values: Any) -> None:
    """Checks that numbers are whole and from `least` to `most`.

    Raises:
      ValueError: a value that is not an integer, or outside.
    """
    end = f"at least {least}" if most == math.inf else f"from {least} to {most}"
    for name, value in values.items():
        integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if not integer or not least <= value <= most:
            _refuse(name, value, f"be a whole number, {end}", hint)


def one_of(known: Collection[Any], *, hint: str = "", **values: Any) -> None:
    """Checks that values are among those known.

    Raises:
      ValueError: another value.
    """
    for name, value in values.items():
        if value not in known:
            _refuse(name, value, f"be one of {', '.join(map(repr, known))}", hint)


def _refuse(name: str, value: Any, expected: str, hint: str) -> None:
    raise ValueError(f"{name}={value!r} must {expected}" + (f"; {hint}" if hint else ""))
