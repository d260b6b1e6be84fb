"""Checks of values to be scored, before a score hides or spreads NaN."""

import numpy as np
from numpy.typing import ArrayLike


class NonFiniteError(ValueError):
    """Values to be scored are NaN or infinite."""


def finite(name: str, values: ArrayLike) -> np.ndarray:
    """The values in float64.

    Args:
      name: of the values, for the error.
      values: any shape, the examples first.

    Raises:
      NonFiniteError: some are NaN or infinite, with their number, their name and the first place.
    """
    values = np.asarray(values, np.float64)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        first = ", ".join(map(str, bad[0]))
        raise NonFiniteError(
            f"{len(bad)} of {values.size} values of {name} are not finite, the first at [{first}]; "
            "has the run that made them diverged?"
        )
    return values


def rows(name: str, features: ArrayLike, *, least: int = 1) -> np.ndarray:
    """Features [samples >= least, dim] in float64.

    Raises:
      ValueError: another shape, by name.
      NonFiniteError: as `finite`.
    """
    features = finite(name, features)
    if features.ndim != 2 or len(features) < least:
        remedy = "give more samples" if features.ndim == 2 else "flatten images first"
        raise ValueError(
            f"expected {name} [samples >= {least}, dim], got shape {features.shape}; {remedy}"
        )
    return features


def compared(
    real: ArrayLike, generated: ArrayLike, *, least: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """`rows` of both sets.

    Raises:
      ValueError: as `rows`, or their dims differ.
    """
    real, generated = rows("real", real, least=least), rows("generated", generated, least=least)
    same_dim(real.shape[1], generated.shape[1])
    return real, generated


def same_dim(real: int, generated: int) -> None:
    """Refuses sets of features of different dims with a ValueError."""
    if real != generated:
        raise ValueError(
            f"features of {real} and {generated} dimensions do not compare; take both from one "
            "extractor"
        )
