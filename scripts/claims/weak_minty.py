"""PolarGame, where extragradient circles: steps to |F| < 1e-3, and the constants.

On the box |x|, |y| <= 1.1, with L the Lipschitz constant of F and rho the least <F, z> / |F|^2.
Steps start at (1, 1/2) with 1/L; EG+ moves half as far as it reaches; at most 20,000 steps, which
stand for never. Published are L and rho; the counts were replayed independently.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from claims.playing import both, joined, path, steps_until, vector_field
from claims.result import Number, Panel, Result
from ganjax import games, optimisers, schemes
from ganjax.types import Game, GanState, Players, Scheme

TITLE = {
    "en": "Extragradient and EG+ circle on weak Minty games, CurvatureEG+ arrives",
    "ko": "약한 민티 게임에서 외경사법과 EG+는 맴돌고 CurvatureEG+는 도달한다",
}
SOURCE = "Pethick et al., ICLR 2022, arXiv:2302.09831; LIONS-EPFL/weak-minty-code 6930820"
REPLAY = "independent replay of the published set-up"
NEVER = 20_000
POLAR = {  # a -> L, rho, steps of EG, EG+, AdaptiveEG+, CurvatureEG+
    1.0: (18.54795, -0.0477422436, NEVER, NEVER, NEVER, 16),
    0.75: (13.93839, -0.0358425068, NEVER, 827, 806, 15),
    1 / 3: (6.306090, -0.0159464637, 208, 342, 340, 16),
}
BOX = 1.1
Slopes = Callable[[jax.Array], jax.Array]


def constants(slopes: Slopes) -> tuple[float, float]:
    """L and rho on the box, over a grid of 1,001 points a side."""
    line = jnp.linspace(-BOX, BOX, 1001)
    grid = jnp.stack(jnp.meshgrid(line, line), -1).reshape(-1, 2)
    derivatives, values = jax.vmap(jax.jacfwd(slopes))(grid), jax.vmap(slopes)(grid)
    top = jnp.linalg.norm(derivatives, ord=2, axis=(1, 2)).max()
    square = (values**2).sum(1)
    ratio = jnp.where(square > 1e-12, (values * grid).sum(1) / square, jnp.inf)
    return float(top), float(ratio.min())


def size_of(slopes: Slopes, state: GanState) -> jax.Array:
    """|F(z)|."""
    return jnp.linalg.norm(slopes(joined(state)))


def arrived(slopes: Slopes, z: Players) -> jax.Array:
    """Whether |F(z)| < 1e-3."""
    return jnp.linalg.norm(slopes(jnp.concatenate(z))) < 1e-3


def made(game: Game, top: float) -> dict[str, Scheme]:
    """The four schemes at 1 / L."""

    def tx(rate):
        return both(optimisers.projected(optax.sgd(rate), "box", BOX))

    adaptive = partial(schemes.adaptive_extragradient, game, tx(1 / top), lr=1 / top)
    return {
        "EG": schemes.extragradient(game, tx(1 / top)),
        "EG+": schemes.extragradient(game, tx(0.5 / top), reach=tx(1 / top)),
        "AdaptiveEG+": adaptive(kind="adaptive"),
        "CurvatureEG+": adaptive(kind="curvature"),
    }


def replay() -> Result:
    """Constants and counts of PolarGame for three strengths."""
    numbers, curves, ends = [], {}, {}
    for a, (top, rho, *printed) in POLAR.items():
        game = games.polar(a, start=(1.0, 0.5))
        slopes = vector_field(game)
        ours = dict(zip(("L", "rho"), constants(slopes), strict=True))
        for name, value in (("L", top), ("rho", rho)):
            tolerance = 1e-6 * abs(value)
            numbers.append(Number(f"a {a:.3g}: {name}", value, ours[name], None, tolerance, SOURCE))
        for (name, scheme), value in zip(made(game, top).items(), printed, strict=True):
            near = partial(arrived, slopes)
            count = int(jax.jit(partial(steps_until, scheme, near, NEVER))())
            few = 3.0 if name == "CurvatureEG+" else 0.0  # its line search is not the published one
            numbers.append(Number(f"a {a:.3g}: steps of {name}", value, count, None, few, REPLAY))
            ends[a, name] = count
            if a == 1:
                norms = jax.jit(partial(path, scheme, 200, partial(size_of, slopes)))()
                curves[name] = (np.arange(201), norms)
    conclusion = ends[1.0, "CurvatureEG+"] < NEVER == ends[1.0, "EG"] == ends[1.0, "EG+"]
    return Result(tuple(numbers), conclusion, Panel(curves, "step", "|F|, a = 1", "y"))
