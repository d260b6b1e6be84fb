"""Closed forms on V = x y with both steps h: spectral radii of the update map of every scheme.

The schemes name the sources. With V = sigma x y read h sigma for h, except for the schemes with a
second step size.
"""

from collections.abc import Callable, Mapping

import numpy as np


def alternating(h: float, disc_updates: int = 1) -> float:
    """1 while n h^2 <= 4, an orbit; beyond, the larger root of l^2 + (n h^2 - 2) l + 1."""
    square = disc_updates * h**2
    return 1.0 if square <= 4 else (square - 2 + np.sqrt(square * (square - 4))) / 2


def optimistic(h: float) -> float:
    """sqrt((1 + sqrt(1 - 4 h^2)) / 2); beyond 1/2, sqrt(1 + (2 h + sqrt(4 h^2 - 1))^2) / 2."""
    if h <= 0.5:
        return np.sqrt((1 + np.sqrt(1 - 4 * h**2)) / 2)
    return np.sqrt(1 + (2 * h + np.sqrt(4 * h**2 - 1)) ** 2) / 2


def unrolled(h: float, unroll_steps: int, first_order: bool = False) -> float:
    """Of z' = (I - h [[c, 1], [-1, 0]]) z, c = 2 k h through the look-ahead, k h with it fixed.

    sqrt(1 - (2k - 1) h^2), or sqrt(1 - (k - 1) h^2), while its eigenvalues are complex.
    """
    weight = (1 if first_order else 2) * unroll_steps * h
    return _radius(np.eye(2) - h * np.array([[weight, 1.0], [-1.0, 0.0]]))


def runge_kutta(h: float, order: int = 4) -> float:
    """sqrt(1 + h^4 / 4) for order 2, sqrt(1 - h^6 / 72 + h^8 / 576) for order 4."""
    return np.sqrt(1 + h**4 / 4) if order == 2 else np.sqrt(1 - h**6 / 72 + h**8 / 576)


def negative_momentum(h: float, beta: float = -0.5) -> float:
    """The largest root of (l - 1)^2 (l - beta)^2 + h^2 l^3."""
    polynomial = np.poly([1.0, 1.0, beta, beta])
    polynomial[1] += h**2
    return float(np.abs(np.roots(polynomial)).max())


def lookahead(h: float, steps: int = 5, alpha: float = 0.5) -> float:
    """|1 - alpha + alpha (1 - i h)^k|, over simultaneous play and a step of k of its steps."""
    return abs(1 - alpha + alpha * (1 - 1j * h) ** steps)


def prediction(h: float) -> float:
    """Of [[1, -h], [h, 1 - 2 h^2]]: sqrt(1 - h^2) up to h = 1."""
    return _radius(np.array([[1.0, -h], [h, 1 - 2 * h**2]]))


def opponent_shaping(h: float, shaping: bool = True) -> float:
    """sqrt(1 - 3 h^2 + 4 h^4) with shaping, sqrt(1 - h^2 + h^4) without; look-ahead steps of h."""
    return np.sqrt(1 - 3 * h**2 + 4 * h**4) if shaping else np.sqrt(1 - h**2 + h**4)


def alex(h: float, gamma: float = 1.5, delta: float = 1.5) -> float:
    """Of the map of (x, y, y~): sqrt(1 + h^2) at (1, 0), 1 at (1, 1), sqrt(1 - h^2) at (2, 1)."""
    rows = [1, 0, -h], [h, 1, -gamma * h**2], [delta * h, 1, -gamma * delta * h**2]
    return _radius(np.array(rows))


def complex_momentum(h: float, modulus: float = 0.68, phase: float = 0.328 * np.pi) -> float:
    """The largest root of (l - 1) (l^2 - 2 c l + modulus^2) + i h l (l - c), c = Re beta."""
    beta = modulus * np.exp(1j * phase)
    polynomial = np.poly([1.0, beta, beta.conjugate()]).astype(complex)
    polynomial[1:3] += 1j * h * np.array([1.0, -beta.real])
    return float(np.abs(np.roots(polynomial)).max())


def lead(h: float, alpha: float = 0.1, beta: float = 0.0) -> float:
    """The larger root of l^2 - (1 + beta + i (h + alpha)) l + beta + i alpha."""
    return float(np.abs(np.roots([1, -(1 + beta + 1j * (h + alpha)), beta + 1j * alpha])).max())


def extragradient(h: float, reach: float | None = None) -> float:
    """sqrt((1 - g h)^2 + h^2), g the reach, h if None."""
    return np.sqrt((1 - (h if reach is None else reach) * h) ** 2 + h**2)


def _radius(matrix: np.ndarray) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def _adjusted(h: float, strength: float = 1.0) -> float:
    return np.sqrt((1 - h * strength) ** 2 + h**2)


# Scheme -> radius(h, **options of the scheme). Second step sizes (lr, lookahead_lr) are h. Absent
# are those whose map changes from step to step or has no derivative at the equilibrium.
RADII: Mapping[str, Callable[..., float]] = {
    "alex": alex,
    "alternating": alternating,
    "averaged": lambda h: np.sqrt(1 + h**2),
    "competitive": lambda h: 1 / np.sqrt(1 + h**2),
    "complex_momentum": complex_momentum,
    "consensus": lambda h, gamma=1.0: _adjusted(h, gamma),
    "extragradient": extragradient,
    "follow_the_ridge": lambda h: np.sqrt(1 + h**2),
    "lead": lead,
    "lookahead": lookahead,
    "negative_momentum": negative_momentum,
    "opponent_shaping": opponent_shaping,
    "optimistic": optimistic,
    "past_extragradient": optimistic,
    "prediction": prediction,
    "proximal": lambda h: 1 / np.sqrt(1 + h**2),
    "reflected": optimistic,
    "runge_kutta": runge_kutta,
    "simultaneous": lambda h: np.sqrt(1 + h**2),
    "symplectic": lambda h, strength=1.0: _adjusted(h, strength),
    "unrolled": unrolled,
}
