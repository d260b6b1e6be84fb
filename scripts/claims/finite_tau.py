"""The ratio tau of y's rate to x's beyond which a stationary point attracts is finite.

tau* is the largest ratio at which an eigenvalue of the scaled Jacobian leaves the imaginary axis,
from the game's own derivative. End states are those of the published notebooks, with their steps:
20,000 of 5e-4 on a quadratic game of v = 4, at the same time; 180,000 of 1e-3 on the torus from
(2, -1), in turn, x first.
"""

import jax
import jax.numpy as jnp
import numpy as np

from claims.analysis import least_ratio
from claims.playing import angles, descent, vector_field
from claims.result import Number, Panel, Result, coordinates
from ganjax import games

TITLE = {
    "en": "A finite ratio of the players' rates suffices, and its least value is exact",
    "ko": "두 학습률의 비는 유한한 값으로 충분하며, 그 최솟값이 정확히 주어진다",
}
SOURCE = "Fiez, Ratliff, ICLR 2021, arXiv:2009.14820; fiezt/Finite-Learning-Ratio 16583ff"
A, B, D = np.diag([-4.0, 2.0]), np.diag([-4.0, 2.0]), np.diag([2.0, 4.0])
START = (np.array([5.0, 4.0]), np.array([3.0, 2.0]))
STARS = (  # game, point, printed tau*
    ("torus", (0.0, 0.0), 0.74),
    ("torus", (np.pi, np.pi), 1.35),
    ("fiez_ratliff", (-11.0297, -11.0297), 1.0),
    ("fiez_ratliff", (-1.62165, -1.62165), 1.0),
    ("fiez_ratliff", (10.5722, -8.95174), 0.0),
)
ENDS = {  # tau -> the end on the quadratic
    2.0: (2.73389560, 2.4489e-17, -12.1646086, 2.4489e-17),
    2.5: (0.0564020185, 1.64e-15, -0.0268301625, 1.27e-15),
}
TORUS = {1: (-2.91715735, -0.33789866), 2: (-0.00687716, -0.00606348)}
TORUS |= {5: (3.14081938, 3.14067503), 10: (3.13625813, 3.1352942)}


def replay() -> Result:
    """The printed ratios and end states."""
    game = games.zero_sum(lambda x, y: x @ A @ x / 2 + x @ B @ y - y @ D @ y / 2, START)
    star = least_ratio(jax.jacfwd(vector_field(game))(jnp.zeros(4)))
    numbers, curves = [Number("tau* of the quadratic", 2.0, star, None, 1e-9, SOURCE)], {}
    for name, point, printed in STARS:
        ours = least_ratio(jax.jacfwd(vector_field(games.GAMES[name]()))(jnp.array(point)))
        where = "{:.2f}, {:.2f}".format(*point)
        numbers.append(Number(f"tau* of {name} at {where}", printed, ours, None, 0.005, SOURCE))
    for tau, printed in ENDS.items():
        z = descent(game, 5e-4, tau, 20_000)[-1]
        numbers += coordinates(f"quadratic, tau {tau}", printed, z, 1e-6, SOURCE)
    for tau, printed in TORUS.items():
        z = descent(games.torus(), 1e-3, tau, 180_000, in_turn=True)
        numbers += coordinates(f"torus, tau {tau}", printed, angles(z[-1]), 1e-6, SOURCE)
        away = [np.linalg.norm(angles(z - point), axis=1) for point in (0.0, np.pi)]
        curves[f"tau {tau}"] = (180 * np.arange(len(z)), np.minimum(*away))
    conclusion = all((y[-1] < 0.1) == (name != "tau 1") for name, (_, y) in curves.items())
    panel = Panel(curves, "step", "torus: distance from (0, 0) or (pi, pi)", "y")
    return Result(tuple(numbers), conclusion, panel)
