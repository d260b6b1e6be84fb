"""Stochastic extragradient on a bilinear game: the squared distance and its slope in k.

V = x'Cy in 50 + 50 dimensions, singular values uniform in [1, 2], noise N(0, 1/4) on every entry of
every gradient; reach (20 / (k + 20))^r, step 0.1 (20 / (k + 20))^s, in C's bases, where C is
diagonal and the noise the same. The slope is that of the mean's log from 10^3 to 10^4 steps.
"""

from functools import partial

import jax
import numpy as np
import optax

from claims.playing import both, path, squared
from claims.quadratics import bilinear
from claims.result import Panel, Result, of_one_study
from ganjax import games, schemes

TITLE = {
    "en": "In noise, equal steps of extragradient stall, and a longer reach converges as 1/k",
    "ko": "잡음이 있으면 두 걸음이 같은 외경사법은 정체하고, 앞걸음이 길면 1/k로 수렴한다",
}
SOURCE = "Hsieh et al., NeurIPS 2020, arXiv:2003.10162; cyber-meow/Double_stepsize_extragradient"
REPLAY = "independent replay of the published set-up"
STUDIES, RUNS, STEPS = 13, 10, 10_000
PUBLISHED = {  # (r, s) -> squared distance after 100, 1,000, 10,000 steps, slope
    (0.7, 0.7): (0.739, 0.663, 0.637, -0.017),
    (0.0, 0.7): (0.595, 0.121, 0.0220, -0.74),
    (0.0, 0.9): (0.409, 0.0601, 0.00723, -0.92),
    (0.0, 1.0): (0.377, 0.0408, 0.00426, -0.98),
}


def distances(powers: tuple[float, float], singular, x, y, key: jax.Array) -> jax.Array:
    """|z|^2 after every 100 steps of one run."""
    game = games.noisy(games.zero_sum(lambda x, y: x @ (singular * y), (x, y)), 0.25)
    reach, step = (lambda k, p=p: (20 / (k + 20.0)) ** p for p in powers)
    tx = both(optax.sgd(lambda k: 0.1 * step(k)))
    scheme = schemes.extragradient(game, tx, reach=reach, fresh_batches=True)
    return path(scheme, STEPS, lambda state: squared(state.params), rng=key, every=100)


def replay() -> Result:
    """13 studies of 10 runs, each study with a C of its own."""
    draws = np.random.default_rng(0)
    games_of = [bilinear(draws, 50) for _ in range(STUDIES)]
    games_of = tuple(map(np.stack, zip(*games_of, strict=True)))
    keys, numbers, curves = jax.random.split(jax.random.key(0), (STUDIES, RUNS)), [], {}
    for powers, printed in PUBLISHED.items():
        runs = jax.vmap(partial(distances, powers), (None, None, None, 0))
        means = np.asarray(jax.jit(jax.vmap(runs))(*games_of, keys)).mean(1)  # [studies, 101]
        values = [*means[:, [1, 10, 100]].T, np.log10(means[:, 100] / means[:, 10])]
        name = "exponents {:g}, {:g}".format(*powers)
        for kind, value, studies in zip((100, 1000, 10_000, "slope"), printed, values, strict=True):
            numbers.append(of_one_study(f"{name}: {kind}", value, studies, REPLAY))
        bounds = (of(means[:, 1:], 0) for of in (np.mean, np.min, np.max))
        curves[name] = (np.arange(100, STEPS + 1, 100), *bounds)
    stalled, *others = numbers[3::4]
    conclusion = stalled.interval[0] > -0.1 and all(slope.interval[1] < -0.5 for slope in others)
    return Result(tuple(numbers), conclusion, Panel(curves, "step", "|z|^2, mean of 10 runs", "xy"))
