"""The ratio tau of y's rate to x's beyond which a stationary point attracts is finite.

tau* is the largest ratio at which an eigenvalue of the scaled Jacobian leaves the imaginary axis,
from the game's own derivative. End states are those of the published notebooks, with their steps:
the quadratic game plays at the same time, the torus in turn, x first.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.optimize import brentq

from claims.playing import joined, path, vector_field
from claims.result import Number, Panel, Result
from ganjax import games, schemes
from ganjax.types import Game, Players

TITLE = {
    "en": "A finite ratio of the players' rates suffices, and its least value is exact",
    "ko": "두 학습률의 비는 유한한 값으로 충분하며, 그 최솟값이 정확히 주어진다",
}
SOURCE = "Fiez, Ratliff, ICLR 2021, arXiv:2009.14820; fiezt/Finite-Learning-Ratio 16583ff"
V = 4.0
A, B, D = np.diag([-V, V / 2]), np.diag([-V, V / 2]), np.diag([V / 2, V])  # of the quadratic
START = (np.array([5.0, 4.0]), np.array([3.0, 2.0]))
ENDS = {  # tau -> the end after 20,000 steps of 5e-4
    2.0: (2.73389560, 2.4489e-17, -12.1646086, 2.4489e-17),
    2.5: (0.0564020185, 1.64e-15, -0.0268301625, 1.27e-15),
}
TORUS = {  # tau -> after 180,000 steps of 1e-3 from (2, -1)
    1: (-2.91715735, -0.33789866),
    2: (-0.00687716, -0.00606348),
    5: (3.14081938, 3.14067503),
    10: (3.13625813, 3.1352942),
}
STARS = (  # game, point, printed tau*
    ("torus", (0.0, 0.0), 0.74),
    ("torus", (np.pi, np.pi), 1.35),
    ("fiez_ratliff", (-11.0297, -11.0297), 1.0),
    ("fiez_ratliff", (-1.62165, -1.62165), 1.0),
    ("fiez_ratliff", (10.5722, -8.95174), 0.0),
)


def least_ratio(matrix: np.ndarray, most: float = 10.0) -> float:
    """tau*: the largest ratio up to `most` at which an eigenvalue crosses the imaginary axis."""
    half = len(matrix) // 2

    def slowest(tau):
        scale = np.repeat([1.0, tau], half)
        return np.linalg.eigvals(scale[:, None] * matrix).real.min()

    ratios = np.linspace(most, 1e-6, 997)
    below = next((tau for tau in ratios if slowest(tau) <= 0), None)
    return 0.0 if below is None else brentq(slowest, below, most, xtol=1e-12)


def played(make, game: Game, step: float, tau: float, steps: int) -> np.ndarray:
    """z [1001, numbers] along so many steps, y's rate tau times x's."""
    scheme = make(game, Players(optax.sgd(step), optax.sgd(tau * step)))
    return np.asarray(jax.jit(partial(path, scheme, steps, joined, every=steps // 1000))())


def replay() -> Result:
    """The printed ratios and end states."""
    game = games.zero_sum(lambda x, y: x @ A @ x / 2 + x @ B @ y - y @ D @ y / 2, START)
    star = least_ratio(jax.jacfwd(vector_field(game))(jnp.zeros(4)))
    numbers = [Number("tau* of the quadratic", 2.0, star, None, 1e-9, SOURCE)]
    for name, point, printed in STARS:
        ours = least_ratio(jax.jacfwd(vector_field(games.GAMES[name]()))(jnp.array(point)))
        where = "{:.2f}, {:.2f}".format(*point)
        numbers.append(Number(f"tau* of {name} at {where}", printed, ours, None, 0.005, SOURCE))
    for tau, printed in ENDS.items():
        z = played(schemes.simultaneous, game, 5e-4, tau, 20_000)[-1]
        numbers += compared(f"quadratic, tau {tau}", printed, z)
    curves, in_turn = {}, partial(schemes.alternating, first="gen")
    for tau, printed in TORUS.items():
        z = played(in_turn, games.torus(), 1e-3, tau, 180_000)
        numbers += compared(f"torus, tau {tau}", printed, wrapped(z[-1]))
        away = [np.linalg.norm(wrapped(z - point), axis=1) for point in (0.0, np.pi)]
        curves[f"tau {tau}"] = (180 * np.arange(len(z)), np.minimum(*away))
    near = {name: y[-1] < 0.1 for name, (_, y) in curves.items()}
    conclusion = all(near[name] == (name != "tau 1") for name in near)
    panel = Panel(curves, "step", "torus: distance from (0, 0) or (pi, pi)", "y")
    return Result(tuple(numbers), conclusion, panel)


def wrapped(angles: np.ndarray) -> np.ndarray:
    """Angles within [-pi, pi)."""
    return (angles + np.pi) % (2 * np.pi) - np.pi


def compared(name: str, printed: tuple[float, ...], ours: np.ndarray) -> list[Number]:
    """The coordinates of an end state, to 1e-6."""
    rows = enumerate(zip(printed, ours.tolist(), strict=True), 1)
    return [Number(f"{name}: z{i}", a, b, None, 1e-6, SOURCE) for i, (a, b) in rows]
