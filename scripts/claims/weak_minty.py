"""PolarGame, where extragradient circles: steps to |F| < 1e-3, and the constants.

On the box |x|, |y| <= 1.1, with L the Lipschitz constant of F and rho the least <F, z> / |F|^2.
From (1, 1/2) with 1/L; EG+ moves half as far as it reaches; 20,000 steps stand for never. Published
are L and rho; the counts were replayed independently.
"""

from functools import partial

import jax
import numpy as np
import optax

from claims.analysis import constants
from claims.playing import both, near, path, size_of, steps_until, vector_field
from claims.result import Number, Panel, Result
from ganjax import games, optimisers, schemes

TITLE = {
    "en": "Extragradient and EG+ circle on weak Minty games, CurvatureEG+ arrives",
    "ko": "약한 민티 게임에서 외경사법과 EG+는 맴돌고 CurvatureEG+는 도달한다",
}
SOURCE = "Pethick et al., ICLR 2022, arXiv:2302.09831; LIONS-EPFL/weak-minty-code 6930820"
REPLAY = "independent replay of the published set-up"
NEVER, BOX = 20_000, 1.1
POLAR = {  # a -> L, rho, steps of EG, EG+, AdaptiveEG+, CurvatureEG+
    1.0: (18.54795, -0.0477422436, NEVER, NEVER, NEVER, 16),
    0.75: (13.93839, -0.0358425068, NEVER, 827, 806, 15),
    1 / 3: (6.306090, -0.0159464637, 208, 342, 340, 16),
}


def replay() -> Result:
    """Constants and counts of PolarGame for three strengths."""
    numbers, curves, ends = [], {}, {}
    for a, (top, rho, *printed) in POLAR.items():
        game = games.polar(a, start=(1.0, 0.5))
        slopes = vector_field(game)
        found = zip(("L", "rho"), (top, rho), constants(slopes, BOX), strict=True)
        for name, value, ours in found:
            digits = 1e-6 * abs(value)
            numbers.append(Number(f"a {a:.3g}: {name}", value, ours, None, digits, SOURCE))
        tx, half = (both(optimisers.projected(optax.sgd(r / top), "box", BOX)) for r in (1, 0.5))
        adaptive = partial(schemes.adaptive_extragradient, game, tx, lr=1 / top)
        made = {
            "EG": schemes.extragradient(game, tx),
            "EG+": schemes.extragradient(game, half, reach=tx),
            "AdaptiveEG+": adaptive(kind="adaptive"),
            "CurvatureEG+": adaptive(kind="curvature"),
        }
        for (name, scheme), value in zip(made.items(), printed, strict=True):
            count = int(jax.jit(partial(steps_until, scheme, partial(near, slopes), NEVER))())
            few = 3.0 if name == "CurvatureEG+" else 0.0  # its line search is not the published one
            numbers.append(Number(f"a {a:.3g}: steps of {name}", value, count, None, few, REPLAY))
            ends[a, name] = count
            if a == 1:
                sizes = partial(path, scheme, 200, partial(size_of, slopes))
                curves[name] = (np.arange(201), jax.jit(sizes)())
    conclusion = ends[1.0, "CurvatureEG+"] < NEVER == ends[1.0, "EG"] == ends[1.0, "EG+"]
    return Result(tuple(numbers), conclusion, Panel(curves, "step", "|F|, a = 1", "y"))
