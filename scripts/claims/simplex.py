"""Projected play on two simplices: gradients to |z - z*| <= 0.02 |z*|.

F = (eta x + (1 - eta) y, eta y - (1 - eta) x), x and y in the simplex of 500 entries, the solution
1/500; the less eta, the more rotation. Step 0.3, 500 gradients at most: 1, 2 or 5 a step.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from claims.playing import both, steps_until
from claims.result import Number, Panel, Result
from ganjax import games, optimisers, schemes

TITLE = {
    "en": "On the simplex, extragradient and optimism pay where the field rotates, and only there",
    "ko": "심플렉스에서는 회전이 강할 때만 외경사법과 낙관적 갱신이 유리하다",
}
SOURCE = "Yang, Jordan, Chavdarova, ICLR 2023, arXiv:2206.13575; Chavdarova/ACVI 9188070"
ETAS = np.linspace(0.01, 0.99, 5)
LOOKAHEAD = partial(schemes.lookahead, inner=schemes.simultaneous, steps=5, alpha=0.5)
ROWS = {  # name -> (scheme, gradients a step, printed counts)
    "GDA": (schemes.simultaneous, 1, (500, 66, 23, 14, 10)),
    "EG": (schemes.extragradient, 2, (150, 64, 44, 36, 30)),
    "OGDA": (schemes.simultaneous, 1, (63, 32, 23, 17, 14)),
    "LA5": (LOOKAHEAD, 5, (95, 60, 45, 40, 35)),
}
SIZE, MOST = 500, 500


def replay() -> Result:
    """The twenty counts."""
    x, y = (half / half.sum() for half in np.split(np.random.RandomState(0).rand(2 * SIZE), 2))
    sgd, optimistic = (
        both(optimisers.projected(inner, "simplex"))
        for inner in (optax.sgd(0.3), optax.optimistic_gradient_descent(0.3))
    )

    def near(z):
        return jnp.linalg.norm(jnp.concatenate(z) - 1 / SIZE) <= 0.02 * np.sqrt(2 / SIZE)

    def steps(make, tx, most, eta):
        game = games.zero_sum(lambda x, y: eta * (x @ x - y @ y) / 2 + (1 - eta) * x @ y, (x, y))
        return steps_until(make(game, tx), near, most)

    numbers, curves = [], {}
    for name, (make, cost, printed) in ROWS.items():
        tx = optimistic if name == "OGDA" else sgd  # whose first step is a plain one
        counts = cost * np.asarray(jax.jit(jax.vmap(partial(steps, make, tx, MOST // cost)))(ETAS))
        curves[name] = (ETAS, counts)
        numbers += [
            Number(f"{name}, eta {eta:.3g}", published, float(count), None, 0.0, SOURCE)
            for eta, count, published in zip(ETAS, counts, printed, strict=True)
        ]
    most = max(curves, key=lambda name: curves[name][1][0])
    conclusion = most == "GDA" == min(curves, key=lambda name: curves[name][1][-1])
    return Result(tuple(numbers), conclusion, Panel(curves, "eta", "gradients", "y"))
