"""AdaGrad of both players converges or not by the ratio of their steps; TiAda at any ratio.

f = -y^2/2 + 2 x y - 2 x^2 from (1, 0.01); y's step is 0.2, x's is 0.2 / r; the slope |df/dx| after
8,000 steps. TiAda has alpha 0.6 and beta 0.4.
"""

from functools import partial

import jax
import numpy as np
import optax

from claims.playing import joined, path, vector_field
from claims.result import Number, Panel, Result
from ganjax import games, schemes
from ganjax.types import Players

TITLE = {
    "en": "AdaGrad of two players depends on the ratio of their steps, TiAda does not",
    "ko": "두 참가자의 AdaGrad는 학습률의 비에 좌우되지만 TiAda는 그렇지 않다",
}
SOURCE = "Li, Yang, He, ICLR 2023, arXiv:2210.17478"
REPLAY = f"[memory] {SOURCE}, function and exponents; value of an independent replay"
STEPS, RATE = 8000, 0.2
START = (np.array([1.0]), np.array([0.01]))
ENDS = {1: 101.6, 2: 3.98, 4: 0.0, 8: 0.0}  # r -> |df/dx| of AdaGrad; TiAda's is 0 at all


def replay() -> Result:
    """The slopes at the end."""
    game = games.zero_sum(lambda x, y: (-y * y / 2 + 2 * x * y - 2 * x * x)[0], START)
    slope, numbers, curves = vector_field(game), [], {}
    adagrad = partial(optax.adagrad, initial_accumulator_value=0.0, eps=1e-30)
    for r, end in ENDS.items():
        pairs = {
            "AdaGrad": (schemes.simultaneous, adagrad, end),
            "TiAda": (partial(schemes.tiada, accumulator=1e-30), optax.sgd, 0.0),
        }
        for name, (make, tx, printed) in pairs.items():
            scheme = make(game, Players(tx(RATE / r), tx(RATE)))
            z = jax.jit(partial(path, scheme, STEPS, joined, every=8))()
            y = np.abs(jax.vmap(slope)(z)[:, 0])
            curves[f"{name}, r {r}"] = (np.arange(0, STEPS + 1, 8), y)
            close = 0.005 * printed + 1e-12
            numbers.append(Number(f"{name}, r {r}", printed, y[-1], None, close, REPLAY))
    ends = {name: y[-1] < 1e-6 for name, (_, y) in curves.items()}
    conclusion = all(ends[name] == (name not in ("AdaGrad, r 1", "AdaGrad, r 2")) for name in ends)
    return Result(tuple(numbers), conclusion, Panel(curves, "step", "|df/dx|", "y"))
