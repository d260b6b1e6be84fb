"""Time averages of alternating and of optimistic play: their distances from the equilibrium.

V = x'Ay in 10 + 10 dimensions, A normal, both from one normal start; 1,000 steps at fixed rates,
1 / |A| for alternating play and a quarter of it for optimistic play, the ratio that the paper
allows. The paper's games have more players and its set-up was not read: two players stand for them.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from claims.playing import both, joined, path
from claims.result import Panel, Result, measured
from ganjax import games, schemes

TITLE = {
    "en": "Averages of alternating play are nearer to the equilibrium than those of optimism",
    "ko": "교대 갱신의 시간 평균이 낙관적 갱신의 시간 평균보다 균형에 가깝다",
}
SOURCE = "Bailey 2021, arXiv:2110.02482, abstract"
GAMES, DIM, STEPS = 200, 10, 1000


def averages(key: jax.Array) -> jax.Array:
    """Distances [schemes, steps] of the averages up to every step, in one game."""
    a, x, y = (
        jax.random.normal(k, shape)
        for k, shape in zip(jax.random.split(key, 3), ((DIM, DIM), (DIM,), (DIM,)), strict=True)
    )
    game, rate = games.zero_sum(lambda x, y: x @ a @ y, (x, y)), 1 / jnp.linalg.norm(a, ord=2)

    def of(make, rate):
        z = path(make(game, both(optax.sgd(rate))), STEPS, joined)
        counts = jnp.arange(1, STEPS + 2)
        return jnp.linalg.norm(jnp.cumsum(z, 0) / counts[:, None], axis=1)

    return jnp.stack(
        [of(partial(schemes.alternating, first="gen"), rate), of(schemes.optimistic, rate / 4)]
    )


def replay() -> Result:
    """The ratio of the distances after 1,000 steps, over random games."""
    runs = np.asarray(jax.jit(jax.vmap(averages))(jax.random.split(jax.random.key(0), GAMES)))
    ratios = runs[:, 1, -1] / runs[:, 0, -1]
    numbers = (measured("optimistic / alternating", 2.585, ratios, f"[memory] {SOURCE}"),)
    curves = {}
    for name, distances in zip(("alternating", "optimistic"), runs.mean(0), strict=True):
        curves[name] = (np.arange(1, STEPS + 2), distances)
    return Result(numbers, numbers[0].interval[0] > 1, Panel(curves, "step", "|average|", "xy"))
