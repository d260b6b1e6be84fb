"""Eigenvalues and constants that decide whether play converges, for the claims about them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq


def least_ratio(matrix: np.ndarray, most: float = 10.0) -> float:
    """tau*: the largest ratio up to `most` at which an eigenvalue crosses the imaginary axis."""
    half = len(matrix) // 2

    def slowest(tau):
        scale = np.repeat([1.0, tau], half)
        return np.linalg.eigvals(scale[:, None] * matrix).real.min()

    ratios = np.linspace(most, 1e-6, 997)
    below = next((tau for tau in ratios if slowest(tau) <= 0), None)
    return 0.0 if below is None else brentq(slowest, below, most, xtol=1e-12)


def slowest(values: np.ndarray) -> complex:
    """The eigenvalue of the largest real part, with the larger imaginary part of a pair."""
    return complex(max(values, key=lambda value: (round(value.real, 9), value.imag)))


def constants(slopes: Callable, reach: float) -> tuple[float, float]:
    """L and rho of a field in the plane on the box of this reach: a grid of 1,001 points a side."""
    line = jnp.linspace(-reach, reach, 1001)
    grid = jnp.stack(jnp.meshgrid(line, line), -1).reshape(-1, 2)
    derivatives, values = jax.vmap(jax.jacfwd(slopes))(grid), jax.vmap(slopes)(grid)
    top = jnp.linalg.norm(derivatives, ord=2, axis=(1, 2)).max()
    square = (values**2).sum(1)
    ratio = jnp.where(square > 1e-12, (values * grid).sum(1) / square, jnp.inf)
    return float(top), float(ratio.min())
