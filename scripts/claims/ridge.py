"""Follow-the-ridge converges to local minimax points and to no others.

g1 = -3 x^2 - y^2 + 4 x y and g2 = 3 x^2 + y^2 + 4 x y are stationary at the origin, which is local
minimax for g1 alone; g3 = (4 x^2 - (y - 3 x + 0.05 x^3)^2 - 0.1 y^4) exp(-0.01 r^2). From
(5.5, 5.5) with step 0.05. The paper draws the paths; the numbers are the distances from the origin
(the larger coordinate) after 4,000 steps; 1,000 stands for a path that has left.
"""

import math
from functools import partial

import jax
import numpy as np
import optax

from claims.playing import both, joined, path
from claims.result import Number, Panel, Result
from ganjax import games, schemes

TITLE = {
    "en": "Follow-the-ridge reaches local minimax points, and avoids what attracts gradient play",
    "ko": "능선 추종은 지역 미니맥스 점에 도달하고, 다른 점에는 끌리지 않는다",
}
SOURCE = "Wang, Zhang, Ba, ICLR 2020, arXiv:1910.07512, section 5.1"
STEPS, LEFT = 4000, 1e3
MAKES = {
    "gradient play": schemes.simultaneous,
    "extragradient": schemes.extragradient,
    "optimistic": schemes.optimistic,
    "follow-the-ridge": schemes.follow_the_ridge,
}
ARRIVES = {  # game -> which of them arrive at its origin, as drawn
    "g1": {"follow-the-ridge"},
    "g2": {"gradient play", "extragradient", "optimistic"},
    "g3": {"follow-the-ridge"},
}


def replay() -> Result:
    """Distances from the origin at the end."""
    numbers, curves, arrived = [], {}, {}
    for kind in ARRIVES:
        game = games.wang(kind, start=(5.5, 5.5))
        for name, make in MAKES.items():
            scheme = make(game, both(optax.sgd(0.05)))
            z = np.asarray(jax.jit(partial(path, scheme, STEPS, joined))())
            away = np.clip(np.nan_to_num(np.abs(z).max(1), nan=LEFT), 0, LEFT)
            arrived[kind, name] = away[-1] < 1e-2
            numbers.append(Number(f"{kind}, {name}: distance", math.nan, away[-1], source=SOURCE))
            if kind == "g3":
                curves[name] = (np.arange(STEPS + 1), away)
    conclusion = all(found == (name in ARRIVES[kind]) for (kind, name), found in arrived.items())
    return Result(tuple(numbers), conclusion, Panel(curves, "step", "g3: distance from 0", "y"))
