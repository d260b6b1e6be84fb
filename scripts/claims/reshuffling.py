"""Stochastic extragradient that draws its samples without replacement: the floor of |z - z*|^2.

L = mean of x'B y + a_i'x - b_i'y over 100 samples in 10 + 10 dimensions, B diagonal from 1 to 10;
both gradients of a step share a sample; step 0.01, reach 0.04; 300 epochs, of which the last 50 are
averaged. Published in one dimension, where the condition number drops out (docs/errata.md).
"""

from functools import partial

import jax
import numpy as np
import optax

from claims.playing import both, joined, path
from claims.result import Panel, Result, measured
from ganjax import games, schemes

TITLE = {
    "en": "Random reshuffling lowers the floor of stochastic extragradient",
    "ko": "무작위 재배열은 확률적 외경사법이 도달하는 오차를 낮춘다",
}
SOURCE = (
    "Emmanouilidis, Vidal, Loizou, AISTATS 2024, arXiv:2403.07148; "
    "emmanouilidisk/Stochastic-Extragradient-with-Random-Reshuffling d0e227d"
)
ORDERS = ("replacement", "reshuffled", "once")
SAMPLES, DIM, EPOCHS, SEEDS = 100, 10, 300, 100


def replay() -> Result:
    """The floors of 100 runs for each order of the samples."""
    draws = np.random.RandomState(1)
    b = np.broadcast_to(np.diag(np.linspace(1.0, 10.0, DIM)), (SAMPLES, DIM, DIM))
    shifts = draws.normal(size=(2, SAMPLES, DIM))
    solution = np.r_[shifts[1].mean(0) / b[0].diagonal(), -shifts[0].mean(0) / b[0].diagonal()]

    def run(order, key):
        game = games.finite_sum(b, gen_vector=shifts[0], disc_vector=shifts[1], order=order)
        scheme = schemes.extragradient(game, both(optax.sgd(1e-2)), reach=4e-2)
        away = path(
            scheme,
            EPOCHS * SAMPLES,
            lambda s: ((joined(s) - solution) ** 2).sum(),
            rng=key,
            every=SAMPLES,
        )
        return away

    keys, numbers, curves = jax.random.split(jax.random.key(0), SEEDS), [], {}
    for order in ORDERS:
        runs = np.asarray(jax.jit(jax.vmap(partial(run, order)))(keys))
        floor = runs[:, -50:].mean(1)
        numbers.append(measured(f"{order}: floor", np.nan, floor, SOURCE))
        curves[order] = (np.arange(EPOCHS + 1), runs.mean(0))
    replacement, reshuffled, _ = (number.interval for number in numbers)
    panel = Panel(curves, "epoch", "|z - z*|^2", "y")
    return Result(tuple(numbers), reshuffled[1] < replacement[0], panel)
