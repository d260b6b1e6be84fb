"""The check that values to be scored are finite, before a score hides or spreads NaN."""

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
