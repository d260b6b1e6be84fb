"""Stochastic extragradient whose gradients share a sample: the floor of the squared distance.

L = mean of x'A_i x/2 + x'B_i y - y'C_i y/2 + a_i'x - b_i'y over 100 samples in 100 + 100
dimensions, eigenvalues of A_i and C_i in [0.1, 1], singular values of B_i in [0, 1], one sample a
step with replacement, 1,000 steps. Reach 1 / (6 L_max) and a quarter of it as step, or both equal.
The floor is the mean of the last 100 steps.
"""

import math
from functools import partial

import jax
import numpy as np
import optax

from claims.playing import both, joined, path
from claims.quadratics import matrices
from claims.result import Panel, Result, measured
from ganjax import games, schemes
from ganjax.types import Players

TITLE = {
    "en": "Same-sample extragradient: a step of a quarter of the reach has a lower floor",
    "ko": "같은 표본을 쓰는 외경사법은 걸음이 앞걸음의 1/4일 때 더 낮은 오차에 이른다",
}
SOURCE = "Gorbunov et al., AISTATS 2022, arXiv:2111.08611; hugobb/Stochastic-Extragradient ddffe31"
SAMPLES = DIM = SEEDS = 100
STEPS = 1000
PAIRS = {"reach 1/6, step 1/24": (1 / 6, 1 / 4)}  # name -> (reach times L_max, step over reach)
PAIRS |= {f"both 1/{n}": (1 / n, 1.0) for n in (2, 12, 24)}


def replay() -> Result:
    """The floors of 100 runs for each pair of steps, on one game."""
    draws = np.random.default_rng(1234)
    a, c, b = (matrices(draws, SAMPLES, DIM, low) for low in (0.1, 0.1, 0.0))
    shift_x, shift_y = draws.normal(size=(2, SAMPLES, DIM)) / 10 / np.sqrt(DIM)
    game = games.finite_sum(b, a, c, shift_x, shift_y)
    jacobian = np.block([[a, b], [-b.transpose(0, 2, 1), c]])
    top = np.linalg.svd(jacobian, compute_uv=False).max()
    solution = np.linalg.solve(jacobian.mean(0), -np.r_[shift_x.mean(0), shift_y.mean(0)])

    def init(rng, batch=None):
        _, model_state = game.init(rng, batch)
        return Players(*jax.random.normal(rng, (2, DIM)) / np.sqrt(DIM)), model_state

    def run(reach, step, key):
        scheme = schemes.extragradient(game._replace(init=init), both(optax.sgd(step)), reach=reach)
        away = path(scheme, STEPS, lambda state: ((joined(state) - solution) ** 2).sum(), rng=key)
        return away / away[0]

    keys, numbers, curves = jax.random.split(jax.random.key(0), SEEDS), [], {}
    for name, (reach, share) in PAIRS.items():
        one = partial(run, reach / top, share * reach / top)
        runs = np.asarray(jax.jit(partial(jax.lax.map, one, batch_size=10))(keys))
        numbers.append(measured(f"{name}: floor", math.nan, runs[:, -100:].mean(1), SOURCE))
        curves[name] = (np.arange(STEPS + 1), runs.mean(0))
    conclusion = numbers[0].interval[1] < numbers[1].interval[0]
    panel = Panel(curves, "step", "|z - z*|^2 / |z_0 - z*|^2", "y")
    return Result(tuple(numbers), conclusion, panel)
